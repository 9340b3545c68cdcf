package gen

import (
	"strconv"
	"time"
)

// fixedBytes is about what a body holds besides its texts.
const fixedBytes = 8300

// draw is what is decided of a trace before its body is written.
type draw struct {
	app         *app
	id, session uuid
	user        int
	status      string
	model       int // index into models
	start, end  time.Time
	textBytes   int
}

// texts are the texts of one trace, escaped for JSON.
type texts struct {
	question, facts, answer []byte
}

// ids are the run ids of one trace.
type ids struct{ workflow, flow, agent, tool, llm uuid }

// body writes one trace; t, x and id are what its runs share.
type body struct {
	b  []byte
	g  *Gen
	t  *draw
	x  texts
	id ids
	// agentParent and nodeParent are the parents of the agent and of the tools
	// and LLM calls; nil for a root.
	agentParent, nodeParent *uuid
	// tags ends every run.
	tags []byte
}

var tagSets = []string{`[]`, `["prod"]`, `["prod","support-bot"]`, `["prod","eu","beta"]`, `["nightly"]`}

// appendBody appends the request body of t.
//
// Times: workflow ⊃ flow ⊃ agent ⊃ tool, then LLM until the end.
func (g *Gen) appendBody(buf []byte, t *draw) []byte {
	n := t.textBytes
	w := &body{b: buf, g: g, t: t, tags: []byte(tagSets[g.r.IntN(len(tagSets))])}
	// The shares make the mean size with the times each text is repeated:
	// question 7, answer 4, facts 2.
	w.x = texts{
		question: g.text.cut(g.r, n/32),
		answer:   g.text.cut(g.r, n/16),
		facts:    g.text.cut(g.r, n/4),
	}
	w.id = ids{g.uuid(), g.uuid(), g.uuid(), g.uuid(), g.uuid()}
	w.agentParent, w.nodeParent = &w.id.flow, &w.id.agent
	us := func(n int) time.Duration { return time.Duration(n) * time.Microsecond }
	lag := func() time.Duration { return us(200 + g.r.IntN(2000)) }
	flowStart := t.start.Add(lag())
	agentStart := flowStart.Add(lag())
	flowEnd := t.end.Add(-lag())
	agentEnd := flowEnd.Add(-lag())
	toolStart := agentStart.Add(lag())
	llmEnd := agentEnd.Add(-lag())
	toolEnd := toolStart.Add(llmEnd.Sub(toolStart) / time.Duration(3+g.r.IntN(9))).Truncate(time.Microsecond)

	w.str(`{"runs":[`)
	w.workflow(t.start, t.end)
	w.str(`,`)
	w.flow(flowStart, flowEnd)
	w.str(`,`)
	w.agent(agentStart, agentEnd)
	w.str(`,`)
	w.tool(toolStart, toolEnd)
	w.str(`,`)
	w.llm(toolEnd.Add(lag()), llmEnd, t.status)
	w.str(`]}`)
	return w.b
}

func (w *body) str(s string) { w.b = append(w.b, s...) }

func (w *body) raw(b []byte) { w.b = append(w.b, b...) }

// head writes a run's members up to status. A parent of nil is null; a run
// without a status is open and has no end.
func (w *body) head(id uuid, name, kind string, start, end time.Time, parent *uuid, status string) {
	w.str(`{"id":"`)
	w.raw(id[:])
	w.str(`","name":"`)
	w.str(name)
	w.str(`","type":"`)
	w.str(kind)
	w.str(`","trace_id":"`)
	w.raw(w.t.id[:])
	w.str(`","source_id":"`)
	w.raw(w.t.app.source[:])
	w.str(`","session_id":"`)
	w.raw(w.t.session[:])
	w.str(`","start_time":"`)
	w.b = appendTime(w.b, start)
	if status == "" {
		w.str(`","end_time":null,"parent_run_id":`)
	} else {
		w.str(`","end_time":"`)
		w.b = appendTime(w.b, end)
		w.str(`","parent_run_id":`)
	}
	if parent == nil {
		w.str(`null`)
	} else {
		w.str(`"`)
		w.raw(parent[:])
		w.str(`"`)
	}
	if status == "" {
		w.str(`,"status":null`)
		return
	}
	w.str(`,"status":"`)
	w.str(status)
	w.str(`"`)
}

