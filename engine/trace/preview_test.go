package trace

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		raw     string
		preview int
		want    string
	}{
		{`"abcdef"`, 3, `"abc"`},
		{`"abcdef"`, 100, `"abcdef"`},
		{`"aé日😀x"`, 2, `"a"`},
		{`"aé日😀x"`, 3, `"aé"`},
		{`"aé日😀x"`, 9, `"aé日"`},
		{`"aé日😀x"`, 10, `"aé日😀"`},
		{`"\n\"\\x"`, 2, `"\n\""`},
		{`"\u0041\u00e9\u65e5z"`, 1, `"\u0041"`},
		{`"\u0041\u00e9\u65e5z"`, 2, `"\u0041"`},
		{`"\u0041\u00E9\u65E5z"`, 6, `"\u0041\u00E9\u65E5"`},
		{`"\ud83d\ude00z"`, 3, `""`},
		{`"\uD83D\uDE00z"`, 4, `"\uD83D\uDE00"`},
		{`"\ud83dz"`, 2, `""`},
		{`"\ud83d\u0041z"`, 3, `"\ud83d"`},
		{`"\ud83d\n"`, 4, `"\ud83d\n"`},
		{`{"a":"b\n"}`, 8, `"{\"a\":\"b\\"`},
		{`{"a":"é"}`, 7, `"{\"a\":\""`},
		{`[1,2,3]`, 4, `"[1,2"`},
		{`12345.678`, 3, `"123"`},
	} {
		got := appendCut(nil, []byte(c.raw), c.preview)
		if string(got) != c.want {
			t.Errorf("%s cut to %d = %s, want %s", c.raw, c.preview, got, c.want)
		}
		if n := cutLen([]byte(c.raw), c.preview); n != len(got) {
			t.Errorf("%s cut to %d: cutLen %d, want %d", c.raw, c.preview, n, len(got))
		}
	}
}

func TestPreview(t *testing.T) {
	for _, c := range []struct {
		obj     string
		preview int
		want    string
	}{
		{`{"id":"x","input":"abcdef","output":{"a":1},"error":null}`, 3,
			`{"id":"x","input":"abc","input_truncated":true,"output":"{\"a","output_truncated":true,"error":null}`},
		{`{"input":"abc","output":null,"z":{"input":"abcdefghi"}}`, 5, `{"input":"abc","output":null,"z":{"input":"abcdefghi"}}`},
		{`{"input":"abcdef","input_truncated":true,"output":"abcdef","output_truncated":true,"z":1}`, 2,
			`{"input":"ab","input_truncated":true,"output":"ab","output_truncated":true,"z":1}`},
		{`{"input":"abcdef","input_truncated":true,"output":1}`, 2, `{"input":"ab","input_truncated":true,"output":1}`},
		{`{"input":"abcdef","output":1}`, 0, `{"input":"abcdef","output":1}`},
		{`{"output":"abcdef"}`, 1, `{"output":"a","output_truncated":true}`},
		{`{"input":"ab\"","output":"ab\u0041"}`, 3, `{"input":"ab\"","output":"ab\u0041"}`}, // content fits
		{`{"input":null,"output":false}`, 3, `{"input":null,"output":"fal","output_truncated":true}`},
		{`{}`, 1, `{}`},
	} {
		got, err := Preview([]byte(c.obj), c.preview)
		if err != nil || string(got) != c.want {
			t.Errorf("%s at %d = %s, %v; want %s", c.obj, c.preview, got, err, c.want)
		}
	}
	for _, bad := range []string{``, `[]`, `{"input":`, `{"input":"abcdef"`, `{"input":"abcdef",}`, `{"input":1}x`} {
		if _, err := Preview([]byte(bad), 2); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// TestPreviewOfRendered: cutting while rendering, cutting the rendered object
// and cutting in two steps are the same.
func TestPreviewOfRendered(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 4))
		runs := randomForest(r, 1+r.IntN(5))
		s := Derive(runs, Options{})
		whole := append(AppendTrace(nil, "a", runs, &s, timeAt(1), Options{}), '}')
		n := 1 + r.IntN(30)
		want, cut := AppendPreviewTrace(nil, "a", runs, &s, timeAt(1), Options{}, n)
		want = append(want, '}')
		if got, err := Preview(whole, n); err != nil || !bytes.Equal(got, want) || cut == bytes.Equal(got, whole) {
			t.Fatalf("seed %d at %d: %v\n%s\n%s", seed, n, err, got, want)
		}
		wider, err := Preview(whole, n+r.IntN(9))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Preview(wider, n); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("seed %d: in two steps %v\n%s\n%s", seed, err, got, want)
		}
	}
}

func TestPreviewAllocatesItsResult(t *testing.T) {
	obj := []byte(`{"input":` + strings.Repeat(`"é\u0041\n`, 1) + strings.Repeat("x", 9000) + `","output":{"a":"` + strings.Repeat(`\"`, 5000) + `"}}`)
	var got []byte
	n := testing.AllocsPerRun(20, func() { got, _ = Preview(obj, 2048) })
	if n != 1 || cap(got) > len(got)+len(got)/8+64 {
		t.Errorf("%v allocations, %d bytes for %d", n, cap(got), len(got))
	}
	for _, preview := range []int{0, 2048, 1 << 20} { // got is cut to 2048 already
		if n := testing.AllocsPerRun(20, func() { got, _ = Preview(got, preview) }); n != 0 {
			t.Errorf("%v allocations where nothing is cut to %d", n, preview)
		}
	}
}

