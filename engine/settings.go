package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

const maxSettingBytes = 1 << 20

// Setting returns the value of a setting; the error is ErrNotFound when there
// is none.
func (e *Engine) Setting(ctx context.Context, key string) ([]byte, error) {
	leave, err := e.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	v, closer, err := e.db.Get(settingKey(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, fmt.Errorf("setting %q: %w", key, ErrNotFound)
	}
	if err != nil {
		return nil, storeError(err)
	}
	return slices.Clone(v), closer.Close()
}

// Settings returns all settings whose keys begin with prefix.
func (e *Engine) Settings(ctx context.Context, prefix string) (map[string][]byte, error) {
	leave, err := e.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	lo := settingKey(prefix)
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: prefixEnd(lo)})
	if err != nil {
		return nil, storeError(err)
	}
	out := map[string][]byte{}
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return nil, errors.Join(storeError(err), it.Close())
		}
		out[string(it.Key()[1:])] = slices.Clone(v)
	}
	return out, storeError(errors.Join(it.Error(), it.Close()))
}

// PutSetting stores a small value durably.
func (e *Engine) PutSetting(ctx context.Context, key string, value []byte) error {
	_, err := e.Apply(ctx, &Op{Kind: OpPutSetting, TimeNS: e.opts.Now().UnixNano(), Key: key, Value: slices.Clone(value)})
	return err
}

// DeleteSetting removes a setting. Removing what is not there is no error.
func (e *Engine) DeleteSetting(ctx context.Context, key string) error {
	_, err := e.Apply(ctx, &Op{Kind: OpDeleteSetting, TimeNS: e.opts.Now().UnixNano(), Key: key})
	return err
}

func (e *Engine) submitSetting(ctx context.Context, op *Op) (*pending, error) {
	if op.Key == "" || len(op.Key) > 4*maxIDBytes || len(op.Value) > maxSettingBytes {
		return nil, fmt.Errorf("%w: setting with a key of %d and a value of %d bytes", ErrInvalid, len(op.Key), len(op.Value))
	}
	return e.enqueue(ctx, &commitReq{op: op, effect: func(b *pebble.Batch) error {
		if op.Kind == OpDeleteSetting {
			return b.Delete(settingKey(op.Key), nil)
		}
		return b.Set(settingKey(op.Key), op.Value, nil)
	}})
}

// prefixEnd is the first key behind all keys that begin with prefix.
func prefixEnd(prefix []byte) []byte {
	end := slices.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