// userInput is the input of workflow and flow.
func (w *body) userInput() {
	w.str(`{"input":"`)
	w.raw(w.x.question)
	w.str(`","user_id":"user-`)
	w.b = strconv.AppendInt(w.b, int64(w.t.user), 10)
	w.str(`"}`)
}

// agentInput is the input of the agent, which the workflow's output repeats.
func (w *body) agentInput() {
	w.str(`{"input":"`)
	w.raw(w.x.question)
	w.str(`","images":null,"videos":null,"files":null,"user_id":"user-`)
	w.b = strconv.AppendInt(w.b, int64(w.t.user), 10)
	w.str(`","session_id":"`)
	w.raw(w.t.session[:])
	w.str(`","metadata":{},"tool_params":{"global_params":{},"by_name_params":{},"by_id_params":{}}}`)
}

func (w *body) answer() {
	w.str(`{"content":"`)
	w.raw(w.x.answer)
	w.str(`"}`)
}

// nodesOutput is the output of workflow and flow: the nodes' inputs and
// outputs once more.
func (w *body) nodesOutput() {
	if w.t.status != "succeeded" {
		w.str(`null`)
		return
	}
	w.str(`{"`)
	w.raw(w.t.app.agent[:])
	w.str(`":{"status":"success","input":`)
	w.agentInput()
	w.str(`,"output":`)
	w.answer()
	w.str(`}}`)
}

const (
	llmError    = `litellm.RateLimitError: 429 You exceeded your current quota`
	traceback   = `Traceback (most recent call last):\n  File \"/app/.venv/lib/python3.11/site-packages/dynamiq/nodes/node.py\", line 1244, in run_sync\n    output, from_cache = cache(...)\n`
	cancelError = `{"message":"Execution was canceled"}`
)

// outerError ends the metadata of workflow and flow, and writes error,
// executions and tags.
func (w *body) outerError() {
	if w.t.status == "failed" {
		w.str(`,"failed_nodes":[{"id":"`)
		w.raw(w.t.app.agent[:])
		w.str(`","name":"Assistant","error_message":"` + llmError + `"}]`)
	}
	w.str(`,"environment":"production"},"error":`)
	switch w.t.status {
	case "failed":
		w.str(`{"message":"Flow execution failed due to node failures: Assistant","traceback":"NoneType: None\n"}`)
	case "canceled":
		w.str(cancelError)
	default:
		w.str(`null`)
	}
	w.str(`,"executions":[],"tags":`)
	w.raw(w.tags)
	w.str(`}`)
}

func (w *body) workflow(start, end time.Time) {
	w.head(w.id.workflow, "Workflow", "workflow", start, end, nil, w.t.status)
	w.str(`,"input":`)
	w.userInput()
	w.str(`,"output":`)
	w.nodesOutput()
	w.str(`,"metadata":{"workflow":{"id":"`)
	w.raw(w.t.app.workflow[:])
	w.str(`","version":"`)
	w.str(w.t.app.version)
	w.str(`"}`)
	w.outerError()
}

func (w *body) flow(start, end time.Time) {
	w.head(w.id.flow, "Flow", "flow", start, end, &w.id.workflow, w.t.status)
	w.str(`,"input":`)
	w.userInput()
	w.str(`,"output":`)
	w.nodesOutput()
	w.str(`,"metadata":{"flow":{"id":"`)
	w.raw(w.t.app.flow[:])
	w.str(`"}`)
	w.outerError()
}

