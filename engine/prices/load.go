package prices

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxFileBytes bounds a price file; the whole one of LiteLLM has 3 MB.
const MaxFileBytes = 32 << 20

// always is the FromNS of a price without a date.
const always = math.MinInt64

// Errors of Load that concern the whole file.
var (
	ErrTooLarge = errors.New("the price file is larger than 32 MiB")
	ErrShape    = errors.New(`the price file must be a JSON object such as {"gpt-4o-mini":{"input_cost_per_token":1.5e-07}}`)
)

// Load reads a price file. Models without a price per token (pictures, speech)
// are passed over, and so are members that it does not know; a price that is
// no number from 0 to 1 USD, or a date that is none, is an error that names
// model and member.
func Load(r io.Reader) (*Table, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxFileBytes {
		return nil, ErrTooLarge
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return nil, ErrShape
		}
		return nil, fmt.Errorf("the price file is not valid JSON: %w", err)
	}
	if members == nil {
		return nil, ErrShape
	}
	models := make(map[string][]Price, len(members))
	notes := map[string]string{}
	var problems []error
	for name, raw := range members {
		switch {
		case strings.HasPrefix(name, "_"):
			var note string
			if json.Unmarshal(raw, &note) == nil {
				notes[name] = note
			}
			continue
		case name == "sample_spec": // how LiteLLM documents the format
			continue
		}
		list, err := readModel(raw)
		if err != nil {
			problems = append(problems, fmt.Errorf("model %q: %w", name, err))
		} else if len(list) > 0 {
			models[name] = list
		}
	}
	if len(problems) > 0 { // the same one however the map is ordered
		return nil, slices.MinFunc(problems, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	}
	return newTable(models, notes), nil
}

// readModel reads one object of prices or a list of them.
func readModel(raw json.RawMessage) ([]Price, error) {
	objects := []json.RawMessage{raw}
	if raw[0] == '[' {
		if err := json.Unmarshal(raw, &objects); err != nil {
			return nil, err
		}
	}
	var list []Price
	for _, raw := range objects {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(raw, &members); err != nil || members == nil {
			return nil, errors.New("must be an object of prices, or a list of such objects")
		}
		p, priced, err := readPrice(members)
		if err != nil {
			return nil, err
		}
		if priced {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(a, b Price) int { return cmp.Compare(a.FromNS, b.FromNS) })
	for i := 1; i < len(list); i++ {
		if list[i-1].FromNS == list[i].FromNS {
			return nil, errors.New("has two prices with the same effective_from")
		}
	}
	return list, nil
}

// The members of a price that are read; those of a tier have "_above_200k_tokens"
// behind the same names.
const (
	memberInput      = "input_cost_per_token"
	memberOutput     = "output_cost_per_token"
	memberCacheRead  = "cache_read_input_token_cost"
	memberCacheWrite = "cache_creation_input_token_cost"
	memberReasoning  = "output_cost_per_reasoning_token"
	memberFrom       = "effective_from"
)

// member is the rate of that name, nil where it is another member.
func (r *Rates) member(name string) *Rate {
	switch name {
	case memberInput:
		return &r.Input
	case memberOutput:
		return &r.Output
	case memberCacheRead:
		return &r.CacheRead
	case memberCacheWrite:
		return &r.CacheWrite
	case memberReasoning:
		return &r.Reasoning
	}
	return nil
}

// readPrice reads one object of prices; priced says whether it has one per
// token of a prompt or a completion.
func readPrice(members map[string]json.RawMessage) (p Price, priced bool, err error) {
	p.FromNS = always
	p.Provider, p.Mode = textOf(members["litellm_provider"]), textOf(members["mode"])
	if raw, ok := members[memberFrom]; ok && string(raw) != "null" {
		if p.FromNS, err = readFrom(textOf(raw)); err != nil {
			return p, false, err
		}
	}
	var wrong []string
	for name, raw := range members {
		rates, base := &p.Rates, name
		if at := strings.LastIndex(name, "_above_"); at > 0 {
			above, ok := tierOf(name[at:])
			if base = name[:at]; !ok || p.member(base) == nil {
				continue
			}
			rates = p.tier(above)
		}
		dst := rates.member(base)
		if dst == nil || string(raw) == "null" {
			continue
		}
		if *dst, err = ParseRate(string(bytes.Trim(raw, `"`))); err != nil {
			wrong = append(wrong, name)
		}
	}
	if len(wrong) > 0 {
		return p, false, fmt.Errorf("%s %w", slices.Min(wrong), errRate)
	}
	slices.SortFunc(p.Tiers, func(a, b Tier) int { return cmp.Compare(a.Above, b.Above) })
	return p, p.Input.known || p.Output.known, nil
}

// tier is the tier above that many tokens, a new one if need be.
func (p *Price) tier(above int64) *Rates {
	for i := range p.Tiers {
		if p.Tiers[i].Above == above {
			return &p.Tiers[i].Rates
		}
	}
	p.Tiers = append(p.Tiers, Tier{Above: above})
	return &p.Tiers[len(p.Tiers)-1].Rates
}

// tierOf reads "_above_200k_tokens".
func tierOf(suffix string) (above int64, ok bool) {
	text, ok1 := strings.CutPrefix(suffix, "_above_")
	text, ok2 := strings.CutSuffix(text, "k_tokens")
	n, err := strconv.ParseUint(text, 10, 32)
	return int64(n) * 1000, ok1 && ok2 && err == nil
}

func readFrom(text string) (int64, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1970 && t.Year() < 2262 {
			return t.UnixNano(), nil
		}
	}
	return 0, errors.New(memberFrom + ` must be a date such as "2026-01-01" or an RFC 3339 time`)
}

// textOf is a JSON string, "" for anything else.
func textOf(raw json.RawMessage) (text string) {
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}
