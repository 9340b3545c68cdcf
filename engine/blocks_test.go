package engine

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// TestBlocks: rows that are short lie in small blocks, bodies in large ones.
func TestBlocks(t *testing.T) {
	e, _ := newEngine(t, func(o *Options) { o.blockBytes = 0 })
	const traces = 1500
	for at := 0; at < traces; at += 50 {
		var runs []testRun
		for i := range 50 {
			r := oneRun(noise(32, int64(at+i)), epoch.Add(time.Duration(at+i)*time.Second))
			r.output = noise(3000+i*20, int64(-1-i)) // no body ends where a block of rows does
			runs = append(runs, r)
		}
		ingest(t, e, "app", runs...)
	}
	if err := e.db.Compact(bg, []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	levels, err := e.db.SSTables(pebble.WithProperties())
	if err != nil {
		t.Fatal(err)
	}
	type size struct{ bytes, blocks uint64 }
	sizes := map[byte]size{}
	for _, tables := range levels {
		for _, table := range tables {
			p := table.Smallest.UserKey[0]
			s := sizes[p]
			sizes[p] = size{s.bytes + table.Properties.DataSize, s.blocks + table.Properties.NumDataBlocks}
		}
	}
	for _, c := range []struct {
		prefix   byte
		min, max uint64
	}{
		{prefixLocator, rowBlock / 2, rowBlock}, // some get shorter when they are packed
		{prefixSummary, rowBlock / 2, rowBlock},
		{prefixBody, 20 << 10, 30 << 10},
	} {
		s := sizes[c.prefix]
		if s.blocks < 3 || s.bytes/s.blocks < c.min || s.bytes/s.blocks > c.max {
			t.Errorf("%q: %d bytes in %d blocks, not %d to %d each", c.prefix, s.bytes, s.blocks, c.min, c.max)
		}
	}
}
