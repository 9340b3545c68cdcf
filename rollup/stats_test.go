package rollup

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestStatsJSON(t *testing.T) {
	var b HistBucket
	empty := b.Stats()
	if got, want := string(empty.AppendJSON(nil)), `{"invocation_count":0,"success_count":0,"failure_count":0,"canceled_count":0,"running_count":0,`+
		`"duration":{"avg":null,"min":null,"max":null,"p50":null,"p90":null,"p95":null,"p99":null},`+
		`"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"prompt_tokens_cost_usd":null,`+
		`"completion_tokens_cost_usd":null,"total_tokens_cost_usd":null,"unpriced_count":0}}`; got != want {
		t.Errorf("empty:\ngot  %s\nwant %s", got, want)
	}
	for _, s := range []Sample{
		{Status: Succeeded, DurationUS: 2_807_637, PromptTokens: 564, CompletionTokens: 10, TotalTokens: 574,
			PromptCost: pico(84_600_000), PromptPriced: 1, TotalCost: pico(90_600_000), TotalPriced: 1, Runs: 3},
		{Status: Failed, DurationUS: 1_000, Unpriced: 2, Runs: 1},
		{Status: Canceled, DurationUS: 1_500, CompletionPriced: 1, Runs: 1},
		{Status: Running, DurationUS: -1, Runs: 1},
	} {
		b.Add(&s)
	}
	st := b.Stats()
	if got, want := string(st.AppendJSON([]byte(" "))), ` {"invocation_count":4,"success_count":1,"failure_count":1,"canceled_count":1,"running_count":1,`+
		`"duration":{"avg":936.7123333333333,"min":1,"max":2807.637,"p50":1.495,"p90":2801.663,"p95":2801.663,"p99":2801.663},`+
		`"usage":{"prompt_tokens":564,"completion_tokens":10,"total_tokens":574,"prompt_tokens_cost_usd":0.0000846,`+
		`"completion_tokens_cost_usd":0,"total_tokens_cost_usd":0.0000906,"unpriced_count":2}}`; got != want {
		t.Errorf("four traces:\ngot  %s\nwant %s", got, want)
	}
}

// One duration is its own minimum, maximum, mean and every percentile, exactly.
func TestStatsClampToExtremes(t *testing.T) {
	for _, us := range []int64{0, 1, 63, 64, 12_345_678, math.MaxInt64} {
		var b HistBucket
		for range 3 {
			b.Add(&Sample{DurationUS: us})
		}
		d := b.Stats().Duration
		ms := float64(us) / 1000
		for _, got := range []float64{d.Avg, d.Min, d.Max, d.P50, d.P90, d.P95, d.P99} {
			if math.Abs(got-ms) > ms*1e-15 {
				t.Errorf("%d µs three times: %+v", us, d)
			}
		}
		st := b.Stats()
		if out := st.AppendJSON(nil); !json.Valid(out) {
			t.Errorf("%s", out)
		}
	}
}

func TestAppendFloatIsShortest(t *testing.T) {
	rng := rand.New(rand.NewPCG(29, 30))
	for i := range 50_000 {
		f := float64(randomUS(rng)) / 1000
		switch i % 4 {
		case 0:
			f = rng.ExpFloat64() * 1000
		case 1:
			f = math.Nextafter(f, float64(rng.IntN(2))*1e20)
		}
		if got, want := string(appendFloat(nil, f)), strconv.FormatFloat(f, 'f', -1, 64); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
}

func BenchmarkAppendFloat(b *testing.B) {
	buf := make([]byte, 0, 64)
	b.Run("ms", func(b *testing.B) {
		for b.Loop() {
			buf = appendFloat(buf[:0], 2807.637)
		}
	})
	b.Run("strconv", func(b *testing.B) {
		for b.Loop() {
			buf = strconv.AppendFloat(buf[:0], 2807.637, 'f', -1, 64)
		}
	})
}

func BenchmarkStatsJSON(b *testing.B) {
	k := busyHour(100)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		st := k.Stats()
		buf = st.AppendJSON(buf[:0])
	}
}