// tail writes a node's error, its one execution, and the tags. The metadata
// must be open; is_output_from_cache closes it when the node ended well.
func (w *body) tail(start, end time.Time, status string) {
	if status == "succeeded" {
		w.str(`,"is_output_from_cache":false`)
	}
	w.str(`,"environment":"production"},"error":`)
	failure := func() {
		switch status {
		case "failed":
			w.str(`{"message":"` + llmError + `","traceback":"` + traceback + `"}`)
		case "canceled":
			w.str(cancelError)
		default:
			w.str(`null`)
		}
	}
	failure()
	id := w.g.uuid()
	if status == "" {
		w.str(`,"executions":[],"tags":`)
		w.raw(w.tags)
		w.str(`}`)
		return
	}
	w.str(`,"executions":[{"id":"`)
	w.raw(id[:])
	w.str(`","start_time":"`)
	w.b = appendTime(w.b, start.Add(300*time.Microsecond))
	w.str(`","end_time":"`)
	w.b = appendTime(w.b, end)
	w.str(`","status":"`)
	w.str(status)
	w.str(`","input":null,"output":null,"error":`)
	failure()
	w.str(`,"metadata":{}}],"tags":`)
	w.raw(w.tags)
	w.str(`}`)
}

func (w *body) agent(start, end time.Time) {
	w.head(w.id.agent, "Assistant", "node", start, end, w.agentParent, w.t.status)
	w.str(`,"input":`)
	w.agentInput()
	w.str(`,"output":`)
	w.output(w.t.status, w.answer)
	w.str(`,"metadata":{"node":`)
	w.raw(w.t.app.agentNode[w.t.model])
	w.str(`,"run_depends":[]`)
	w.tail(start, end, w.t.status)
}

func (w *body) output(status string, f func()) {
	if status == "succeeded" {
		f()
	} else {
		w.str(`null`)
	}
}

func (w *body) tool(start, end time.Time) {
	w.head(w.id.tool, "search", "node", start, end, w.nodeParent, "succeeded")
	w.str(`,"input":{"query":"`)
	w.raw(w.x.question)
	w.str(`"},"output":{"content":"`)
	w.raw(w.x.facts)
	w.str(`"},"metadata":{"node":`)
	w.raw(w.t.app.toolNode)
	w.str(`,"run_depends":[]`)
	w.tail(start, end, "succeeded")
}

func (w *body) llm(start, end time.Time, status string) {
	w.head(w.id.llm, "Assistant LLM", "node", start, end, w.nodeParent, status)
	w.str(`,"input":{},"output":`)
	w.output(status, w.answer)
	w.str(`,"metadata":{"node":`)
	w.raw(w.t.app.llmNode[w.t.model]) // up to the messages
	w.str(`[{"content":"`)
	w.raw(w.t.app.role)
	w.str(`","role":"system"},{"content":"`)
	w.raw(w.x.question)
	w.str(`","role":"user"},{"content":"`)
	w.raw(w.x.facts)
	w.str(`","role":"tool"}],"tools":null,"response_format":null}},"run_depends":`)
	w.raw(w.t.app.llmDepends)
	if status == "succeeded" {
		w.usage()
	}
	w.tail(start, end, status)
}

func (w *body) usage() {
	m := &models[w.t.model]
	prompt := (len(w.t.app.role) + len(w.x.question) + len(w.x.facts)) / 4
	answer := len(w.x.answer)/4 + 1
	cost := func(key string, usd float64) {
		w.str(key)
		if m.unpriced {
			w.str(`null`)
			return
		}
		w.b = appendFloat(w.b, usd)
	}
	num := func(key string, n int) {
		w.str(key)
		w.b = strconv.AppendInt(w.b, int64(n), 10)
	}
	promptUSD, answerUSD := float64(prompt)*m.prompt, float64(answer)*m.answer
	num(`,"usage":{"prompt_tokens":`, prompt)
	cost(`,"prompt_tokens_cost_usd":`, promptUSD)
	num(`,"completion_tokens":`, answer)
	cost(`,"completion_tokens_cost_usd":`, answerUSD)
	num(`,"total_tokens":`, prompt+answer)
	cost(`,"total_tokens_cost_usd":`, promptUSD+answerUSD)
	w.str(`,"cache_read_input_tokens":0,"cache_creation_input_tokens":null}`)
}
