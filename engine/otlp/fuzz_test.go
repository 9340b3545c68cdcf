package otlp

import (
	"encoding/json"
	"testing"

	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// checkBatch checks what holds for every batch: all runs read back as they
// are, and parsing again, with used memory, gives the same.
func checkBatch(t *testing.T, body []byte, enc Encoding, logs bool) {
	o := Options{MaxSpans: 1000, MaxAttributes: 1000, MaxOutput: 1 << 20}
	b, err := parse(body, enc, o, logs)
	if err != nil {
		if len(b.Groups) > 0 {
			t.Fatal("runs beside an error")
		}
		return
	}
	kept := map[string]string{}
	for _, g := range b.Groups {
		for i := range g.Runs {
			r := &g.Runs[i]
			if len(r.JSON) < 1<<16 {
				checkRun(t, r)
			}
			if r.Finished() == false || r.TraceID == "" || r.End.NS < r.Start.NS {
				t.Fatalf("odd run %s", r.JSON)
			}
			kept[r.TraceID+r.ID] = string(r.JSON)
		}
	}
	again, err := parse(body, enc, o, logs)
	if err != nil || len(again.Groups) != len(b.Groups) || again.Rejected != b.Rejected {
		t.Fatalf("another result: %v", err)
	}
	for i, g := range again.Groups {
		for j := range g.Runs {
			if string(g.Runs[j].JSON) != string(b.Groups[i].Runs[j].JSON) {
				t.Fatal("another run")
			}
		}
	}
	for _, g := range b.Groups {
		for i := range g.Runs {
			if r := &g.Runs[i]; kept[r.TraceID+r.ID] != string(r.JSON) && len(kept) == len(g.Runs) {
				t.Fatal("a run changed while another body was parsed")
			}
		}
	}
}

func seeds(f *testing.F) [][]byte {
	list := [][]byte{[]byte(`{}`), logBody(record(`,"eventName":"gen_ai.evaluation.result"`, "gen_ai.evaluation.name", str("x")))}
	for _, name := range []string{"otlp-genai.json", "otlp-openinference.json"} {
		var sent struct {
			Requests []struct{ Body json.RawMessage }
		}
		if err := json.Unmarshal(readFile(f, name), &sent); err != nil {
			f.Fatal(err)
		}
		list = append(list, sent.Requests[0].Body)
	}
	for _, m := range mappings[:min(len(mappings), 400)] {
		list = append(list, spanBody("", append([]string{m.attr, m.value}, m.more...)...))
	}
	return list
}

func FuzzJSON(f *testing.F) {
	for _, body := range seeds(f) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		checkBatch(t, body, JSON, false)
		checkBatch(t, body, JSON, true)
	})
}

// FuzzProtobuf also holds the reader against the generated types: what they
// read and write again means the same.
func FuzzProtobuf(f *testing.F) {
	for _, body := range seeds(f) {
		f.Add(toProto(f, body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		checkBatch(t, body, Protobuf, false)
		checkBatch(t, body, Protobuf, true)
		var m tracev1.TracesData
		if (proto.UnmarshalOptions{RecursionLimit: 50}).Unmarshal(body, &m) != nil {
			return
		}
		if _, err := Parse(body, Protobuf, Options{}); err != nil {
			t.Fatalf("the generated types read it: %v", err)
		}
		count := 0
		for _, r := range m.ResourceSpans {
			for _, s := range r.ScopeSpans {
				count += len(s.Spans)
			}
		}
		b, err := Parse(body, Protobuf, Options{})
		got := b.Rejected
		for _, g := range b.Groups {
			got += len(g.Runs)
		}
		if err != nil || got != count {
			t.Fatalf("%d spans of %d: %v", got, count, err)
		}
	})
}
