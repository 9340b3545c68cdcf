package model

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// body makes a Dynamiq body of runs in a short notation, one run a string:
// "id parent status start end extra", times in seconds after 2026-06-10T00:00Z,
// "-" for null, extra a list of members (JSON) after it.
func body(runs ...string) []byte {
	var out []string
	for _, r := range runs {
		f := strings.SplitN(r, " ", 6)
		extra := ""
		if len(f) == 6 {
			extra = "," + f[5]
		}
		out = append(out, fmt.Sprintf(`{"id":%q,"type":"node","trace_id":"t","parent_run_id":%s,"status":%s,"start_time":%s,"end_time":%s%s}`,
			f[0], quoted(f[1]), quoted(f[2]), clock(f[3]), clock(f[4]), extra))
	}
	return []byte(`{"runs":[` + strings.Join(out, ",") + `]}`)
}

func quoted(s string) string {
	if s == "-" {
		return "null"
	}
	return `"` + s + `"`
}

func clock(s string) string {
	if s == "-" {
		return "null"
	}
	d, err := time.ParseDuration(s + "s")
	if err != nil {
		panic(err)
	}
	return `"` + time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC).Add(d).Format(time.RFC3339Nano) + `"`
}

func llm(usage string) string {
	return `"metadata":{"node":{"group":"llms","model":"m"},"usage":{` + usage + `}}`
}

func show(t *Trace) string {
	d := "-"
	if t.DurationUS != nil {
		d = fmt.Sprint(*t.DurationUS)
	}
	e := "-"
	if t.Error != nil {
		e = *t.Error
	}
	return fmt.Sprintf("%s start=%d dur=%s tokens=%d/%d/%d cost=%v unpriced=%d runs=%d error=%s",
		t.Status, t.Start.NS/1e9%86400, d, t.Usage.Prompt, t.Usage.Completion, t.Usage.Total,
		t.Usage.TotalCost, t.Unpriced, t.RunCount, e)
}

