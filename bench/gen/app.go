package gen

import "fmt"

// app holds what all traces of one app share: ids, and the settings of its
// nodes as the SDK repeats them in every run.
type app struct {
	name, version                           string
	source, workflow, flow                  uuid
	agent, llm, toolID, connection, promptI uuid
	role                                    []byte   // the agent's system prompt
	agentNode                               [][]byte // by model
	llmNode                                 [][]byte // by model, up to the messages of the prompt
	toolNode                                []byte
	llmDepends                              []byte
}

// common stands in every node's settings between group and the rest.
const common = `"error_handling":{"timeout_seconds":%timeout%,"retry_interval_seconds":1,"max_retries":0,"backoff_rate":1,` +
	`"max_retry_interval_seconds":null,"behavior":"raise"},"is_postponed_component_init":false,"is_optimized_for_agents":false,` +
	`"is_files_allowed":false,"is_parallel_execution_allowed":false,"input_param_modes":{},"callbacks":[],`

// ending stands at the end of every node's settings.
const ending = `"caching":{"enabled":false},"streaming":{"enabled":false},"approval":{"enabled":false},"depends":[],"input_mapping":{}`

const (
	llmStart   = `{"id":"%llm%","name":"Assistant LLM","group":"llms",` + common + `"model":"%model%","temperature":0.1,`
	llmEnd     = `"type":"dynamiq.nodes.llms.%class%",` + ending + `,"connection":{"id":"%connection%","type":"dynamiq.connections.%class%"}`
	toolConfig = `{"id":"%tool%","name":"search","group":"tools",` + common +
		`"description":"Searches the articles of the help center and returns the best ones","type":"dynamiq.nodes.tools.Retriever",` + ending + `}`
	agentConfig = `{"id":"%agent%","name":"Assistant","group":"agents",` + common +
		`"role":"%role%","max_loops":10,"parallel_tool_calls_enabled":true,"llm":` + llmStart + llmEnd + `},"tools":[` + toolConfig + `],` +
		`"memory":null,"inference_mode":"DEFAULT","type":"dynamiq.nodes.agents.Agent",` + ending + `}`
	llmConfig = llmStart + llmEnd + `,"prompt":{"id":"%prompt%","version":null,"messages":`
	depends   = `[{"node":{"id":"%tool%","name":"search","type":"dynamiq.nodes.tools.Retriever"},"option":null,"condition":null}]`
)

func (g *Gen) newApp(i int) app {
	a := app{
		name: fmt.Sprintf("app-%d", i+1), version: fmt.Sprint(1 + g.r.IntN(30)),
		source: g.uuid(), workflow: g.uuid(), flow: g.uuid(),
		agent: g.uuid(), llm: g.uuid(), toolID: g.uuid(), connection: g.uuid(), promptI: g.uuid(),
		role: g.text.cut(g.r, max(200, (g.opts.MedianBytes-fixedBytes)/16)),
	}
	for _, m := range models {
		pairs := []string{
			"%agent%", a.agent.String(), "%llm%", a.llm.String(), "%tool%", a.toolID.String(),
			"%connection%", a.connection.String(), "%prompt%", a.promptI.String(),
			"%role%", string(a.role), "%model%", m.name, "%class%", m.class, "%timeout%", "600.0",
		}
		a.agentNode = append(a.agentNode, fill(agentConfig, pairs...))
		a.llmNode = append(a.llmNode, fill(llmConfig, pairs...))
		a.toolNode = fill(toolConfig, pairs...)
		a.llmDepends = fill(depends, pairs...)
	}
	return a
}
