package httpapi

import (
	"crypto/sha256"
	"fmt"
	"math"
	"sync"
	"time"
)

// limitBurst is how much may come at once: what the rate allows in this time.
const limitBurst = 10 * time.Second

// limiter bounds the requests and bytes of one token. A nil limiter bounds
// nothing.
//
// Both are counted by what has come: a body is let in while the account is not
// overdrawn, and may overdraw it, because its length is known only when it is
// inflated and a body larger than the burst must not be impossible.
type limiter struct {
	mu       sync.Mutex
	requests account
	bytes    account
}

// account fills at rate a second, up to what limitBurst brings. The zero
// account bounds nothing.
type account struct {
	rate, level float64
	at          time.Time // when level was right
}

func newAccount(rate float64, now time.Time) account {
	return account{rate: rate, level: max(1, rate*limitBurst.Seconds()), at: now}
}

func (a *account) fill(now time.Time) {
	if d := now.Sub(a.at); d > 0 {
		a.level = min(a.level+d.Seconds()*a.rate, max(1, a.rate*limitBurst.Seconds()))
		a.at = now
	}
}

// short is how long until the level is at least need; 0 when it is.
func (a *account) short(need float64) time.Duration {
	if a.rate == 0 || a.level >= need {
		return 0
	}
	return time.Duration((need - a.level) / a.rate * float64(time.Second))
}

// newLimiter gives nil where nothing is to be bounded.
func newLimiter(requests float64, bytes int64, now time.Time) *limiter {
	if requests <= 0 && bytes <= 0 {
		return nil
	}
	l := new(limiter)
	if requests > 0 {
		l.requests = newAccount(requests, now)
	}
	if bytes > 0 {
		l.bytes = newAccount(float64(bytes), now)
	}
	return l
}

// admit takes one request and the n bytes that it announces, or says how long
// to wait.
func (l *limiter) admit(now time.Time, n int64) *apiError {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests.fill(now)
	l.bytes.fill(now)
	if wait := l.requests.short(1); wait > 0 {
		return rateLimited(fmt.Sprintf("%v requests a second", l.requests.rate), wait)
	}
	if wait := l.bytes.short(1); wait > 0 && n != 0 {
		return rateLimited(fmt.Sprintf("%.0f bytes a second", l.bytes.rate), wait)
	}
	if l.requests.rate > 0 {
		l.requests.level--
	}
	l.spend(n)
	return nil
}

// settle corrects the announced bytes to those that came.
func (l *limiter) settle(announced, came int64) {
	if l == nil || announced == came {
		return
	}
	l.mu.Lock()
	l.spend(came - announced)
	l.mu.Unlock()
}

func (l *limiter) spend(n int64) {
	if l.bytes.rate > 0 {
		l.bytes.level -= float64(n)
	}
}

func rateLimited(what string, wait time.Duration) *apiError {
	seconds := int(math.Ceil(wait.Seconds()))
	return &apiError{status: 429, code: codeRateLimited, retryAfter: max(1, seconds),
		message: fmt.Sprintf("the token is limited to %s; try again in %d s", what, max(1, seconds))}
}

// limitOf is the limiter of a token: its own limits, else the server's, which
// tokens with the right admin are free of. A limiter that is known goes on.
func (ts *tokenSet) limitOf(t *Token, known map[[sha256.Size]byte]*Token) *limiter {
	requests, bytes := t.Requests, t.Bytes
	if !t.may(rightAdmin) {
		if requests == 0 {
			requests = ts.requests
		}
		if bytes == 0 {
			bytes = ts.bytes
		}
	}
	if old := known[t.hash]; old != nil {
		return old.limit
	}
	return newLimiter(requests, bytes, ts.now())
}

// announced is the body that a request says it has; -1 becomes 1: unknown, but
// not nothing.
func (c *call) announced() int64 {
	n := int64(c.ctx.Request.Header.ContentLength())
	if n < 0 && c.ctx.RequestBodyStream() != nil {
		return 1
	}
	return max(n, 0)
}

// admit holds a request with a body of n bytes against the limits of its token.
func (in *intake) admit(n int64) error {
	if in.token == nil || in.token.limit == nil {
		return nil
	}
	if e := in.token.limit.admit(in.srv.opt.Now(), n); e != nil {
		return e
	}
	in.charged, in.admitted = n, true
	return nil
}

// settle charges what the body really was, inflated; came is what came of it
// on the wire.
func (in *intake) settle(came int64) {
	if in.admitted {
		in.token.limit.settle(in.charged, max(came, in.decoded))
	}
}
