package trace

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// canonical makes the canonical form of a run from its JSON as sent.
func canonical(t testing.TB, text string) Run {
	t.Helper()
	var s jsonscan.Scanner
	var f Fields
	var r Run
	s.Reset([]byte(text))
	if err := f.Scan(&s); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if reason := f.Facts(&r); reason != "" {
		t.Fatalf("%s: %s", text, reason)
	}
	f.AppendCanonical(nil, &r)
	return r
}

// copyOf is a copy of the run id: end in s after a fixed start, -1 = null.
func copyOf(t testing.TB, id string, status string, end int, output string) Run {
	t.Helper()
	endText := "null"
	if end >= 0 {
		endText = fmt.Sprintf(`"2026-06-10T09:15:%02dZ"`, end)
	}
	if status != "null" {
		status = `"` + status + `"`
	}
	return canonical(t, fmt.Sprintf(`{"id":%q,"type":"node","trace_id":"t","start_time":"2026-06-10T09:15:30Z","end_time":%s,"status":%s,"output":%s}`,
		id, endText, status, output))
}

func TestPrefer(t *testing.T) {
	for _, c := range []struct {
		name          string
		stored, next  Run
		wantsReceived bool
	}{
		{"identical", copyOf(t, "a", "failed", 40, "1"), copyOf(t, "a", "failed", 40, "1"), false},
		{"finished after open", copyOf(t, "a", "null", -1, "1"), copyOf(t, "a", "failed", 40, "1"), true},
		{"open after finished", copyOf(t, "a", "failed", 40, "1"), copyOf(t, "a", "null", -1, "2"), false},
		{"open with an end is open", copyOf(t, "a", "skipped", 31, "1"), copyOf(t, "a", "null", 59, "2"), false},
		{"running is open", copyOf(t, "a", "skipped", 31, "1"), copyOf(t, "a", "running", 59, "2"), false},
		{"open after open", copyOf(t, "a", "null", 59, "1"), copyOf(t, "a", "null", -1, "2"), true},
		{"later end", copyOf(t, "a", "failed", 40, "1"), copyOf(t, "a", "succeeded", 41, "1"), true},
		{"earlier end", copyOf(t, "a", "failed", 41, "1"), copyOf(t, "a", "succeeded", 40, "1"), false},
		{"equal end, received later", copyOf(t, "a", "failed", 41, "1"), copyOf(t, "a", "failed", 41, "2"), true},
		{"null end is the start", copyOf(t, "a", "failed", -1, "1"), copyOf(t, "a", "failed", 30, "2"), true},
		{"end before the start loses to null", copyOf(t, "a", "failed", -1, "1"), copyOf(t, "a", "failed", 29, "2"), false},
	} {
		if got := Prefer(&c.stored, &c.next) == &c.next; got != c.wantsReceived {
			t.Errorf("%s: received wins = %v", c.name, got)
		}
	}
}

// randomCopies makes copies of few runs whose order of truth never depends on
// the order of receipt: no two open ones, no two with equal ends.
func randomCopies(t testing.TB, rng *rand.Rand, ids int) []Run {
	var copies []Run
	for id := range ids {
		name := fmt.Sprint("run", id)
		if rng.IntN(2) == 0 {
			copies = append(copies, copyOf(t, name, "null", -1, "1"))
		}
		for _, end := range rng.Perm(20)[:1+rng.IntN(3)] {
			status := []string{"succeeded", "failed", "skipped", "canceled"}[rng.IntN(4)]
			copies = append(copies, copyOf(t, name, status, 35+end, fmt.Sprint(end)))
		}
	}
	return copies
}

