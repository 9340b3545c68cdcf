package rollup

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func pico(v uint64) Money { return Money{Lo: v} }

func TestParseUSD(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Money
		err  error
	}{
		{"0", pico(0), nil},
		{"-0", pico(0), nil},
		{"-0.000e5", pico(0), nil},
		{"0e999999999999999999999", pico(0), nil},
		{"1", pico(1e12), nil},
		{"12.5", pico(12_500_000_000_000), nil},
		{"0.0000846", pico(84_600_000), nil},
		{"8.46e-05", pico(84_600_000), nil},
		{"7.500000000000001e-05", pico(75_000_000), nil},
		{"0.0000005E2", pico(50_000_000), nil},
		{"100e-2", pico(1e12), nil},
		{"1e-12", pico(1), nil},
		{"5e-13", pico(0), nil},                        // half to even
		{"5.0000000000000000000001e-13", pico(1), nil}, // just above half
		{"1.5e-12", pico(2), nil},
		{"2.5e-12", pico(2), nil},
		{"2.50000000000000000000000000000001e-12", pico(3), nil},
		{"0.0000000000025", pico(2), nil},
		{"9e-14", pico(0), nil},
		{"1e-999999999", pico(0), nil},
		{"1000000", pico(maxRunPico), nil},
		{"1e6", pico(maxRunPico), nil},
		{"1000000.0", pico(maxRunPico), nil},
		{"999999.9999999999999", pico(maxRunPico), nil},
		{"1000000.00000000000000000001", Money{}, ErrTooLarge},
		{"1000000.000000000001", Money{}, ErrTooLarge},
		{"1e999999999", Money{}, ErrTooLarge},
		{"1e99999999999999999999999", Money{}, ErrTooLarge},
		{"9999999", Money{}, ErrTooLarge},
		{"99999999999999999999999", Money{}, ErrTooLarge},
		{"-1", Money{}, ErrNegative},
		{"-1e-99", Money{}, ErrNegative},
		{"", Money{}, ErrNotNumber},
		{"-", Money{}, ErrNotNumber},
		{"01", Money{}, ErrNotNumber},
		{"1.", Money{}, ErrNotNumber},
		{".5", Money{}, ErrNotNumber},
		{"1e", Money{}, ErrNotNumber},
		{"1e+", Money{}, ErrNotNumber},
		{"+1", Money{}, ErrNotNumber},
		{"1 ", Money{}, ErrNotNumber},
		{"NaN", Money{}, ErrNotNumber},
		{`"1"`, Money{}, ErrNotNumber},
		{"0x1p4", Money{}, ErrNotNumber},
	} {
		got, err := ParseUSD([]byte(c.in))
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("ParseUSD(%q) = %v, %v; want %v, %v", c.in, got, err, c.want, c.err)
		}
	}
}

// parseBig is the naive model: the number as a fraction, rounded half to even.
func parseBig(s string) (Money, error) {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return Money{}, ErrNotNumber
	}
	switch {
	case r.Sign() < 0:
		return Money{}, ErrNegative
	case r.Cmp(big.NewRat(1_000_000, 1)) > 0:
		return Money{}, ErrTooLarge
	}
	r.Mul(r, big.NewRat(picoPerUSD, 1))
	q, rem := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	switch rem.Lsh(rem, 1).Cmp(r.Denom()) {
	case 1:
		q.Add(q, big.NewInt(1))
	case 0:
		q.Add(q, new(big.Int).And(q, big.NewInt(1)))
	}
	return pico(q.Uint64()), nil
}

func FuzzParseUSD(f *testing.F) {
	for _, s := range []string{"0", "-0.0", "7.500000000000001e-05", "1e6", "1000000.0000000000001",
		"2.5e-12", "0.00000000000049999e0", "1e-400", "12345.678901234565", "01", "1e999999999"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := ParseUSD(in)
		if valid := isJSONNumber(in); valid == errors.Is(err, ErrNotNumber) {
			t.Fatalf("%q: valid %v, error %v", in, valid, err)
		}
		if i := bytes.IndexAny(in, "eE"); len(in) > 200 || (i >= 0 && len(in)-i > 5) || errors.Is(err, ErrNotNumber) {
			return // too slow for the model
		}
		want, wantErr := parseBig(string(in))
		if got != want || !errors.Is(err, wantErr) {
			t.Fatalf("ParseUSD(%q) = %v, %v; want %v, %v", in, got, err, want, wantErr)
		}
	})
}

func isJSONNumber(b []byte) bool {
	return len(b) > 0 && json.Valid(b) && strings.IndexByte("-0123456789", b[0]) >= 0 && b[len(b)-1] >= '0'
}

func TestParseUSDAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var s string
		switch rng.IntN(3) {
		case 0: // what Python prints
			s = strconv.FormatFloat(rng.ExpFloat64()*1e-4, 'g', -1, 64)
		case 1: // ties and their neighbours
			s = strconv.Itoa(rng.IntN(1000)) + "." + strconv.Itoa(rng.IntN(10)) + []string{"", "5", "49", "51"}[rng.IntN(4)] + "e-12"
		default:
			s = strconv.FormatUint(rng.Uint64(), 10) + "." + strconv.FormatUint(rng.Uint64(), 10) + "e-" + strconv.Itoa(rng.IntN(40))
		}
		got, err := ParseUSD([]byte(s))
		want, wantErr := parseBig(s)
		if got != want || !errors.Is(err, wantErr) {
			t.Fatalf("ParseUSD(%q) = %v, %v; want %v, %v", s, got, err, want, wantErr)
		}
	}
}

func TestAppendUSD(t *testing.T) {
	for _, c := range []struct {
		m    Money
		want string
	}{
		{pico(0), "0"},
		{pico(1), "0.000000000001"},
		{pico(84_600_000), "0.0000846"},
		{pico(12_500_000_000_000), "12.5"},
		{pico(1_000_000_000_000), "1"},
		{pico(10_000_000_000_000), "10"},
		{Money{Hi: 1}, "18446744.073709551616"},
		{Money{Hi: ^uint64(0), Lo: ^uint64(0)}, "340282366920938463463374607.431768211455"},
	} {
		if got := string(c.m.AppendUSD(nil)); got != c.want {
			t.Errorf("%v: %s, want %s", c.m, got, c.want)
		}
	}
}

func randomU128(rng *rand.Rand) Uint128 {
	u := Uint128{rng.Uint64(), rng.Uint64()}
	switch rng.IntN(4) {
	case 0:
		u.Hi = 0
	case 1:
		u.Hi, u.Lo = 0, u.Lo>>rng.UintN(64)
	case 2:
		u.Hi >>= rng.UintN(64)
	}
	return u
}

func toBig(u Uint128) *big.Int {
	b := new(big.Int).SetUint64(u.Hi)
	return b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(u.Lo))
}

// Add and Sub are those of the integers modulo 2^128, printing is exact, and
// the binary form comes back.
func TestMoneyAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	mod := new(big.Int).Lsh(big.NewInt(1), 128)
	for range 20_000 {
		a, b := Money(randomU128(rng)), Money(randomU128(rng))
		ba, bb := toBig(Uint128(a)), toBig(Uint128(b))
		if s := new(big.Int).Add(ba, bb); s.Mod(s, mod).Cmp(toBig(Uint128(a.Add(b)))) != 0 {
			t.Fatalf("%v + %v", a, b)
		}
		if d := new(big.Int).Sub(ba, bb); d.Mod(d, mod).Cmp(toBig(Uint128(a.Sub(b)))) != 0 {
			t.Fatalf("%v − %v", a, b)
		}
		if a.Cmp(b) != ba.Cmp(bb) || a.Add(b).Sub(b) != a {
			t.Fatalf("%v, %v", a, b)
		}
		text := string(a.AppendUSD(nil))
		r, ok := new(big.Rat).SetString(text)
		if !ok || r.Cmp(new(big.Rat).SetFrac(ba, big.NewInt(picoPerUSD))) != 0 || !json.Valid([]byte(text)) {
			t.Fatalf("%v prints as %s", a, text)
		}
		if f, _ := r.Float64(); f != a.Float() {
			t.Fatalf("%v as float: %v, want %v", a, a.Float(), f)
		}
		enc := a.AppendBinary([]byte{})
		got, rest, err := DecodeMoney(append(enc, 7))
		if err != nil || got != a || len(rest) != 1 || len(enc) > 19 {
			t.Fatalf("%v: % x gives %v, %v", a, enc, got, err)
		}
		if back, err := ParseUSD([]byte(text)); err == nil && back != a {
			t.Fatalf("%v prints as %s, which reads as %v", a, text, back)
		}
	}
}

func FuzzDecodeMoney(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{0x80, 0})
	f.Add(Money{^uint64(0), ^uint64(0)}.AppendBinary(nil))
	f.Add(Money{1, 0}.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, rest, err := DecodeMoney(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if again := m.AppendBinary(nil); !bytes.Equal(again, b[:len(b)-len(rest)]) {
			t.Fatalf("% x decodes but encodes as % x", b, again)
		}
	})
}

func BenchmarkParseUSD(b *testing.B) {
	in := []byte("7.500000000000001e-05")
	for b.Loop() {
		if _, err := ParseUSD(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendUSD(b *testing.B) {
	m, buf := pico(84_600_123), make([]byte, 0, 64)
	for b.Loop() {
		buf = m.AppendUSD(buf[:0])
	}
}
