package prices

import (
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

func TestParseRate(t *testing.T) {
	for _, c := range []struct{ in, perMillion string }{
		{"1.5e-07", "0.15"},
		{"1.5E-7", "0.15"},
		{"0.00000015", "0.15"},
		{"15e-8", "0.15"},
		{"0.015e-5", "0.15"},
		{"2e-08", "0.02"},
		{"0", "0"},
		{"0.0", "0"},
		{"0e-999999999999999999999", "0"},
		{"1", "1000000"},
		{"1.0", "1000000"},
		{"100e-2", "1000000"},
		{"2.9999900000000002e-06", "2.9999900000000002"},
		{"1.2345678901234567e-09", "0.001234567890123457"}, // 25 digits: rounded
		{"5e-25", "0"}, // half to even
		{"1.5e-24", "0.000000000000000002"},
		{"2.5e-24", "0.000000000000000002"},
		{"2.50000000000001e-24", "0.000000000000000003"},
		{"2.6e-24", "0.000000000000000003"},
		{"9e-26", "0"},
		{"1e-99999999999999999999", "0"},
		{"1.0000000000000000000000001", "1000000"}, // rounded, not above 1
	} {
		r, err := ParseRate(c.in)
		if err != nil || !r.Known() || r.PerMillion() != c.perMillion {
			t.Errorf("ParseRate(%q) = %q, %v; want %q", c.in, r.PerMillion(), err, c.perMillion)
		}
	}
	for _, in := range []string{
		"", "-1", "+1", "1.", ".5", "1e", "1e+", "e5", "1e5x", "x", "0x1", "NaN", "1e999999999999999999999", "1.1", "2", "10",
		"1 ", "true", "null", "1e-7e", "1_0", "1.000000000000000000000001",
	} {
		if r, err := ParseRate(in); err == nil {
			t.Errorf("ParseRate(%q) = %q, want an error", in, r.PerMillion())
		}
	}
	if (Rate{}).PerMillion() != "" || (Rate{}).Known() {
		t.Error("the zero rate is known")
	}
}

// TestCostIsExact compares prices and products with rational numbers.
func TestCostIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	rate := func() (Rate, *big.Rat) {
		text := strconv.FormatFloat(rng.Float64()*1e-5, 'e', rng.IntN(12), 64)
		r, err := ParseRate(text)
		if err != nil {
			t.Fatal(text, err)
		}
		exact, _ := new(big.Rat).SetString(text)
		return r, exact
	}
	for range 5000 {
		var p Price
		var want [5]*big.Rat
		p.Input, want[0] = rate()
		p.CacheRead, want[1] = rate()
		p.CacheWrite, want[2] = rate()
		p.Output, want[3] = rate()
		p.Reasoning, want[4] = rate()
		n := [5]int64{}
		for i := range n {
			n[i] = rng.Int64N(1 << rng.IntN(36))
		}
		u := trace.Usage{
			PromptTokens: n[0] + n[1] + n[2], CacheReadTokens: n[1], CacheWriteTokens: n[2],
			CompletionTokens: n[3] + n[4], ReasoningTokens: n[4],
		}
		prompt, completion, ok := p.Cost(&u)
		if !ok {
			t.Fatalf("no cost for %+v", u)
		}
		for i := range want {
			want[i].Mul(want[i], new(big.Rat).SetInt64(n[i]))
		}
		wantPrompt := want[0].Add(want[0], want[1]).Add(want[0], want[2])
		if got := pico(wantPrompt); prompt != got {
			t.Fatalf("prompt %v, want %v", prompt, got)
		}
		if got := pico(want[3].Add(want[3], want[4])); completion != got {
			t.Fatalf("completion %v, want %v", completion, got)
		}
	}
}

// pico rounds an exact amount half to even to 1e-12 USD.
func pico(usd *big.Rat) rollup.Money {
	scaled := new(big.Rat).Mul(usd, big.NewRat(1_000_000_000_000, 1))
	whole, rest := new(big.Int).QuoRem(scaled.Num(), scaled.Denom(), new(big.Int))
	switch c := rest.Lsh(rest, 1).Cmp(scaled.Denom()); {
	case c > 0, c == 0 && whole.Bit(0) == 1:
		whole.Add(whole, big.NewInt(1))
	}
	return rollup.Money{Lo: whole.Uint64()}
}

func TestMoneyRoundsHalfToEven(t *testing.T) {
	for in, want := range map[string]uint64{
		"5e-13": 0, "1.5e-12": 2, "2.5e-12": 2, "2.500000000001e-12": 3, "2.4e-12": 2, "1": 1_000_000_000_000,
	} {
		r, err := ParseRate(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := money(r.units); got != (rollup.Money{Lo: want}) {
			t.Errorf("money(%s) = %v, want %d", in, got, want)
		}
	}
}

func FuzzParseRate(f *testing.F) {
	for _, seed := range []string{"1.5e-07", "0", "1", "1e-999999", "9.99e-26", "0.1e1", "00.10", "1e", strings.Repeat("9", 40)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRate(text)
		if err != nil {
			return
		}
		// What is printed is the same rate, and within half a unit of the text.
		again, err := ParseRate(r.PerMillion() + "e-6")
		if err != nil || again != r {
			t.Fatalf("%q: %q reads as %v, %v", text, r.PerMillion(), again, err)
		}
		_, exponent, _ := strings.Cut(strings.ToLower(text), "e")
		if e, err := strconv.Atoi(exponent); len(text) > 60 || exponent != "" && (err != nil || e < -100 || e > 100) {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		got, ok2 := new(big.Rat).SetString(r.PerMillion())
		if !ok || !ok2 {
			t.Fatalf("%q is no number", text)
		}
		diff := new(big.Rat).Sub(want.Mul(want, big.NewRat(1_000_000, 1)), got)
		if diff.Abs(diff).Cmp(big.NewRat(1, 2_000_000_000_000_000_000)) > 0 {
			t.Fatalf("%q became %s a million", text, r.PerMillion())
		}
	})
}