// Where the truth does not depend on the order of receipt, neither does the
// result, nor on how the copies are cut into batches; a second time changes
// nothing.
func TestMergeCommutes(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for round := range 300 {
		copies := randomCopies(t, rng, 1+rng.IntN(30))
		want, _, _, _ := Merge(nil, copies)
		if !slices.IsSortedFunc(want, func(a, b Run) int { return CompareNewestFirst(&a, &b) }) {
			t.Fatal("not newest first")
		}
		rng.Shuffle(len(copies), func(i, j int) { copies[i], copies[j] = copies[j], copies[i] })
		var got []Run
		for rest := copies; len(rest) > 0; {
			n := 1 + rng.IntN(len(rest))
			before, held, kept := len(got), got, slices.Clone(got)
			var created, updated, unchanged int
			got, created, updated, unchanged = Merge(got, rest[:n])
			if created+updated+unchanged != n || len(got) != before+created {
				t.Fatalf("counts %d %d %d of %d", created, updated, unchanged, n)
			}
			if !reflect.DeepEqual(held, kept) {
				t.Fatal("Merge changed the stored runs")
			}
			rest = rest[n:]
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("round %d: another order, another result", round)
		}
		again, created, updated, unchanged := Merge(got, copies)
		if created+updated > 0 || unchanged != len(copies) || !reflect.DeepEqual(again, got) {
			t.Fatalf("sent again: %d created, %d updated", created, updated)
		}
	}
}

