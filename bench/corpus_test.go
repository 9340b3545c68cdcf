package bench

import (
	"sync"
	"syscall"
	"testing"

	"github.com/tracebed/tracebed/bench/gen"
)

// corpus is bodies made ahead, so that making them is not measured. They lie
// outside of Go's heap: a heap that large would let the collector run less
// often than in a real process.
type corpus struct {
	arena []byte
	ends  []int
	apps  []string
}

func (c *corpus) len() int { return len(c.ends) }

func (c *corpus) body(i int) []byte {
	from := 0
	if i > 0 {
		from = c.ends[i-1]
	}
	return c.arena[from:c.ends[i]:c.ends[i]]
}

var shared struct {
	sync.Mutex
	corpus *corpus
}

// loadCorpus is the data of the ingest benchmarks: 17 KB traces of 5 runs.
func loadCorpus(tb testing.TB) *corpus {
	shared.Lock()
	defer shared.Unlock()
	if shared.corpus == nil {
		shared.corpus = newCorpus(tb, *loadCount)
	}
	return shared.corpus
}

func newCorpus(tb testing.TB, n int) *corpus {
	const room = 1 << 20 // more than any body takes
	arena, err := syscall.Mmap(-1, 0, n*24<<10+room, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	check(tb, err)
	c := &corpus{arena: arena}
	g := gen.New(1, gen.Options{})
	at := 0
	for range n {
		if len(arena)-at < room {
			tb.Fatal("the bodies are larger than expected")
		}
		t := g.NextInto(arena[at:at:len(arena)])
		at += len(t.Body)
		c.ends = append(c.ends, at)
		c.apps = append(c.apps, t.App)
	}
	return c
}
