package trace

import (
	"errors"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

func TestParseEvaluation(t *testing.T) {
	long := strings.Repeat("x", MaxEvaluationText)
	for _, c := range []struct{ in, want, field string }{
		{`{"name":"n","value":1}`, `{"id":null,"name":"n","value":1,"comment":null,"source":null,"run_id":null,"created_at":null}`, ""},
		{` { "value" : 1.50e3 , "name" : "\u006e" , "comment" : null } `, `{"id":null,"name":"n","value":1.50e3,"comment":null,"source":null,"run_id":null,"created_at":null}`, ""},
		{`{"id":"i\n","name":"n","value":"\u00e9\u0000","comment":"","source":"s","run_id":"r","created_at":"2026-01-02T03:04:05.670+01:00"}`,
			`{"id":"i\n","name":"n","value":"\u00e9\u0000","comment":"","source":"s","run_id":"r","created_at":"2026-01-02T02:04:05.670Z"}`, ""},
		{`{"name":"n","value":false,"name":"m"}`, `{"id":null,"name":"m","value":false,"comment":null,"source":null,"run_id":null,"created_at":null}`, ""},
		{`{"name":"n","value":"` + long + `"}`, `{"id":null,"name":"n","value":"` + long + `","comment":null,"source":null,"run_id":null,"created_at":null}`, ""},
		{`{"name":"n","value":"` + long + `x"}`, "", "value"},
		{`{"name":"n","value":1,"comment":"` + long + `x"}`, "", "comment"},
		{`{"name":"n","value":1,"comment":7}`, "", "comment"},
		{`{"name":"n","value":` + strings.Repeat("9", MaxEvaluationNumber+1) + `}`, "", "value"},
		{`{"name":"n","value":null}`, "", "value"},
		{`{"name":"n"}`, "", "value"},
		{`{"name":"n","value":{}}`, "", "value"},
		{`{"value":1}`, "", "name"},
		{`{"name":"","value":1}`, "", "name"},
		{`{"name":3,"value":1}`, "", "name"},
		{`{"name":"` + strings.Repeat("é", 128) + `é","value":1}`, "", "name"},
		{`{"name":"n","value":1,"id":""}`, "", "id"},
		{`{"name":"n","value":1,"source":[]}`, "", "source"},
		{`{"name":"n","value":1,"run_id":1}`, "", "run_id"},
		{`{"name":"n","value":1,"created_at":"yesterday"}`, "", "created_at"},
		{`{"name":"n","value":1,"created_at":5}`, "", "created_at"},
		{`{"name":"n","value":1,"score":5}`, "", "score"},
		{`{"name":"n","value":1,"` + strings.Repeat("é", 100) + `":5}`, "", strings.Repeat("é", 32)},
		{`[]`, "", "evaluation"},
	} {
		e, err := ParseEvaluation([]byte(c.in))
		var fe *FieldError
		switch {
		case c.field != "":
			if !errors.As(err, &fe) || fe.Field != c.field || fe.Text == "" {
				t.Errorf("%.80s: %v, want an error of %s", c.in, err, c.field)
			}
		case err != nil || string(e.JSON) != c.want:
			t.Errorf("%.80s: %v\n got %.300s\nwant %.300s", c.in, err, e.JSON, c.want)
		default:
			if again, err := ParseEvaluation(e.JSON); err != nil || string(again.JSON) != c.want {
				t.Errorf("%.80s: canonical form is not stable: %v %.300s", c.in, err, again.JSON)
			}
		}
	}
	var se *jsonscan.SyntaxError
	for _, bad := range []string{``, `{`, `{"name":"n","value":1}x`, `{"name":"n","value":}`, `nope`} {
		if _, err := ParseEvaluation([]byte(bad)); !errors.As(err, &se) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestParseEvaluations(t *testing.T) {
	list, err := ParseEvaluations([]byte(` [ {"name":"a","value":1} , {"name":"b","value":2} ] `))
	if err != nil || len(list) != 2 || list[1].Name != "b" {
		t.Fatalf("%+v %v", list, err)
	}
	one := `{"name":"a","value":1}`
	for in, field := range map[string]string{
		`{}`:                             "evaluations",
		`[` + one + `,3]`:                "evaluations[1]",
		`[` + one + `,{"name":"b"}]`:     "evaluations[1].value",
		`[{"name":"b","value":1,"x":1}]`: "evaluations[0].x",
		`[` + strings.Repeat(one+",", MaxEvaluations) + one + `]`: "evaluations",
	} {
		var fe *FieldError
		if _, err := ParseEvaluations([]byte(in)); !errors.As(err, &fe) || fe.Field != field {
			t.Errorf("%.60s: %v, want %s", in, err, field)
		}
	}
	if _, err := ParseEvaluations([]byte(`[` + one)); err == nil {
		t.Error("a list without an end was taken")
	}
}

func TestInsertEvaluations(t *testing.T) {
	object := []byte(`{"id":"a","input":",\"stale\":false,\"updated_at\":null","stale":false,"updated_at":"2026-01-02T02:04:05.67Z"`)
	before := string(object)
	list := `[{"id":"x"}]`
	out, at, n := InsertEvaluations(object, []byte(list))
	if want := strings.Replace(before, `,"stale":false,"updated_at":"2`, `,"evaluations":`+list+`,"stale":false,"updated_at":"2`, 1); string(out) != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
	got, ok := EvaluationsOf(out[at : at+n])
	if !ok || string(got) != list {
		t.Errorf("found %s", got)
	}
	if _, ok := EvaluationsOf(out[at+1 : at+n]); ok {
		t.Error("other bytes were taken for evaluations")
	}
	if s := string(MarkStale(append(out, '}'))); !strings.HasSuffix(s, `]`+`,"stale":true,"updated_at":"2026-01-02T02:04:05.67Z"}`) {
		t.Errorf("stale: %s", s)
	}
}

func FuzzParseEvaluation(f *testing.F) {
	f.Add([]byte(`{"id":"i","name":"n","value":"v","comment":"c","source":"s","run_id":"r","created_at":"2026-01-02T03:04:05.670+01:00"}`))
	f.Add([]byte(`{"name":"\ud800","value":-1.5E+7}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEvaluation(b)
		if err != nil {
			return
		}
		again, err := ParseEvaluation(e.JSON)
		if err != nil || string(again.JSON) != string(e.JSON) || again.ID != e.ID || again.CreatedAt != e.CreatedAt {
			t.Fatalf("%q came back as %q (%v)", e.JSON, again.JSON, err)
		}
	})
}
