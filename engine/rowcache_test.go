package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestRowCache: pages made of remembered rows are those made of the bodies,
// while traces and their evaluations change and previews differ; and what a
// caller does to a row is nobody else's.
func TestRowCache(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 52))
	e, _ := newEngine(t, nil)
	for round := range 60 {
		id := fmt.Sprint("t", rng.IntN(15))
		r := oneRun(id, epoch.Add(time.Duration(len(id)*7+int(id[1]))*time.Minute))
		r.tokens, r.dur = 1+round, time.Duration(1+round)*time.Second
		r.output = strings.Repeat(fmt.Sprint("output ", rng.IntN(5), " "), 1<<rng.IntN(11))
		ingest(t, e, "app", r)
		if rng.IntN(3) == 0 {
			if _, err := e.PutEvaluations(bg, "app", id, parseEvaluations(t, `{"id":"e","name":"n","value":`+fmt.Sprint(round)+`}`)); err != nil {
				t.Fatal(err)
			}
		}
		for _, preview := range []int{previewBytes, 0, 10, previewBytes / 2, 10 * previewBytes} {
			q := ListQuery{Page: 1, PageSize: 50, Preview: preview}
			var warm ListPage
			for range 3 { // made, made and kept, remembered
				var err error
				if warm, err = e.List(bg, "app", q); err != nil {
					t.Fatal(err)
				}
			}
			if kept := len(e.rowCache.young); preview > 0 && preview <= previewBytes && kept < len(warm.Rows) {
				t.Fatalf("preview %d: %d of %d rows are kept", preview, kept, len(warm.Rows))
			}
			e.rowCache.clear()
			cold, err := e.List(bg, "app", q)
			if err != nil || len(cold.Rows) != len(warm.Rows) {
				t.Fatal(err, len(cold.Rows), len(warm.Rows))
			}
			for i := range cold.Rows {
				if !bytes.Equal(cold.Rows[i].JSON, warm.Rows[i].JSON) {
					t.Fatalf("preview %d: the row remembered is\n%.300s, the row made\n%.300s", preview, warm.Rows[i].JSON, cold.Rows[i].JSON)
				}
				clear(cold.Rows[i].JSON)
				clear(warm.Rows[i].JSON)
			}
		}
	}
}

func (c *rowCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old, c.size = nil, nil, 0
	for i := range c.once {
		for k := range c.once[i] {
			c.once[i][k].Store(0)
		}
	}
}

// TestRowCacheBound: the cache holds no more than it may, and a row that is used
// stays.
func TestRowCacheBound(t *testing.T) {
	var c rowCache
	c.most = rowCacheBytes
	for i := range uint64(50_000) {
		c.put(i, &cachedRow{json: make([]byte, 1000)})
		if i > 0 && c.get(1) == nil {
			t.Fatalf("a row in use was forgotten after %d others", i)
		}
	}
	total := int64(0)
	for _, m := range []map[uint64]*cachedRow{c.young, c.old} {
		for _, r := range m {
			total += r.bytes()
		}
	}
	if total > rowCacheBytes || total < rowCacheBytes/4 {
		t.Errorf("%d bytes of %d", total, rowCacheBytes)
	}
}
