package httpapi

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// ticker is a clock for tests.
type ticker struct {
	mu sync.Mutex
	t  time.Time
}

func (c *ticker) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *ticker) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// TestLimiterRate: whatever comes when, no more is let through than the rate
// and one burst, and who does as Retry-After says is let in.
func TestLimiterRate(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		now := time.Unix(1000, 0)
		began := now
		requests, bytes := 0.5+rng.Float64()*20, int64(1+rng.IntN(5000))
		l := newLimiter(requests, bytes, now)
		let, taken, largest := 0, int64(0), int64(0)
		for range 2000 {
			now = now.Add(time.Duration(rng.IntN(300)) * time.Millisecond)
			n := int64(rng.IntN(3000))
			e := l.admit(now, n)
			if e != nil {
				if e.status != 429 || e.retryAfter < 1 {
					t.Fatalf("%+v", e)
				}
				if rng.IntN(4) == 0 {
					now = now.Add(time.Duration(e.retryAfter) * time.Second)
					if e := l.admit(now, n); e != nil {
						t.Fatalf("seed %d: after waiting as told: %v", seed, e)
					}
					let, taken, largest = let+1, taken+n, max(largest, n)
				}
				continue
			}
			real := n
			if n > 0 { // else there is no body
				real += int64(rng.IntN(2000))
			}
			l.settle(n, real)
			let, taken, largest = let+1, taken+real, max(largest, real)
		}
		seconds := now.Sub(began).Seconds() + limitBurst.Seconds()
		if most := requests*seconds + 1; float64(let) > most {
			t.Errorf("seed %d: %d requests, at most %.1f", seed, let, most)
		}
		if most := float64(bytes)*seconds + float64(largest); float64(taken) > most {
			t.Errorf("seed %d: %d bytes, at most %.0f", seed, taken, most)
		}
	}
	if newLimiter(0, 0, time.Now()).admit(time.Now(), 1<<40) != nil {
		t.Error("no limit refuses")
	}
}

func (e *env) limitedToken(extra string, rights ...string) string {
	e.t.Helper()
	list, _ := json.Marshal(rights)
	a := e.do("POST", "/v1/tokens", adminToken, `{"name":"`+strconv.Itoa(rand.Int())+`","apps":"*","rights":`+string(list)+extra+`}`)
	var v struct{ Data struct{ Token string } }
	if err := json.Unmarshal(a.body, &v); err != nil || a.StatusCode != 200 {
		e.t.Fatalf("make token: %d %s", a.StatusCode, a.body)
	}
	return v.Data.Token
}

func TestTokenLimits(t *testing.T) {
	clock := &ticker{t: time.Unix(1_000_000, 0)}
	e := start(t, newFake(), Options{Now: clock.now, DefaultApp: "demo", TokenRequests: 0.2})
	post := func(token, body string, headers ...string) answer {
		return e.do("POST", "/v1/traces", token, body, headers...)
	}
	wantLimited := func(a answer) {
		t.Helper()
		wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
		if a.StatusCode != http.StatusTooManyRequests || err != nil || wait < 1 {
			t.Fatalf("%d, Retry-After %q: %s", a.StatusCode, a.Header.Get("Retry-After"), a.body)
		}
		a.wants(t, 429, "rate_limited")
	}
	own := e.limitedToken(`,"requests_per_second":0.1`, "write")
	post(own, oneRun)
	wantLimited(post(own, oneRun))
	e.limitedToken(`,"bytes_per_second":9`, "read") // a new token does not forget
	wantLimited(post(own, oneRun))
	clock.add(10 * time.Second)
	if a := post(own, oneRun); a.StatusCode != 200 {
		t.Errorf("after the time: %d %s", a.StatusCode, a.body)
	}
	general := e.limitedToken("", "write")
	for range 2 {
		if a := post(general, oneRun); a.StatusCode != 200 {
			t.Errorf("the server's limit: %d %s", a.StatusCode, a.body)
		}
	}
	wantLimited(post(general, oneRun))
	for range 20 { // the right admin is free of the server's limits
		if a := post(adminToken, oneRun); a.StatusCode != 200 {
			t.Fatalf("admin: %d %s", a.StatusCode, a.body)
		}
	}
	bytes := e.limitedToken(`,"bytes_per_second":100,"requests_per_second":1000`, "read", "write")
	large := strings.Replace(oneRun, `"input":null`, `"input":"`+strings.Repeat("x", 1500)+`"`, 1)
	packed := string(encode(t, "gzip", []byte(large)))
	if a := post(bytes, packed, "Content-Encoding", "gzip"); a.StatusCode != 200 {
		t.Fatalf("a body above the burst: %d %s", a.StatusCode, a.body)
	}
	wantLimited(post(bytes, oneRun)) // what counts is the body inflated
	if a := e.do("GET", "/v1/apps", bytes, ""); a.StatusCode != 200 {
		t.Errorf("a read carries no bytes: %d", a.StatusCode)
	}
	a := e.do("POST", "/v1/traces", bytes, "x", "Content-Type", "application/x-protobuf")
	if a.StatusCode != 429 || len(a.body) < 4 || a.body[1] != 8 { // RESOURCE_EXHAUSTED
		t.Errorf("OTLP: %d %q", a.StatusCode, a.body)
	}
	for field, v := range map[string]string{"requests_per_second": "0", "bytes_per_second": "0"} {
		e.do("POST", "/v1/tokens", adminToken, `{"name":"x","apps":"*","rights":["read"],"`+field+`":`+v+`}`).wants(t, 400, "bad_request", field)
		e.do("POST", "/v1/tokens", adminToken, `{"name":"x","apps":"*","rights":["read"],"`+field+`":-1}`).wants(t, 400, "bad_request", field)
	}
	e.do("POST", "/v1/tokens", adminToken, `{"name":"x","apps":"*","rights":["read"],"requests_per_second":1e10}`).wants(t, 400, "bad_request", "requests_per_second")
}
