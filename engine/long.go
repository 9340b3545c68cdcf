package engine

import "sync"

// longBytes of JSON make a trace of which only one is in memory to be written at
// a time. A post of a few runs may make a trace of hundreds of megabytes anew,
// which whoever admits bodies by their length cannot know.
const longBytes = 16 << 20

// longHold is that one turn, taken by an operation when it meets a long trace
// and held until it is applied. Who waits for it holds stripes; who has it waits
// for the committer only. A nil longHold bounds nothing.
type longHold struct {
	turn *sync.Mutex
	once sync.Once
	has  bool
}

// take waits for the turn where a trace of so many bytes needs it. Workers of
// one operation share its hold.
func (h *longHold) take(bytes int) {
	if h == nil || bytes < longBytes {
		return
	}
	h.once.Do(func() {
		h.turn.Lock()
		h.has = true
	})
}

func (h *longHold) release() {
	if h.has {
		h.turn.Unlock()
	}
}