// Any copies at all, against the rule applied one by one.
func TestMergeAgainstNaiveFold(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	var pool []Run
	for i := range 60 {
		status := []string{"null", "succeeded", "failed", "running"}[rng.IntN(4)]
		pool = append(pool, copyOf(t, fmt.Sprint(i%12), status, rng.IntN(4)*10-1, fmt.Sprint(rng.IntN(3))))
	}
	for range 300 {
		incoming := make([]Run, rng.IntN(50))
		for i := range incoming {
			incoming[i] = pool[rng.IntN(len(pool))]
		}
		naive := map[string]Run{}
		wantUpdated := 0
		for _, r := range incoming {
			old, ok := naive[r.ID]
			switch {
			case !ok:
			case string(old.JSON) == string(r.JSON):
				continue
			case (old.Status != RunOpen) != (r.Status != RunOpen):
				if r.Status == RunOpen {
					continue
				}
				wantUpdated++
			case r.Status != RunOpen && max(old.End.NS, old.Start.NS*b2i(!old.End.Valid)) > max(r.End.NS, r.Start.NS*b2i(!r.End.Valid)):
				continue
			default:
				wantUpdated++
			}
			naive[r.ID] = r
		}
		cut := rng.IntN(len(incoming) + 1)
		stored, c1, u1, _ := Merge(nil, incoming[:cut])
		got, c2, u2, _ := Merge(stored, incoming[cut:])
		if len(got) != len(naive) || c1+c2 != len(naive) || u1+u2 != wantUpdated {
			t.Fatalf("%d runs, created %d, updated %d; want %d, %d", len(got), c1+c2, u1+u2, len(naive), wantUpdated)
		}
		for _, r := range got {
			if want := naive[r.ID]; string(r.JSON) != string(want.JSON) {
				t.Fatalf("run %s:\n%s\nwant\n%s", r.ID, r.JSON, want.JSON)
			}
		}
	}
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// TestKeep: strings that share memory stay what they were, whatever comes after.
func TestKeep(t *testing.T) {
	var f Fields
	rng := rand.New(rand.NewPCG(5, 6))
	var got, want []string
	for i := range 2000 {
		b := bytes.Repeat([]byte{byte('a' + i%26)}, rng.IntN(200))
		want = append(want, string(b))
		got = append(got, f.keep(b))
		clear(b)
	}
	if !slices.Equal(got, want) {
		t.Error("a string has changed")
	}
}

func TestParseRunRejects(t *testing.T) {
	good := string(copyOf(t, "a", "failed", 40, `{"k":"v w"}`).JSON)
	if r, err := ParseRun([]byte(good)); err != nil || r.ID != "a" || string(r.Output) != `{"k":"v w"}` {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, bad := range []string{
		"", "{}", "null", "[]", good + "x", good[:len(good)-1], " " + good, strings.Replace(good, `,"`, `, "`, 1),
		strings.Replace(good, `"t"`, "null", 1), strings.Replace(good, `"node"`, `"nod"`, 1),
		strings.Replace(good, `"a"`, `""`, 1), strings.Replace(good, "2026-", "2026/", 1),
	} {
		if _, err := ParseRun([]byte(bad)); err == nil {
			t.Errorf("ParseRun took %s", bad)
		}
	}
	r, err := ParseRun([]byte(`{"id":"a","type":"node","trace_id":"t","start_time":"2026-06-10T09:15:30Z","group":"llms","model":"m","usage":{"total_tokens":3}}`))
	if err != nil || r.Input != nil || r.Error != nil || r.Group != "llms" || r.Model != "m" || r.Usage.TotalTokens != 3 {
		t.Errorf("absent members: %+v, %v", r, err)
	}
}

// A Parser shares strings between runs without mixing them up.
func TestParserReuse(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	pick := func(values ...string) string { return values[rng.IntN(len(values))] }
	var p Parser
	for range 500 {
		r := canonical(t, `{"id":"`+pick("a", "b")+`","type":"node","trace_id":"t","start_time":"2026-06-10T09:15:30Z","name":`+
			pick("null", `"x"`, `"\u0079"`)+`,"tags":`+pick("[]", `["a"]`, `["a","b"]`, "null")+`,"session_id":`+pick("null", `"s"`)+
			`,"metadata":`+pick("{}", `{"workflow":{"version":1}}`, `{"workflow":{"version":"2"},"environment":"e"}`)+
			`,"group":`+pick("null", `"llms"`)+`,"usage":`+pick("null", `{"prompt_tokens":1}`)+`,"input":`+pick("1", `{"user_id":"u"}`)+`}`)
		got, err := p.Run(r.JSON)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ParseRun(r.JSON)
		if err != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(got, r) {
			t.Fatalf("reused %+v\nfresh  %+v\nsent   %+v (%v)", got, want, r, err)
		}
	}
}

// ParseRun takes any bytes without a panic; what it takes is made canonical to
// a form with the same facts.
func FuzzParseRun(f *testing.F) {
	f.Add(copyOf(f, "a", "failed", 40, `{"k":"v w"}`).JSON)
	f.Add(canonical(f, `{"id":"\u0061","type":"node","trace_id":"t","start_time":"2026-06-10T09:15:30.5+01:00","group":"llms","x":1,`+
		`"tags":["a"],"usage":{"prompt_tokens":1,"total_tokens_cost_usd":0.5},"metadata":{"environment":"e"}}`).JSON)
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseRun(text)
		if err != nil {
			return
		}
		once := canonical(t, string(text))
		again, err := ParseRun(once.JSON)
		if err != nil || !reflect.DeepEqual(again, once) {
			t.Fatalf("%s\n%+v\n%+v, %v", once.JSON, once, again, err)
		}
		if once.ID != r.ID || once.Status != r.Status || !reflect.DeepEqual(once.Usage, r.Usage) || once.Start != r.Start {
			t.Fatalf("facts changed: %+v, %+v", once, r)
		}
	})
}

func BenchmarkParseRun(b *testing.B) {
	text := copyOf(b, "a", "failed", 40, `"`+strings.Repeat(`An answer with \"quotes\" and\nlines. `, 90)+`"`).JSON
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var p Parser
	for b.Loop() {
		if _, err := p.Run(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMerge(b *testing.B) {
	for _, n := range []int{5, 50_000} {
		runs := make([]Run, n)
		for i := range runs {
			runs[i] = copyOf(b, fmt.Sprintf("00001a01-0001-4613-8e08-%012d", i*7919%n), "succeeded", 40, fmt.Sprint(i))
		}
		stored, _, _, _ := Merge(nil, runs)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, _, unchanged := Merge(stored, runs); unchanged != n {
					b.Fatal("changed")
				}
			}
		})
	}
}
