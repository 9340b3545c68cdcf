package prices

import "strings"

// How says by which rule a model was found in a table.
type How string

// The rules in the order in which they are tried (wire facts §11).
const (
	Unknown       How = "unknown"
	Exact         How = "exact"
	WithoutPrefix How = "without provider prefix"
	WithoutDate   How = "without date"
	WithoutBoth   How = "without provider prefix and date"
	IgnoringCase  How = "ignoring case"
)

type match struct {
	name   string
	how    How
	prices []Price
}

// commonProviders are prefixes that name who serves a model, beside those that
// a table names as litellm_provider. A region (azure/eu/…, us.anthropic.…) is
// never left out: its prices differ, so that only a table that has it knows.
var commonProviders = setOf(`ai21 aleph_alpha amazon anthropic anyscale azure azure_ai azure_openai azure_text bedrock
	bedrock_converse cerebras clarifai cloudflare codestral cohere cohere_chat databricks deepinfra deepseek fireworks_ai
	friendliai gemini github google google_genai google_vertexai groq jina_ai litellm_proxy meta meta_llama
	mistral mistralai models moonshot nebius novita nvidia_nim openai openai_like custom_openai openrouter
	perplexity replicate sambanova text-completion-openai together_ai vercel_ai_gateway vertex_ai voyage watsonx x-ai xai`)

// localProviders run a model on the user's own machine: the price of the same
// model elsewhere says nothing about it.
var localProviders = setOf(`docker_model_runner hosted_vllm infinity lemonade llama.cpp llamacpp llamafile lm_studio
	lmstudio local localai ollama ollama_chat oobabooga petals triton vllm xinference`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// findMatches tries all rules on a name, best first: without the prefixes of
// providers one by one, each of these and the name itself without a date, and
// all of that again ignoring case.
func (t *Table) findMatches(model string) (found []match) {
	type candidate struct {
		name string
		how  How
	}
	tries := []candidate{{model, Exact}}
	for name := model; ; {
		prefix, rest, ok := strings.Cut(name, "/")
		if !ok || rest == "" || !t.providers[strings.ToLower(prefix)] {
			break
		}
		name = rest
		tries = append(tries, candidate{name, WithoutPrefix})
	}
	for i, c := range tries {
		if name, ok := withoutDate(c.name); ok {
			how := WithoutDate
			if i > 0 {
				how = WithoutBoth
			}
			tries = append(tries, candidate{name, how})
		}
	}
	for _, c := range tries {
		if list := t.models[c.name]; list != nil {
			found = append(found, match{c.name, c.how, list})
		}
	}
	for _, c := range tries {
		if name := t.folded[strings.ToLower(c.name)]; name != "" && name != c.name {
			how := IgnoringCase
			if c.how != Exact {
				how = c.how + ", " + IgnoringCase
			}
			found = append(found, match{name, how, t.models[name]})
		}
	}
	return found
}

// withoutDate is a name without -YYYY-MM-DD, @YYYYMMDD or @YYYY-MM-DD at its
// end; false where there is none, or nothing before it.
func withoutDate(name string) (string, bool) {
	for _, shape := range [...]string{"-dddd-dd-dd", "@dddddddd", "@dddd-dd-dd"} {
		if n := len(name) - len(shape); n > 0 && hasShape(name[n:], shape) {
			return name[:n], true
		}
	}
	return "", false
}

// hasShape compares text with a shape in which d stands for a digit.
func hasShape(text, shape string) bool {
	for i := range len(shape) {
		if c := text[i]; shape[i] != c && (shape[i] != 'd' || c < '0' || c > '9') {
			return false
		}
	}
	return true
}
