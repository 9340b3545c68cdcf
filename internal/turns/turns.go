// Package turns lets heavy work of one process go ahead a piece at a time, so
// that small requests find a free processor and no sender of large bodies
// keeps another from its turn.
//
// Go's scheduler lets a goroutine compute for 10 ms before another gets its
// processor, and looks at the network about as rarely while all of them are
// busy. Whoever computes for long (parses, compresses) therefore does so in a
// turn, of which there is one less than there are processors while small
// requests come, and as many otherwise. Keys take turns; the work of one key is
// first come, first served.
package turns

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Heavy is how many bytes of JSON make work that needs a turn: about half a
// millisecond of it.
const Heavy = 64 << 10

// smallFor is how long after a small request others are expected.
const smallFor = 5 * time.Second

// Turns shares out turns. Use New.
type Turns struct {
	most, least int          // turns at one time, without small requests and beside them
	small       atomic.Int64 // when the last of them came, since began
	began       time.Time

	mu    sync.Mutex
	held  int
	byKey map[string]*line
	lines []*line // those where somebody waits, in the order of their next turn
}

// line is who waits under one key, in the order of arrival.
type line struct {
	key     string
	waiting []chan struct{}
}

// New gives most turns at one time, and least while small requests come.
func New(most, least int) *Turns {
	t := &Turns{most: most, least: least, began: time.Now(), byKey: map[string]*line{}}
	t.small.Store(-int64(smallFor))
	return t
}

// shared are the turns of this process, as its processors are: as many as
// GOMAXPROCS says when they are first asked for.
var shared = sync.OnceValue(func() *Turns {
	n := runtime.GOMAXPROCS(0)
	return New(n, max(1, n-1))
})

// Shared are the turns of this process.
func Shared() *Turns { return shared() }

// Small notes that a small request came.
func (t *Turns) Small() { t.small.Store(int64(time.Since(t.began))) }

// Beside says that small requests come: heavy work is done beside them.
func (t *Turns) Beside() bool { return int64(time.Since(t.began))-t.small.Load() < int64(smallFor) }

// free says that there is a turn to be had; mu is held.
func (t *Turns) free() bool { return t.held < t.least || t.held < t.most && !t.Beside() }

// TryTake takes a turn that nobody waits for, if there is one.
func (t *Turns) TryTake() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) > 0 || !t.free() {
		return false
	}
	t.held++
	return true
}

// Take waits for a turn of a key; keys take turns. Whoever has one must wait for
// nothing that takes long, and Give it back. The error is that of ctx.
func (t *Turns) Take(ctx context.Context, key string) error {
	t.mu.Lock()
	if len(t.lines) == 0 && t.free() {
		t.held++
		t.mu.Unlock()
		return nil
	}
	l := t.byKey[key]
	if l == nil {
		l = &line{key: key}
		t.byKey[key] = l
		t.lines = append(t.lines, l)
	}
	ready := make(chan struct{})
	l.waiting = append(l.waiting, ready)
	t.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(l.waiting, ready); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
		if len(l.waiting) == 0 {
			t.drop(l)
		}
		return ctx.Err()
	}
	t.held-- // it came at the last moment
	t.next()
	return ctx.Err()
}

// drop forgets a line where nobody waits; mu is held.
func (t *Turns) drop(l *line) {
	delete(t.byKey, l.key)
	t.lines = slices.DeleteFunc(t.lines, func(o *line) bool { return o == l })
}

// Give ends a turn.
func (t *Turns) Give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held--
	t.next()
}

// next serves those who wait as far as there are turns; mu is held.
func (t *Turns) next() {
	for len(t.lines) > 0 && t.free() {
		l := t.lines[0]
		t.lines = t.lines[1:]
		close(l.waiting[0])
		t.held++
		if l.waiting = l.waiting[1:]; len(l.waiting) > 0 {
			t.lines = append(t.lines, l)
		} else {
			t.drop(l)
		}
	}
}
