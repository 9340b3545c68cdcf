package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

// read splits an input and gives "count@line:runs" per piece.
func readPieces(t *testing.T, r io.Reader) ([]string, error) {
	t.Helper()
	var got []string
	s := &source{name: "in", r: r}
	err := s.pieces(func(p piece) error {
		var runs []json.RawMessage
		if err := json.Unmarshal([]byte("["+string(p.runs)+"]"), &runs); err != nil {
			t.Errorf("piece %q is not a list of runs: %v", p.runs, err)
		}
		if !p.otlp && len(runs) != p.count {
			t.Errorf("piece says %d runs and has %d", p.count, len(runs))
		}
		got = append(got, fmt.Sprintf("%d@%d", p.count, p.line))
		return nil
	})
	return got, err
}

func TestPieces(t *testing.T) {
	const run = `{"id":"a","start_time":"2026-01-01T00:00:00Z","x":"}]\"{["}`
	trace := `{"id":"t","run_count":2,"input":{"runs":5},"runs":[` + run + ` , ` + run + `]}`
	spans := `{"resourceSpans":[{"scopeSpans":[{"spans":[{},{"a":"]"}]},{}]}, {"scopeSpans":[{"spans":[{}]}]}]}`
	body := `{ "runs" : [` + run + `,` + "\n" + run + `] }`
	for _, c := range []struct{ name, in, want, err string }{
		{"a body", body, "2@1", ""},
		{"a body with members behind", `{"runs":[` + run + `],"more":{"a":[1]},"b":1}`, "1@1", ""},
		{"a body that is not first", `{"more":1,"runs":[` + run + `]}`, "1@1", ""},
		{"an empty body", `{"runs":[]}`, "", ""},
		{"lines of runs", run + "\n" + run + "\n\n" + run, "1@1 1@2 1@4", ""},
		{"lines of bodies", body + "\n" + body, "2@1 2@3", ""},
		{"lines of traces", trace + "\n" + trace + "\n", "2@1 2@2", ""},
		{"an array of traces", "[\n" + trace + ",\n" + trace + "\n]\n", "2@2 2@3", ""},
		{"an array of runs", "[" + run + "," + run + "]", "1@1 1@1", ""},
		{"an empty array", " [ ] ", "", ""},
		{"nothing", "  \n ", "", ""},
		{"a trace without runs", `{"id":"t","run_count":2}`, "", "line 1: a trace without its runs"},
		{"OTLP", spans + "\n" + spans, "3@1 3@2", ""},
		{"OTLP of no spans", `{"resourceSpans":[]}`, "", ""},
		{"OTLP that is no list", `{"resourceSpans":7}`, "", "line 1: resourceSpans"},
		{"OTLP behind runs", `{"runs":[` + run + `],"resourceSpans":[]}`, "", "both runs and resourceSpans"},
		{"OTLP before runs", `{"resourceSpans":[],"runs":[` + run + `]}`, "", "both runs and resourceSpans"},
		{"something else", `{"a":1}`, "", "neither a run"},
		{"a number", run + "\n17", "1@1", "line 2: a JSON object must stand here"},
		{"cut in a run", run[:20], "", "ends in the middle"},
		{"cut in a body", body[:len(body)-8], "", "ends in the middle"},
		{"cut in an array", "[" + run, "1@1", "ends in the middle"},
		{"no comma", "[" + run + run + "]", "1@1", "without a comma"},
		{"no comma in a body", `{"runs":[` + run + run + "]}", "", "without a comma"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in))} {
				got, err := readPieces(t, r)
				if strings.Join(got, " ") != c.want {
					t.Errorf("pieces %v, want %s", got, c.want)
				}
				if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
			}
		})
	}
}

// TestPiecesOfALargeBody: a body far above maxPiece comes in parts, whole runs
// each, and none is lost.
func TestPiecesOfALargeBody(t *testing.T) {
	one := `{"id":"a","start_time":"x","pad":"` + strings.Repeat("p", 1<<20) + `"}`
	in := `{"runs":[` + strings.Repeat(one+",", 59) + one + `]}`
	var runs, parts int
	s := &source{name: "in", r: strings.NewReader(in)}
	err := s.pieces(func(p piece) error {
		if len(p.runs) > maxPiece+len(one)+1 {
			t.Errorf("a part of %d bytes", len(p.runs))
		}
		runs += p.count
		parts++
		return nil
	})
	if err != nil || runs != 60 || parts != 3 {
		t.Errorf("%d runs in %d parts, error %v; want 60 in 3", runs, parts, err)
	}
}

// TestOpenSource: compressed inputs are known by their first bytes.
func TestOpenSource(t *testing.T) {
	const text = `{"runs":[]}`
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(text)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	frame := enc.EncodeAll([]byte(text), nil)
	for name, content := range map[string][]byte{
		"plain": []byte(text), "gzip": zipped.Bytes(), "zstd": frame,
		"two gzip members": bytes.Repeat(zipped.Bytes(), 2), "two zstd frames": bytes.Repeat(frame, 2), "empty": nil,
	} {
		file := filepath.Join(t.TempDir(), "in")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		var read int64
		s, err := openSource(file, nil, func(n int64) { read += n })
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := io.ReadAll(s.r)
		if err != nil || s.done() != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := text
		if strings.HasPrefix(name, "two") {
			want += text
		}
		if name == "empty" {
			want = ""
		}
		if string(got) != want || read != int64(len(content)) {
			t.Errorf("%s: got %q after %d of %d bytes", name, got, read, len(content))
		}
	}
	if _, err := openSource(filepath.Join(t.TempDir(), "none"), nil, nil); err == nil {
		t.Error("a missing file is opened")
	}
}

// FuzzSplit: values that encoding/json takes are split into exactly those
// values; other bytes end in an error or in pieces, never in a panic.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{`{"a":[1,"}"]} {"b":2}`, `[1,2]`, `"\"" 1 true`, `{"runs":[{}]}`, `}{`, `,,`, `{"a":"\`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &source{name: "in", r: bytes.NewReader(b)}
		_ = s.pieces(func(piece) error { return nil })
		_ = members(b, func(_, _ []byte) error { return nil })
		_ = elements(b, func([]byte) error { return nil })
		if !json.Valid(b) {
			return
		}
		v := newValueReader(iotest.HalfReader(bytes.NewReader(b)))
		got, err := v.value()
		if err != nil || !bytes.Equal(got, bytes.TrimSpace(b)) {
			t.Errorf("%q is split into %q, %v", b, got, err)
		}
	})
}
