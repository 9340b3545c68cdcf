package httpapi

import (
	"math"
	"sync"
	"time"
)

// growth watches how quickly the disk fills: a sample of what is free every
// sampleEvery, and the rate over the last day of them.
type growth struct {
	mu      sync.Mutex
	samples []diskSample // a ring once it is full
	next    int
}

type diskSample struct {
	at    time.Time
	bytes uint64 // of the store
}

const (
	sampleEvery = 5 * time.Minute
	maxSamples  = 288 // a day
	// leastSpan is how long must be seen for a rate: compactions make the size
	// go up and down for a while.
	leastSpan = 30 * time.Minute
)

func (g *growth) add(at time.Time, bytes uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := diskSample{at, bytes}
	if len(g.samples) < maxSamples {
		g.samples = append(g.samples, s)
		return
	}
	g.samples[g.next] = s
	g.next = (g.next + 1) % maxSamples
}

// perDay is how many bytes the store grows by in a day, by the oldest sample
// that is kept; 0 while too little was seen.
func (g *growth) perDay(now time.Time, bytes uint64) float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.samples) == 0 {
		return 0
	}
	oldest := g.samples[g.next%len(g.samples)]
	span := now.Sub(oldest.at)
	if span < leastSpan {
		return 0
	}
	return (float64(bytes) - float64(oldest.bytes)) / span.Hours() * 24
}

// daysLeft is how long the free space lasts; +Inf where nothing grows.
func daysLeft(free uint64, perDay float64) float64 {
	if perDay <= 0 {
		return math.Inf(1)
	}
	return float64(free) / perDay
}

// watchGrowth takes the samples until the server stops.
func (s *Server) watchGrowth() {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	s.growth.add(s.opt.Now(), s.store.Stats().DiskBytes)
	for {
		select {
		case <-tick.C:
			s.growth.add(s.opt.Now(), s.store.Stats().DiskBytes)
		case <-s.base.Done():
			return
		}
	}
}
