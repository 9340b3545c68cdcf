package trace

import (
	"fmt"
	"testing"
)

// fiveRuns is the ordinary trace: workflow, flow, two calls and a tool.
func fiveRuns() []Run {
	wide := `{"question":"` + string(make5k()) + `"}`
	name := "Workflow"
	runs := []Run{
		runOf("00001a02-0005-461a-8e0b-00018cd97175<00001a02-0002-461a-8e0b-00018cd97175 ok 4-5", calling("llms", "openai/gpt-4o"), withUsage(400, 30, picoUSD(1e6))),
		runOf("00001a02-0004-461a-8e0b-00018cd97175<00001a02-0002-461a-8e0b-00018cd97175 ok 3-4"),
		runOf("00001a02-0003-461a-8e0b-00018cd97175<00001a02-0002-461a-8e0b-00018cd97175 ok 2-3", calling("llms", "openai/gpt-4o"), withUsage(400, 30, picoUSD(1e6))),
		runOf("00001a02-0002-461a-8e0b-00018cd97175<00001a02-0001-461a-8e0b-00018cd97175 ok 1-5.5", withInput(wide), withOutput(wide)),
		runOf("00001a02-0001-461a-8e0b-00018cd97175 ok 1-6", withInput(wide), withOutput(wide), withMetadata(`{"workflow":{"id":"w","version":"7"},"env":"prod"}`)),
	}
	for i := range runs {
		runs[i].Name, runs[i].Tags = &name, []string{"support", "prod"}
	}
	return runs
}

func make5k() []byte {
	b := make([]byte, 2500)
	for i := range b {
		b[i] = "lorem ipsum "[i%12]
	}
	return b
}

func BenchmarkDerive(b *testing.B) {
	for _, c := range []struct {
		shape string
		n     int
	}{{"five", 5}, {"tree", 50_000}, {"chain", 50_000}, {"fan", 50_000}, {"roots", 50_000}} {
		b.Run(fmt.Sprint(c.shape, "/", c.n), func(b *testing.B) {
			runs := fiveRuns()
			if c.n > 5 {
				runs = bigForest(c.shape, c.n)
			}
			b.ReportAllocs()
			var d Deriver
			for b.Loop() {
				d.Derive(runs, Options{})
			}
		})
	}
}

func BenchmarkAppendTrace(b *testing.B) {
	runs := fiveRuns()
	s := Derive(runs, Options{})
	dst := AppendTrace(nil, "app", runs, &s, timeAt(1), Options{})
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendTrace(dst[:0], "app", runs, &s, timeAt(1), Options{})
	}
}

func BenchmarkAppendPreviewTrace(b *testing.B) {
	runs := fiveRuns()
	s := Derive(runs, Options{})
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = AppendPreviewTrace(dst[:0], "app", runs, &s, timeAt(1), Options{}, 2048)
	}
}

func BenchmarkPreview(b *testing.B) {
	runs := fiveRuns()
	s := Derive(runs, Options{})
	obj := append(AppendTrace(nil, "app", runs, &s, timeAt(1), Options{}), '}')
	b.SetBytes(int64(len(obj)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Preview(obj, 2048); err != nil {
			b.Fatal(err)
		}
	}
}
