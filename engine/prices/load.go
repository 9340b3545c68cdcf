package prices

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
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
	models := map[string][]Price{}
	notes := map[string]string{}
	var problems []error
	err = eachMember(text, func(name string, raw []byte) {
		switch {
		case strings.HasPrefix(name, "_"):
			notes[name] = textOf(raw)
			return
		case name == "sample_spec": // how LiteLLM documents the format
			return
		}
		switch list, err := readModel(raw); {
		case err != nil:
			problems = append(problems, fmt.Errorf("model %q: %w", name, err))
		case len(list) > 0:
			models[name] = list
		default: // of members with the same name the last one counts
			delete(models, name)
		}
	})
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, problems[0]
	}
	return newTable(models, notes), nil
}

// eachMember calls f with each member of the object that text is, in order.
func eachMember(text []byte, f func(name string, raw []byte)) error {
	if err := jsonscan.Valid(text); err != nil {
		return fmt.Errorf("the price file is not valid JSON: %w", err)
	}
	var s jsonscan.Scanner
	s.Reset(text)
	if s.Peek() != jsonscan.Object {
		return ErrShape
	}
	return members(&s, func(name string) error {
		raw, err := s.Skip()
		if err == nil {
			f(name, raw)
		}
		return err
	})
}

// members calls value at each value of the object where the scanner stands.
func members(s *jsonscan.Scanner, value func(name string) error) error {
	if err := s.BeginObject(); err != nil {
		return err
	}
	var scratch [128]byte
	for {
		key, ok, err := s.Member()
		if !ok || err != nil {
			return err
		}
		if err := value(string(jsonscan.Unquote(scratch[:0], key))); err != nil {
			return err
		}
	}
}

var errModel = errors.New("must be an object of prices, or a list of such objects")

// readModel reads one object of prices or a list of them.
func readModel(raw []byte) (list []Price, err error) {
	var s jsonscan.Scanner
	s.Reset(raw)
	if s.Peek() == jsonscan.Object {
		return appendPrice(nil, &s)
	}
	if s.Peek() != jsonscan.Array {
		return nil, errModel
	}
	if err := s.BeginArray(); err != nil {
		return nil, err
	}
	for {
		more, err := s.Element()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		if list, err = appendPrice(list, &s); err != nil {
			return nil, err
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

// appendPrice appends the object of prices at the scanner's position, if it
// has one for a token of a prompt or a completion.
func appendPrice(list []Price, s *jsonscan.Scanner) ([]Price, error) {
	if s.Peek() != jsonscan.Object {
		return nil, errModel
	}
	p := Price{FromNS: always}
	err := members(s, func(name string) error {
		raw, err := s.Skip()
		if err == nil && jsonscan.KindOf(raw) != jsonscan.Null {
			err = p.set(name, raw)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(p.Tiers, func(a, b Tier) int { return cmp.Compare(a.Above, b.Above) })
	if p.Input.known || p.Output.known {
		list = append(list, p)
	}
	return list, nil
}

// set takes one member of an object of prices.
func (p *Price) set(name string, raw []byte) (err error) {
	switch name {
	case "litellm_provider":
		p.Provider = textOf(raw)
		return nil
	case "mode":
		p.Mode = textOf(raw)
		return nil
	case memberFrom:
		p.FromNS, err = readFrom(textOf(raw))
		return err
	}
	rates, base := &p.Rates, name
	if at := strings.LastIndex(name, "_above_"); at > 0 {
		above, ok := tierOf(name[at:])
		if base = name[:at]; !ok || p.member(base) == nil {
			return nil
		}
		rates = p.tier(above)
	}
	dst := rates.member(base)
	if dst == nil {
		return nil
	}
	if *dst, err = ParseRate(string(bytes.Trim(raw, `"`))); err != nil {
		return fmt.Errorf("%s %w", name, err)
	}
	return nil
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
func textOf(raw []byte) string {
	if jsonscan.KindOf(raw) != jsonscan.String {
		return ""
	}
	return string(jsonscan.Unquote(nil, raw))
}
