package otlp

import (
	"bytes"
	"strconv"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

// memberWithParts is the number that Langfuse's usage details have under name
// ("input", "output") with its parts added. In Langfuse's own form the members
// do not overlap: its integrations take input_cached_tokens and the like off
// input, and Anthropic's numbers, which users pass on as they are, leave the
// cached tokens out as well. A total that is the sum of input and output alone
// says that the sender had the parts included.
func memberWithParts(a *attr, name string) ([]byte, bool) {
	object := objectOf(a)
	whole, ok := countIn(object, name)
	if !ok {
		return nil, false
	}
	other := "output"
	if name == other {
		other = "input"
	}
	rest, _ := countIn(object, other)
	for _, total := range []string{"total", "total_tokens"} {
		if n, ok := countIn(object, total); ok && n == whole+rest {
			return strconv.AppendInt(nil, whole, 10), true
		}
	}
	return strconv.AppendInt(nil, whole+partsOf(object, name), 10), true
}

// countIn is a member of a valid object that is a count of tokens.
func countIn(object []byte, name string) (int64, bool) {
	v := jsonscan.Lookup(object, name)
	if jsonscan.KindOf(v) != jsonscan.Number {
		return 0, false
	}
	return tokensOf(v)
}

// partsOf is the sum of the members input_… and cache_…_input_tokens of a valid
// object, or those of output; a price tier is no part.
func partsOf(object []byte, name string) (sum int64) {
	var s jsonscan.Scanner
	_ = s.EachMember(object, func(key, v []byte) error { // valid
		part, starts := cutPrefix(key, name+"_")
		if !starts && !bytes.HasSuffix(key, []byte("_"+name+"_tokens")) ||
			string(part) == "tokens" || bytes.HasPrefix(part, []byte("priority")) {
			return nil
		}
		if jsonscan.KindOf(v) == jsonscan.Number {
			if n, ok := tokensOf(v); ok {
				sum = min(sum+n, trace.MaxTokens)
			}
		}
		return nil
	})
	return sum
}
