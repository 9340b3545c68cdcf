package otlp

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/trace"
)

// BenchmarkIngest is the whole way of a request into a store in memory, as
// protobuf and as the Dynamiq SDK would send it: a new trace of five runs each.
func BenchmarkIngest(b *testing.B) {
	spans, runs := fiveSpans(b), fiveRuns()
	id := make([]byte, 16)
	for _, c := range []struct {
		name  string
		parse func() []trace.Run
	}{
		{"protobuf", func() []trace.Run {
			batch, err := Parse(bytes.ReplaceAll(spans, []byte("0123456789abcdef"), id), Protobuf, Options{})
			if err != nil {
				b.Fatal(err)
			}
			return batch.Groups[0].Runs
		}},
		{"dynamiq", func() []trace.Run {
			list, _, err := dynamiq.Parse(bytes.ReplaceAll(runs, []byte("00001a01-0001-4613-8e08-00018cca2f32"), hex.AppendEncode(nil, id)), dynamiq.Options{})
			if err != nil {
				b.Fatal(err)
			}
			return list
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			store, err := engine.Open("data", engine.Options{FS: vfs.NewMem()})
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := store.Close(); err != nil {
					b.Error(err)
				}
			}()
			n := uint64(0)
			for b.Loop() {
				n++
				binary.BigEndian.PutUint64(id, n)
				if res, err := store.Ingest(context.Background(), "app", c.parse()); err != nil || res.Created != 5 {
					b.Fatal(res, err)
				}
			}
		})
	}
}
