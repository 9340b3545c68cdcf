package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/tracebed/tracebed/bench/peers/drivers"
	"github.com/tracebed/tracebed/bench/peers/peer"
	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/frame"
)

// readyStore is an engine whose exports are bytes that lie ready: what the
// server could stream at best.
type readyStore struct {
	*engine.Engine
	bytes []byte
	count int64
}

func (s *readyStore) Export(_ context.Context, _ string, _ engine.ExportQuery, w io.Writer) (engine.ExportResult, error) {
	const piece = 256 << 10
	for b := s.bytes; len(b) > 0; b = b[min(piece, len(b)):] {
		if _, err := w.Write(b[:min(piece, len(b))]); err != nil {
			return engine.ExportResult{}, err
		}
	}
	return engine.ExportResult{Count: s.count}, nil
}

// streamReady measures the server over loopback with the bytes of the export
// ready in memory.
func (c *child) streamReady(t *drivers.Tracebed, n int, raw int64) error {
	var buf bytes.Buffer
	if _, err := t.Export(peer.App, peer.AppNo, n, &buf); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(filepath.Clean(c.dir)), "ready-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	e, err := engine.Open(dir, engine.Options{})
	if err != nil {
		return err
	}
	h, err := drivers.Serve(e, &readyStore{e, buf.Bytes(), int64(n)})
	if err != nil {
		return err
	}
	start, passes := time.Now(), 0
	for ; passes == 0 || time.Since(start) < time.Second; passes++ {
		if _, err := h.Export(peer.App, peer.AppNo, n, io.Discard); err != nil {
			return err
		}
	}
	c.add("ready", "MB/s", float64(raw)*float64(passes)/1e6/time.Since(start).Seconds())
	return h.Close()
}

// limits measures what the machine allows, on the traces of W1.
func (c *child) limits() error {
	n := min(c.n, 5000)
	ch, err := peer.NewSource(1, n).Chunk(n, c.batch, false)
	if err != nil {
		return err
	}
	defer ch.Free()
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	c.noise()
	if err := c.diskLimits(); err != nil {
		return err
	}
	if err := c.cpuLimits(ch); err != nil {
		return err
	}
	return c.pebbleLimit(ch)
}

// noise times a loop that does nothing but count, about as long as a list takes
// and as often as one is asked for: what of a p99 is the machine's.
func (c *child) noise() {
	took := make([]time.Duration, 400)
	sum := 0
	for i := range took {
		start := time.Now()
		for k := range 200_000 {
			sum += k ^ i
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	c.add("counting p50", "ms", float64(took[len(took)/2])/1e6)
	c.add("counting p99", "ms", float64(took[len(took)*99/100])/1e6)
	runtime.KeepAlive(sum)
}

func (c *child) diskLimits() error {
	f, err := os.Create(filepath.Join(c.dir, "probe"))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var took []time.Duration
	small := make([]byte, 4096)
	for range 300 {
		start := time.Now()
		if _, err := f.Write(small); err != nil {
			return err
		}
		if err := fdatasync(f); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	c.add("fsync p50", "ms", float64(took[len(took)/2])/1e6)
	c.add("fsync p99", "ms", float64(took[len(took)*99/100])/1e6)
	large := make([]byte, 4<<20)
	for i := range large {
		large[i] = byte(i * 7)
	}
	start := time.Now()
	for range 128 {
		if _, err := f.Write(large); err != nil {
			return err
		}
	}
	if err := fdatasync(f); err != nil {
		return err
	}
	c.add("sequential write", "MB/s", 128*float64(len(large))/1e6/time.Since(start).Seconds())
	return nil
}

// cpuLimits are all of one core.
func (c *child) cpuLimits(ch *peer.Chunk) error {
	var buf, dst []byte
	zw, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	zr, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer zr.Close()
	var packed int64
	each := func(name string, do func(r *peer.Rec) (int, error)) error {
		var total int
		start := time.Now()
		for _, b := range ch.Batches {
			for i := range b {
				n, err := do(&b[i])
				if err != nil {
					return err
				}
				total += n
			}
		}
		c.add(name, "MB/s", float64(total)/1e6/time.Since(start).Seconds())
		return nil
	}
	steps := []struct {
		name string
		do   func(r *peer.Rec) (int, error)
	}{
		{"memcpy", func(r *peer.Rec) (int, error) { dst = append(dst[:0], r.Full...); return len(dst), nil }},
		{"zstd, engine's encoder", func(r *peer.Rec) (int, error) {
			buf, _ = frame.Encode(buf[:0], nil, r.Full)
			packed += int64(len(buf))
			return len(r.Full), nil
		}},
		{"zstd, library", func(r *peer.Rec) (int, error) { buf = zw.EncodeAll(r.Full, buf[:0]); return len(r.Full), nil }},
		{"zstd and back", func(r *peer.Rec) (int, error) {
			buf = zw.EncodeAll(r.Full, buf[:0])
			dst, err = zr.DecodeAll(buf, dst[:0])
			return len(dst), err
		}},
		{"JSON, engine's parser", func(r *peer.Rec) (int, error) {
			_, _, err := dynamiq.Parse(r.Raw, dynamiq.Options{})
			return len(r.Raw), err
		}},
		{"JSON, encoding/json.Valid", func(r *peer.Rec) (int, error) { json.Valid(r.Raw); return len(r.Raw), nil }},
	}
	for _, s := range steps {
		if err := each(s.name, s.do); err != nil {
			return err
		}
	}
	c.add("zstd ratio", "×", float64(ch.JSON)/float64(packed))
	return nil
}

// pebbleLimit commits frames that are ready, in batches with sync.
func (c *child) pebbleLimit(ch *peer.Chunk) error {
	db, err := pebble.Open(filepath.Join(c.dir, "ready"), drivers.BareOptions())
	if err != nil {
		return err
	}
	var frames [][][]byte
	for _, b := range ch.Batches {
		var list [][]byte
		for i := range b {
			f, _ := frame.Encode(nil, nil, b[i].Full)
			list = append(list, f)
		}
		frames = append(frames, list)
	}
	var works []peer.Work
	for k, list := range frames {
		works = append(works, func() error {
			b := db.NewBatch()
			for i, f := range list {
				var key [32]byte
				binary.BigEndian.PutUint64(key[:], uint64(k<<32|i))
				if err := b.Set(key[:], f, nil); err != nil {
					return err
				}
			}
			return b.Commit(pebble.Sync)
		})
	}
	start := time.Now()
	if err := load(works, c.writers); err != nil {
		return err
	}
	c.add("Pebble commits of ready frames", "traces/s", float64(ch.Traces)/time.Since(start).Seconds())
	return db.Close()
}
