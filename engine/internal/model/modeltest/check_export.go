package modeltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/internal/model"
)

// checkExport exports with a random filter and shape, at times in several
// pieces, and compares every trace of it.
func (p *player) checkExport(app string, rng *rand.Rand) error {
	f := p.filter(app, rng)
	if rng.IntN(2) == 0 {
		f = model.Filter{}
	}
	q := engine.ExportQuery{Filter: engineFilter(f), IncludeRuns: rng.IntN(2) == 0, Zstd: rng.IntN(2) == 0,
		Format: []engine.ExportFormat{engine.JSONArray, engine.JSONLines}[rng.IntN(2)],
		Limit:  []int64{0, 0, 0, 1, 2, 5}[rng.IntN(6)]}
	fail := func(err error) error { return fmt.Errorf("export %+v: %w", q, err) }
	want := p.oracle.Select(app, f)
	var walk []string
	for {
		var out bytes.Buffer
		res, err := p.eng.Export(p.ctx, app, q, &out)
		if p.noApp(app, err) {
			return nil
		}
		if err != nil {
			return fail(err)
		}
		traces, err := p.split(out.Bytes(), q)
		if err != nil {
			return fail(err)
		}
		if int64(len(traces)) != res.Count || q.Limit > 0 && res.Count > q.Limit {
			return fail(fmt.Errorf("%d traces in the stream, the result says %+v", len(traces), res))
		}
		for _, b := range traces {
			id, err := p.compareExported(app, b, q.IncludeRuns)
			if err != nil {
				return fail(err)
			}
			walk = append(walk, id)
		}
		if res.Complete != (len(walk) >= len(want)) || res.Complete != (res.NextCursor == "") {
			return fail(fmt.Errorf("%+v after %d of %d", res, len(walk), len(want)))
		}
		if res.Complete {
			break
		}
		q.Cursor = res.NextCursor
	}
	if err := sameOrder(walk, want, true); err != nil {
		return fail(err)
	}
	return nil
}

func (p *player) compareExported(app string, b []byte, runs bool) (string, error) {
	var head struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return "", fmt.Errorf("%w: %.300s", err, b)
	}
	err := p.compareTrace(app, head.ID, b, alone, runs)
	if err != nil {
		return "", fmt.Errorf("trace %q: %w", head.ID, err)
	}
	return head.ID, nil
}

// split takes the traces out of an export: an array with one a line, or a
// line each. The whole must be valid JSON, or every line.
func (p *player) split(b []byte, q engine.ExportQuery) (traces [][]byte, err error) {
	if q.Zstd {
		if b, err = p.inflate(b); err != nil {
			return nil, err
		}
	}
	if q.Format == engine.JSONArray {
		var list []json.RawMessage
		if err := json.Unmarshal(b, &list); err != nil {
			return nil, fmt.Errorf("%w: %.300s", err, b)
		}
		b = bytes.TrimSpace(b)
		b = bytes.TrimSuffix(bytes.TrimPrefix(b, []byte("[")), []byte("]"))
	}
	for _, line := range bytes.Split(b, []byte("\n")) {
		line = bytes.Trim(line, " \t\r")
		if q.Format == engine.JSONArray {
			line = bytes.Trim(line, ", \t\r")
		}
		if len(line) == 0 {
			continue
		}
		if !json.Valid(line) {
			return nil, fmt.Errorf("a line that is not JSON: %.300s", line)
		}
		traces = append(traces, line)
	}
	return traces, nil
}

// inflate decodes one zstd frame, with the window that HTTP clients allow.
func (p *player) inflate(b []byte) ([]byte, error) {
	if len(b) < 4 || !bytes.Equal(b[:4], []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		return nil, errors.New("not a zstd frame")
	}
	if err := p.unzstd.Reset(bytes.NewReader(b)); err != nil {
		return nil, err
	}
	return io.ReadAll(p.unzstd)
}