func FuzzPreview(f *testing.F) {
	f.Add([]byte(`{"input":"abc\u00e9\ud83d\ude00\ud800","output":{"a":["\"",null]},"z":1}`), 5)
	f.Add([]byte(`{"input":"é日","input_truncated":true,"output":123456789}`), 2)
	f.Add([]byte(`{"output":"x","output":"yyyyyy","input":{}}`), 3)
	f.Fuzz(func(t *testing.T, obj []byte, preview int) {
		got, err := Preview(obj, preview)
		if !json.Valid(obj) || !utf8.Valid(obj) || err != nil {
			if err == nil && preview > 0 && len(got) > 7*len(obj)+len(inputFlag)+len(outputFlag) {
				t.Fatal("grew")
			}
			return
		}
		if !json.Valid(got) {
			t.Fatalf("%s at %d = %s", obj, preview, got)
		}
		if preview <= 0 {
			return
		}
		// What replaces a value: up to 6 bytes for each byte of content.
		if limit := len(obj) + 2*(6*preview+2) + len(inputFlag) + len(outputFlag); preview < 1<<20 && len(got) > limit {
			t.Fatalf("%d bytes at %d became %d", len(obj), preview, len(got))
		}
		again, err := Preview(got, preview)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%s, cut again %s, %v", got, again, err)
		}
		var in, out struct{ Input json.RawMessage }
		if bytes.Count(obj, []byte(`"input"`)) == 1 && json.Unmarshal(obj, &in) == nil && json.Unmarshal(got, &out) == nil && len(out.Input) > 0 {
			checkPrefix(t, in.Input, out.Input, preview)
		}
	})
}

// checkPrefix checks that cut holds the start of the value, or is the value.
func checkPrefix(t *testing.T, value, cut []byte, preview int) {
	t.Helper()
	if bytes.Equal(value, cut) {
		return
	}
	whole, kept := string(value), ""
	if value[0] == '"' {
		if err := json.Unmarshal(value, &whole); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.Unmarshal(cut, &kept); err != nil || len(kept) > preview || !strings.HasPrefix(whole, kept) {
		t.Fatalf("%s cut to %d = %s, %v", value, preview, cut, err)
	}
	if rest := whole[len(kept):]; rest != "" {
		if _, size := utf8.DecodeRuneInString(rest); len(kept)+size <= preview {
			t.Fatalf("%s cut to %d = %s: too short", value, preview, cut)
		}
	}
}

func TestMarkStale(t *testing.T) {
	const old, new = `"stale":false`, `"stale":true`
	inside := `{"input":{"stale":false,"updated_at":"x"},"metadata":{"stale":false},` + old + `,"updated_at":"2026-01-01T00:00:00Z"`
	for _, end := range []string{"", "}"} {
		got := string(MarkStale([]byte(inside + end)))
		at := strings.LastIndex(inside, old)
		if want := inside[:at] + new + inside[at+len(old):] + end; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if again := string(MarkStale([]byte(got))); again != got {
			t.Errorf("twice: %s", again)
		}
	}
	for _, other := range []string{``, `}`, `null`, `{"stale":false}`, `{"a":1,"stale":false,"updated_at":"x","b":2}`,
		`{"a":{"x":1,"stale":false,"updated_at":"x"}}`, `{"a":[{"x":1,"stale":false,"updated_at":"x"}]}`,
		`{"a":"\",\"stale\":false,\"updated_at\":\"x\""}`, `{"x":1,"stale":true,"updated_at":"x"}`} {
		if got := string(MarkStale([]byte(other))); got != other {
			t.Errorf("%s became %s", other, got)
		}
	}
}

// FuzzMarkStale puts any JSON into the object; only the object's own member
// may change.
func FuzzMarkStale(f *testing.F) {
	f.Add([]byte(`{"x":1,"stale":false,"updated_at":"x"}`), `","stale":false,"updated_at":"`)
	f.Add([]byte(`null`), "")
	f.Fuzz(func(t *testing.T, input []byte, app string) {
		MarkStale(bytes.Clone(input)) // any bytes: no panic
		if !json.Valid(input) {
			return
		}
		runs := []Run{runOf("a ok 1-2", withInput(string(input)), withMetadata(string(input)))}
		s := Derive(runs, Options{})
		obj := AppendTrace(nil, app, runs, &s, timeAt(5), Options{})
		at := bytes.LastIndex(obj, []byte(`"stale":false`))
		want := string(obj[:at]) + `"stale":true` + string(obj[at+len(`"stale":false`):])
		if got := MarkStale(append(bytes.Clone(obj), '}')); string(got) != want+"}" {
			t.Fatalf("%s became %s", obj, got)
		}
		if got := MarkStale(bytes.Clone(obj)); string(got) != want {
			t.Fatalf("without brace: %s", got)
		}
	})
}