func TestDerivation(t *testing.T) {
	tests := []struct {
		name  string
		posts [][]byte
		want  string
	}{
		{"one root, whole microseconds", [][]byte{body("a - succeeded 10 12.5")},
			"succeeded start=10 dur=2500000 tokens=0/0/0 cost=<nil> unpriced=0 runs=1 error=-"},
		{"own parent is a root", [][]byte{body("a a succeeded 10 11")},
			"succeeded start=10 dur=1000000 tokens=0/0/0 cost=<nil> unpriced=0 runs=1 error=-"},
		{"idle time between roots does not count, overlaps count once",
			[][]byte{body("a - succeeded 0 4", "b - succeeded 2 5", "c - succeeded 10 11")},
			"succeeded start=0 dur=6000000 tokens=0/0/0 cost=<nil> unpriced=0 runs=3 error=-"},
		{"children never decide", [][]byte{body("a - succeeded 0 4", "b a failed 1 9", "c a - 1 -")},
			"succeeded start=0 dur=4000000 tokens=0/0/0 cost=<nil> unpriced=0 runs=3 error=-"},
		{"open beats failed beats canceled", [][]byte{body("a - failed 0 4", "b - - 1 9", "c - canceled 1 2")},
			"running start=0 dur=- tokens=0/0/0 cost=<nil> unpriced=0 runs=3 error=-"},
		{"failed beats canceled, error of the node that failed first",
			[][]byte{body("a - failed 0 1 \"error\":{\"message\":\"\"}", "c a failed 0.5 1 \"error\":{\"message\":\"late\"}",
				"b a failed 0.1 1 \"error\":{\"message\":\"early\"}", "d - canceled 0 1")},
			"failed start=0 dur=1000000 tokens=0/0/0 cost=<nil> unpriced=0 runs=4 error=early"},
		{"failed_nodes first", [][]byte{body(`a - failed 0 1 "metadata":{"failed_nodes":[{"error_message":"node"}]},"error":{"message":"wrapper"}`)},
			"failed start=0 dur=1000000 tokens=0/0/0 cost=<nil> unpriced=0 runs=1 error=node"},
		{"skipped root succeeded", [][]byte{body("a - skipped 3 3")},
			"succeeded start=3 dur=0 tokens=0/0/0 cost=<nil> unpriced=0 runs=1 error=-"},
		{"end before start clamps", [][]byte{body("a - succeeded 3 1")},
			"succeeded start=3 dur=0 tokens=0/0/0 cost=<nil> unpriced=0 runs=1 error=-"},
		{"an orphan keeps it running and does not move the start",
			[][]byte{body("a - succeeded 10 12", "b gone succeeded 1 2")},
			"running start=10 dur=- tokens=0/0/0 cost=<nil> unpriced=0 runs=2 error=-"},
		{"only orphans: they stand in", [][]byte{body("b gone succeeded 4 5", "c gone succeeded 3 9")},
			"running start=3 dur=- tokens=0/0/0 cost=<nil> unpriced=0 runs=2 error=-"},
		{"a circle is opened at its earliest", [][]byte{body("a b succeeded 4 5 "+llm(`"prompt_tokens":1`), "b a succeeded 3 9 "+llm(`"prompt_tokens":10`))},
			"running start=3 dur=- tokens=1/0/1 cost=<nil> unpriced=1 runs=2 error=-"},
		{"leaf rule", [][]byte{body(
			"a - succeeded 0 9 "+llm(`"prompt_tokens":100,"total_tokens_cost_usd":5`),
			"b a succeeded 1 2 "+`"metadata":{"node":{"group":"utils"},"usage":{"prompt_tokens":7}}`,
			"c b succeeded 1 2 "+llm(`"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_cost_usd":0.5,"completion_tokens_cost_usd":0.25`),
			"d a succeeded 1 2 "+llm(`"prompt_tokens":1,"completion_tokens":1,"total_tokens":9`))},
			"succeeded start=0 dur=9000000 tokens=4/5/16 cost=750000000000 unpriced=1 runs=4 error=-"},
		{"finished beats open, whichever comes last",
			[][]byte{body("a - failed 0 4"), body("a - - 0 9")},
			"failed start=0 dur=4000000 tokens=0/0/0 cost=<nil> unpriced=0 runs=1 error=-"},
		{"later end beats later arrival", [][]byte{body("a - failed 0 4"), body("a - succeeded 0 3")},
			"failed start=0 dur=4000000 tokens=0/0/0 cost=<nil> unpriced=0 runs=1 error=-"},
		{"equal ends: later arrival", [][]byte{body("a - failed 0 4"), body("a - succeeded 1 4")},
			"succeeded start=1 dur=3000000 tokens=0/0/0 cost=<nil> unpriced=0 runs=1 error=-"},
		{"a parent that comes later", [][]byte{body("b a succeeded 1 2"), body("a - succeeded 0 4")},
			"succeeded start=0 dur=4000000 tokens=0/0/0 cost=<nil> unpriced=0 runs=2 error=-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := NewStore(time.Hour)
			for range 2 { // sending all of it again changes nothing
				for _, p := range tt.posts {
					if _, err := s.Post("app", p, time.Unix(0, 0)); err != nil {
						t.Fatal(err)
					}
				}
				if len(tt.posts) > 1 && strings.Contains(tt.name, "equal ends") {
					break
				}
			}
			tr, err := s.Trace("app", "t", time.Unix(0, 0))
			if err != nil {
				t.Fatal(err)
			}
			if got := show(tr); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestCountsAndRejections(t *testing.T) {
	s := NewStore(time.Hour)
	first := body("a - - 0 -", "b a succeeded 1 2", "a - succeeded 0 3", "b a succeeded 1 2",
		`c a succeeded 1 2 `+llm(`"total_tokens_cost_usd":-1`), "d a done 1 2")
	res, err := s.Post("app", first, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if res.Created != 2 || res.Updated != 0 || res.Unchanged != 2 || len(res.Rejected) != 2 ||
		res.Rejected[4] == "" || res.Rejected[5] == "" {
		t.Errorf("%+v", res)
	}
	if _, err := s.Post("other", body("d a done 1 2"), time.Unix(0, 0)); err == nil || len(s.Apps()) != 1 {
		t.Error("a body without a good run made an app")
	}
}

func TestNullTraceID(t *testing.T) {
	null := func(b []byte) []byte {
		return []byte(strings.ReplaceAll(string(b), `"trace_id":"t"`, `"trace_id":null`))
	}
	s := NewStore(time.Hour)
	_, err := s.Post("app", null(body("c b succeeded 2 3", "b a succeeded 1 4", "a - succeeded 0 5",
		"x gone succeeded 6 7", "y x succeeded 6 7", "s s succeeded 8 9", "k j succeeded 1 2", "j k succeeded 1 2", "l k succeeded 1 2")), time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for id, runs := range map[string]string{"a": "c b a", "gone": "x y", "s": "s", "j": "j k l"} {
		var got []string
		for _, r := range s.Runs("app", id) {
			got = append(got, r.ID)
		}
		if strings.Join(got, " ") != runs {
			t.Errorf("trace %s holds %v, want %s", id, got, runs)
		}
	}
}

func TestPromotionAndStale(t *testing.T) {
	s := NewStore(time.Hour)
	at := func(min int) time.Time { return time.Unix(int64(min)*60, 0) }
	post := func(min int, b []byte) {
		if _, err := s.Post("app", b, at(min)); err != nil {
			t.Fatal(err)
		}
	}
	get := func(min int) string {
		tr, err := s.Trace("app", "t", at(min))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(tr.Status, " ", tr.Stale)
	}
	expect := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	post(0, body("b gone succeeded 1 2"))
	s.Promote(at(59))
	expect(get(59), "running false")
	s.Promote(at(60))
	expect(get(60), "succeeded false")
	post(61, body("b gone succeeded 1 2"))
	expect(get(61), "succeeded false")
	post(62, body("c b succeeded 1 2"))
	expect(get(62), "running false")
	post(63, body("gone - - 0 -"))
	expect(get(63), "running false")
	expect(get(122), "running false")
	expect(get(123), "running true")
	s.Promote(at(200))
	expect(get(200), "running true")
}

func TestListPages(t *testing.T) {
	s := NewStore(time.Hour)
	for i := range 7 {
		b := strings.ReplaceAll(string(body(fmt.Sprintf("a - succeeded %d %d", i/2, i))), `"t"`, fmt.Sprintf(`"t%d"`, i))
		if _, err := s.Post("app", []byte(b), time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	ids, total := s.List("app", Filter{}, false, 2, 3)
	if total != 7 || !slices.Equal(ids, []string{"t2", "t3", "t0"}) {
		t.Error(ids, total)
	}
	base := time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC).UnixMicro()
	ids, total = s.List("app", Filter{From: base + 1_000_000, To: base + 2_000_001}, true, 1, 3)
	if total != 4 || !slices.Equal(ids, []string{"t3", "t2", "t5"}) {
		t.Error(ids, total)
	}
	if ids, _ = s.List("app", Filter{Statuses: []string{"failed"}}, false, 1, 3); len(ids) != 0 {
		t.Error(ids)
	}
}

func TestPico(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0.0": "0", "1": "1000000000000", "7.500000000000001e-05": "75000000",
		"0.0000000000005": "0", "0.0000000000015": "2", "0.00000000000250000001": "3", "1e6": "1000000000000000000",
		"1000000.0000000000001": "", "-1e-30": "", "x": "",
	} {
		got, err := Pico(text)
		if want == "" {
			if err == nil {
				t.Errorf("%s is %v, want an error", text, got)
			}
			continue
		}
		w, _ := new(big.Int).SetString(want, 10)
		if err != nil || got.Cmp(w) != 0 {
			t.Errorf("%s is %v (%v), want %s", text, got, err, want)
		}
	}
}
