package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// texts are the accept and reject cases of the tests and the seeds of the fuzz
// targets.
var texts = []string{
	``, ` `, `null`, ` true `, `false`, `nul`, `nulll`, `tru`, `True`,
	`0`, `-0`, `-`, `01`, `-01`, `1.`, `.5`, `1.5`, `1e5`, `1E+5`, `1e-5`, `1e`, `1e+`, `1.e5`, `+1`, `1e400`,
	`12345678901234567890123456789`, `7.500000000000001e-05`, `0x10`, `1_0`, `NaN`, `Infinity`,
	`""`, `"a"`, `"`, `"abcdefg`, `"abcdefgh`, `"abcdefghi"`, `"\n\t\r\b\f\/\\\""`, `"\x"`, `"\u12"`, `"\u12g4"`,
	`"\u00e9"`, `"\ud83d\ude00"`, `"\ud800"`, `"\udc00x"`, `"\ud800\ud800"`, `"\ud800\u0041"`, `"\`, `"\"`, `"\u"`,
	"\"\x00\"", "\"\x1f\"", "\"abcdefgh\n\"", "\"\x7f\"", "\"é\"", "\"\xff\"", "\"abcdefgh\xc3\"", "\"\xed\xa0\x80\"",
	"\"\xc3\\n\xa9\"", "\"日本語のテキスト\"", "\"\u2028\"",
	`[]`, `[ ]`, `[1]`, `[1,2]`, `[1,]`, `[,1]`, `[1 2]`, `[`, `[1`, `[1,`, `]`, `[}`, `[[[]]]`, `[[],[]]`,
	`{}`, `{ }`, `{"a":1}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1,"a":2}`, `{"a" : [ 1 , { } ] }`,
	`{"a":1 "b":2}`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1]`, `{1:2}`, `{"":""}`, `{"a":{"b":{"c":[null]}}}`,
	"\ufeff{}", "{}\x00", "\v{}", "\u00a0{}", `{} {}`, `[1] ,`, "\t[\r\n1\n,\t2 ]  ",
	`{"a":"x","b":[1.5e3,-2,"\u0041"],"c":{"d":null,"e":true,"f":false}}`,
}

func TestValidAgreesWithEncodingJSON(t *testing.T) {
	for _, text := range texts {
		checkValid(t, []byte(text))
		// Every prefix and every single replaced byte of each text.
		for i := range text {
			checkValid(t, []byte(text[:i]))
			for _, c := range []byte("\"\\{}[],:0e-. \n\x00\x80\xc3") {
				b := []byte(text)
				b[i] = c
				checkValid(t, b)
			}
		}
	}
}

// checkValid compares Valid, Skip, AppendCompact and the pull calls with
// encoding/json.
func checkValid(t *testing.T, b []byte) {
	t.Helper()
	err := Valid(b)
	want := json.Valid(b) && utf8.Valid(b)
	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		if syntax.Msg == msgDepth {
			return // encoding/json goes deeper
		}
		if syntax.Offset < 0 || syntax.Offset > len(b) || syntax.Msg == "" {
			t.Fatalf("%q: bad error %+v", b, syntax)
		}
	}
	if (err == nil) != want {
		t.Fatalf("Valid(%q) = %v, want valid %v", b, err, want)
	}
	var s Scanner
	s.Reset(b)
	pull := walk(&s)
	if pull == nil {
		pull = s.End()
	}
	if (pull == nil) != want {
		t.Fatalf("pull scan of %q = %v, want valid %v", b, pull, want)
	}
	if !want {
		return
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, b); err != nil {
		t.Fatal(err)
	}
	if got := AppendCompact(nil, b); !bytes.Equal(got, compact.Bytes()) {
		t.Fatalf("AppendCompact(%q) = %q, want %q", b, got, compact.Bytes())
	}
	if got := len(b) - compact.Len(); s.Spaces() != got {
		t.Fatalf("Spaces after pulling %q = %d, want %d", b, s.Spaces(), got)
	}
	s.Reset(b)
	raw, err := s.Skip()
	if err != nil || s.End() != nil || !bytes.Equal(raw, bytes.Trim(b, " \t\r\n")) || s.Spaces() != len(b)-compact.Len() {
		t.Fatalf("Skip(%q) = %q, %v, spaces %d", b, raw, err, s.Spaces())
	}
	if raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			t.Fatal(err)
		}
		checkText(t, raw, text)
	}
}

func checkText(t *testing.T, raw []byte, text string) {
	t.Helper()
	if got := string(AppendString([]byte("x"), raw)); got != "x"+text {
		t.Fatalf("AppendString(%q) = %q, want %q", raw, got, "x"+text)
	}
	if got := string(Unquote(nil, raw)); got != text {
		t.Fatalf("Unquote(%q) = %q, want %q", raw, got, text)
	}
	quoted := AppendQuoted(nil, text)
	if err := Valid(quoted); err != nil || string(AppendString(nil, quoted)) != text {
		t.Fatalf("AppendQuoted(%q) = %q (%v)", text, quoted, err)
	}
}

// walk reads a value with the pull calls only.
func walk(s *Scanner) error {
	switch s.Peek() {
	case Object:
		if err := s.BeginObject(); err != nil {
			return err
		}
		for {
			_, ok, err := s.Member()
			if !ok {
				return err
			}
			if err := walk(s); err != nil {
				return err
			}
		}
	case Array:
		if err := s.BeginArray(); err != nil {
			return err
		}
		for {
			ok, err := s.Element()
			if !ok {
				return err
			}
			if err := walk(s); err != nil {
				return err
			}
		}
	}
	_, err := s.Skip()
	return err
}

func TestDepth(t *testing.T) {
	for _, open := range []string{`[`, `{"a":`} {
		closing := map[string]string{`[`: `]`, `{"a":`: `}`}[open]
		nested := func(n int) []byte {
			return []byte(strings.Repeat(open, n) + "1" + strings.Repeat(closing, n))
		}
		if err := Valid(nested(MaxDepth)); err != nil {
			t.Errorf("%d levels of %s: %v", MaxDepth, open, err)
		}
		var syntax *SyntaxError
		if err := Valid(nested(MaxDepth + 1)); !errors.As(err, &syntax) || syntax.Msg != msgDepth {
			t.Errorf("%d levels of %s: %v, want %q", MaxDepth+1, open, err, msgDepth)
		}
		var s Scanner
		s.Reset(nested(MaxDepth + 1))
		if err := walk(&s); !errors.As(err, &syntax) || syntax.Msg != msgDepth {
			t.Errorf("walk of %d levels of %s: %v", MaxDepth+1, open, err)
		}
	}
	// The levels that the caller has entered count as well.
	var s Scanner
	s.Reset([]byte("[[" + strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth+1)))
	if err := s.BeginArray(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Element(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Skip(); err == nil {
		t.Error("Skip at depth 1 went one level too deep")
	}
}

func TestPull(t *testing.T) {
	var s Scanner
	s.Reset([]byte(` {"a": [1, "x"], "b":{}, "\u0063":null } `))
	if s.Peek() != Object || s.BeginObject() != nil {
		t.Fatal("no object")
	}
	var got []string
	for {
		name, ok, err := s.Member()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		kind := s.Peek()
		before := s.Spaces()
		v, err := s.Skip()
		if err != nil {
			t.Fatal(err)
		}
		if spaced := s.Spaces() != before; spaced != bytes.Contains(v, []byte(" ")) {
			t.Errorf("%s: spaced = %v", v, spaced)
		}
		got = append(got, string(Unquote(nil, name))+"="+string(v))
		if kind != KindOf(v) {
			t.Errorf("Peek = %d, KindOf(%s) = %d", kind, v, KindOf(v))
		}
	}
	if err := s.End(); err != nil {
		t.Fatal(err)
	}
	if want := `a=[1, "x"];b={};c=null`; strings.Join(got, ";") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ";"), want)
	}
	s.Reset([]byte(`[1]`))
	if s.BeginObject() == nil {
		t.Error("an array was entered as an object")
	}
	if (&SyntaxError{Offset: 3, Msg: "m"}).Error() != "m at byte 3" {
		t.Error("text of SyntaxError")
	}
}

// TestTryMember: it takes a member just where Member would find that name, and
// otherwise leaves it to Member.
func TestTryMember(t *testing.T) {
	for text, want := range map[string]bool{
		`{"x":1,"a":2}`: true, `{"x":1 ,"a":2}`: false, `{"x":1, "a":2}`: false, `{"x":1,"a" :2}`: false, `{"x":1,"ab":2}`: false,
		`{"x":1,"b":2}`: false, `{"x":1,"a"`: false, `{"x":1}`: false, `{"x":{},"a":2}`: true, `{"x":[],"a":2}`: true, `{"x":1,"\u0061":2}`: false,
	} {
		var s Scanner
		s.Reset([]byte(text))
		if s.BeginObject() != nil || s.TryMember(`"x":`) || s.TryMember(`,"a":`) {
			t.Fatalf("%s: the first member was taken", text)
		}
		if _, ok, err := s.Member(); !ok || err != nil {
			t.Fatal(text, err)
		}
		if _, err := s.Skip(); err != nil {
			t.Fatal(text, err)
		}
		at := s.Offset()
		if got := s.TryMember(`,"a":`); got != want || !got && s.Offset() != at {
			t.Errorf("%s: %v, at %d", text, got, s.Offset())
		}
		if !want {
			continue
		}
		if v, err := s.Skip(); err != nil || string(v) != "2" {
			t.Errorf("%s: %s, %v", text, v, err)
		}
		if _, ok, err := s.Member(); ok || err != nil || s.End() != nil {
			t.Errorf("%s: does not end, %v", text, err)
		}
	}
}

func TestQuotedInvalidUTF8(t *testing.T) {
	for in, want := range map[string]string{
		"a\xffb":         "\"a\uFFFDb\"",
		"\xe6\x97":       "\"\uFFFD\uFFFD\"",
		"\x00\x1f\x7f":   "\"\\u0000\\u001f\x7f\"",
		"\b\f\n\r\t\"\\": `"\b\f\n\r\t\"\\"`,
		"\uFFFD<>&/😀":    "\"\uFFFD<>&/😀\"",
	} {
		if got := string(AppendQuoted(nil, in)); got != want {
			t.Errorf("AppendQuoted(%q) = %s, want %s", in, got, want)
		}
		if got := string(AppendQuoted(nil, []byte(in))); got != want {
			t.Errorf("AppendQuoted of bytes %q = %s, want %s", in, got, want)
		}
	}
}

func FuzzValid(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkValid(t, b) })
}

// AppendString takes any bytes without a panic, valid or not.
func FuzzAppendString(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got := AppendString(nil, raw); len(got) > 3*len(raw) {
			t.Fatalf("%q grew to %q", raw, got)
		}
		if quoted := AppendQuoted(nil, raw); Valid(quoted) != nil {
			t.Fatalf("AppendQuoted(%q) = %q is not JSON", raw, quoted)
		}
		AppendCompact(nil, raw)
	})
}
