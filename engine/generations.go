package engine

import "sync"

// generations is a cache of two generations: what is found moves to the young
// one, and when that holds half of the bytes allowed the old one is forgotten. So
// what is in use stays, and nothing has to be kept in order. The zero value needs
// most. Safe for concurrent use; what it holds is never changed.
type generations[K comparable, V interface {
	comparable
	bytes() int64
}] struct {
	most       int64 // bytes of both generations
	mu         sync.Mutex
	young, old map[K]V
	size       int64 // bytes of young
}

// get returns what was put under a key, the zero V if it is not there.
func (g *generations[K, V]) get(k K) V {
	var none V
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.young[k]
	if v == none {
		if v = g.old[k]; v != none {
			delete(g.old, k)
			g.insert(k, v)
		}
	}
	return v
}

// put keeps v, in place of what was there under its key.
func (g *generations[K, V]) put(k K, v V) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.insert(k, v)
}

func (g *generations[K, V]) insert(k K, v V) {
	var none V
	size := v.bytes()
	if g.young == nil || g.size+size > g.most/2 {
		g.old, g.young, g.size = g.young, map[K]V{}, 0
	}
	if was := g.young[k]; was != none {
		g.size -= was.bytes()
	}
	g.young[k] = v
	g.size += size
}
