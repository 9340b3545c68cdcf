package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// small is one small trace: everything about it comes from its number.
type small struct {
	id, session, user string
	start             time.Time
	took              time.Duration
	status            string
	model             string
	question, answer  string
	prompt, answered  int // tokens
}

var (
	models = []struct {
		name    string
		in, out float64 // USD per token
	}{{"openai/gpt-4o-mini", 1.5e-07, 6e-07}, {"anthropic/claude-haiku-4-5", 1e-06, 5e-06}, {"gemini/gemini-2.5-flash", 3e-07, 2.5e-06}}
	words = strings.Fields(`order invoice refund delivery parcel account password plan price upgrade cancel meeting report
		summary table contract clause customer ticket reply draft translate shorten explain compare find check confirm
		address date amount currency warehouse stock label return policy warranty battery screen cable update error`)
)

// small makes the trace of a number; later numbers start later.
func (c *config) small(i int) *small {
	r := rand.New(rand.NewPCG(uint64(i), 0x736d616c6c))
	span := time.Duration(c.days) * 24 * time.Hour
	step := span / time.Duration(max(c.traces, 1))
	a, b := r.Uint64(), r.Uint64()
	t := &small{
		id:      fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(a>>32), uint16(a), uint16(a>>16)&0xfff, uint16(b)&0xfff, b>>16),
		session: fmt.Sprintf("session-%d", i/7), user: fmt.Sprintf("user-%d", r.IntN(500)),
		start: c.end.Add(-span).Add(time.Duration(i)*step + time.Duration(r.Int64N(int64(step)+1))).Truncate(time.Microsecond),
		took:  time.Duration((300 + r.ExpFloat64()*900) * float64(time.Millisecond)).Truncate(time.Microsecond),
		model: models[r.IntN(len(models))].name, status: "succeeded",
		question: sentence(r, 8+r.IntN(12)), answer: sentence(r, 15+r.IntN(40)),
		prompt: 80 + r.IntN(900), answered: 20 + r.IntN(300),
	}
	switch p := r.IntN(100); {
	case p < 5:
		t.status = "failed"
	case p < 6:
		t.status = "canceled"
	}
	return t
}

func sentence(r *rand.Rand, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(words[r.IntN(len(words))])
	}
	return b.String()
}

const wireTime = "2006-01-02T15:04:05.000000-07:00"

// append appends the three runs as JSON with commas between them.
func (t *small) append(dst []byte) []byte {
	input := fmt.Sprintf(`{"question":%q,"user_id":%q}`, t.question, t.user)
	output, failure := fmt.Sprintf(`{"answer":%q}`, t.answer), "null"
	if t.status != "succeeded" {
		output, failure = "null", `{"message":"the provider answered 429","traceback":"NoneType: None\n"}`
	}
	for k, run := range []struct{ suffix, parent, name, typ, metadata string }{
		{"a", "null", "Workflow", "workflow", `{"workflow":{"id":"seed","version":"1"}}`},
		{"b", fmt.Sprintf("%q", t.id+"a"), "Flow", "flow", `{"flow":{"id":"seed-flow"}}`},
		{"c", fmt.Sprintf("%q", t.id+"b"), "Answer", "node", t.metadata()},
	} {
		if k > 0 {
			dst = append(dst, ',')
		}
		margin := time.Duration(k) * time.Millisecond
		dst = fmt.Appendf(dst, `{"id":%q,"name":%q,"type":%q,"trace_id":%q,"source_id":"seed","session_id":%q,"start_time":%q,"end_time":%q,"parent_run_id":%s,`+
			`"status":%q,"input":%s,"output":%s,"metadata":%s,"error":%s,"executions":[],"tags":["seed"]}`,
			t.id+run.suffix, run.name, run.typ, t.id, t.session, t.start.Add(margin).Format(wireTime), t.start.Add(t.took-margin).Format(wireTime), run.parent,
			t.status, input, output, run.metadata, failure)
	}
	return dst
}

func (t *small) metadata() string {
	usage := ""
	for _, m := range models {
		if m.name == t.model && t.status == "succeeded" {
			in, out := float64(t.prompt)*m.in, float64(t.answered)*m.out
			usage = fmt.Sprintf(`,"usage":{"prompt_tokens":%d,"prompt_tokens_cost_usd":%g,"completion_tokens":%d,"completion_tokens_cost_usd":%g,"total_tokens":%d,"total_tokens_cost_usd":%g}`,
				t.prompt, in, t.answered, out, t.prompt+t.answered, in+out)
		}
	}
	return fmt.Sprintf(`{"node":{"id":"seed-llm","name":"Answer","group":"llms","type":"dynamiq.nodes.llms.OpenAI","model":%q,`+
		`"prompt":{"id":"p","messages":[{"role":"user","content":%q}]}},"run_depends":[]%s}`, t.model, t.question, usage)
}

// bigRun appends run i of the large trace: a tree in which each run has ten
// children, which run one after the other, a second each at the leaves.
func (c *config) bigRun(dst []byte, i int) []byte {
	start := c.end.Add(-time.Hour).Add(time.Duration(i) * 50 * time.Millisecond)
	parent, typ, group, depends := "null", "workflow", "agents", "[]"
	if i > 0 {
		parent, typ = fmt.Sprintf(`"big-%06d"`, (i-1)/10), "node"
		group = []string{"llms", "tools", "agents", "retrievers"}[i%4]
	}
	if i > 1 && (i-1)%10 > 0 {
		depends = fmt.Sprintf(`[{"node":{"id":"node-%d","name":"step %d","type":"t"},"option":null,"condition":null}]`, i-1, i-1)
	}
	usage := ""
	if group == "llms" {
		usage = fmt.Sprintf(`,"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"total_tokens_cost_usd":0.0001}`, i%900, i%70, i%900+i%70)
	}
	status := "succeeded"
	if i%997 == 500 {
		status = "failed"
	}
	r := rand.New(rand.NewPCG(uint64(i), 0x626967))
	return fmt.Appendf(dst, `{"id":"big-%06d","name":"step %d","type":%q,"trace_id":"big","source_id":"seed","session_id":null,"start_time":%q,"end_time":%q,`+
		`"parent_run_id":%s,"status":%q,"input":{"text":%q},"output":{"text":%q},"metadata":{"node":{"id":"node-%d","name":"step %d","group":%q,"type":"t"},"run_depends":%s%s},`+
		`"error":null,"executions":[],"tags":["seed"]}`,
		i, i, typ, start.Format(wireTime), start.Add(time.Second+time.Duration((c.runs-i)/(i+1))*50*time.Millisecond).Format(wireTime), parent, status,
		sentence(r, 40), sentence(r, 80), i, i, group, depends, usage)
}
