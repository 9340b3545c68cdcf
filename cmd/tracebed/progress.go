package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress draws one line that tells how far a long command is. On anything
// but a terminal it draws nothing.
type progress struct {
	w       io.Writer
	label   string
	started time.Time
	stop    chan struct{}
	done    sync.WaitGroup

	mu    sync.Mutex
	at    int64
	total int64 // 0 = unknown
	unit  func(int64) string
}

// redrawEvery is short enough to look alive and long enough to cost nothing.
const redrawEvery = 150 * time.Millisecond

// newProgress starts a progress line on w. unit prints a count.
func newProgress(w io.Writer, label string, total int64, unit func(int64) string) *progress {
	p := &progress{w: w, label: label, total: total, unit: unit, started: time.Now(), stop: make(chan struct{})}
	if !isTerminal(w) {
		return p
	}
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		tick := time.NewTicker(redrawEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintf(p.w, "\r%s\x1b[K", p.line(time.Since(p.started)))
			case <-p.stop:
				fmt.Fprint(p.w, "\r\x1b[K")
				return
			}
		}
	}()
	return p
}

// add counts n more.
func (p *progress) add(n int64) {
	p.mu.Lock()
	p.at += n
	p.mu.Unlock()
}

// grow adds to the total.
func (p *progress) grow(n int64) {
	p.mu.Lock()
	p.total += n
	p.mu.Unlock()
}

// finish removes the line.
func (p *progress) finish() {
	close(p.stop)
	p.done.Wait()
}

// line is what is drawn after a time.
func (p *progress) line(elapsed time.Duration) string {
	p.mu.Lock()
	at, total := p.at, p.total
	p.mu.Unlock()
	seconds := int(elapsed.Seconds())
	clock := fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	if at == 0 && total == 0 {
		return fmt.Sprintf("%s %c %s", p.label, `|/-\`[seconds%4], clock)
	}
	rate := p.unit(int64(float64(at) / max(elapsed.Seconds(), 0.001)))
	if total <= 0 {
		return fmt.Sprintf("%s %s  %s/s  %s", p.label, p.unit(at), rate, clock)
	}
	const width = 28
	share := min(float64(at)/float64(total), 1)
	full := int(share * width)
	bar := strings.Repeat("█", full) + strings.Repeat("░", width-full)
	left := ""
	if share > 0.02 && share < 1 {
		s := int(elapsed.Seconds() * (1 - share) / share)
		left = fmt.Sprintf("  %d:%02d left", s/60, s%60)
	}
	return fmt.Sprintf("%s %s %3.0f%%  %s of %s  %s/s%s", p.label, bar, share*100, p.unit(at), p.unit(total), rate, left)
}

// isTerminal says whether somebody watches w.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// countText prints a count of things with thousands apart.
func countText(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
