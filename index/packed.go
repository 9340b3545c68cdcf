package index

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"
)

// packed reads a bitmap in the form that it is stored in. Roaring makes an
// object of each container, of which an hour with few traces has one for nearly
// every trace. To decode an hour of four statuses and 3.6 k members took 94 µs
// and 2,229 allocations and takes 42 and 21 (BenchmarkDecode; with 360 k members
// 2.0 ms, now 2.5); a rank and a selection in it take a third (BenchmarkPacked).
// It never changes, so sets share it.
type packed struct {
	b     []byte // the portable form
	parts []part // the containers, and one behind the last
}

// part is where a container lies.
type part struct {
	key    uint16
	runs   bool
	at     int32 // of its body in b
	before int32 // members of the containers before it
}

// newPacked checks b and copies it. Anything but the canonical form of a set of
// slots is an error.
func newPacked(b []byte) (*packed, error) {
	head, ok := checkBitmap(b)
	if !ok {
		return nil, errBitmap
	}
	p := &packed{b: bytes.Clone(b), parts: make([]part, len(head)+1)}
	at := len(b)
	for _, c := range head {
		at -= c.size
	}
	n := 0
	for i, c := range head {
		p.parts[i] = part{key: c.key, runs: c.runs, at: int32(at), before: int32(n)}
		at += c.size
		n += c.card
	}
	p.parts[len(head)] = part{at: int32(at), before: int32(n)}
	return p, nil
}

// bitmap decodes p. Its bytes have been checked, so there is no error.
func (p *packed) bitmap() *roaring.Bitmap {
	bm := roaring.New()
	_, _ = bm.ReadFrom(bytes.NewReader(p.b))
	return bm
}

func (p *packed) containers() int { return len(p.parts) - 1 }

func (p *packed) count() int { return int(p.parts[p.containers()].before) }

// find returns the first container whose key is key or greater.
func (p *packed) find(key uint32) int {
	return sort.Search(p.containers(), func(i int) bool { return uint32(p.parts[i].key) >= key })
}

// rank returns the number of members below v.
func (p *packed) rank(v uint32) int {
	i := p.find(v >> 16)
	n := int(p.parts[i].before)
	if i < p.containers() && uint32(p.parts[i].key) == v>>16 {
		c := p.container(i)
		n += c.rank(int(v & 0xffff))
	}
	return n
}

func (p *packed) contains(v uint32) bool {
	i := p.find(v >> 16)
	if i == p.containers() || uint32(p.parts[i].key) != v>>16 {
		return false
	}
	c := p.container(i)
	return c.has(int(v & 0xffff))
}

// selectBit returns the k-th member; there is one.
func (p *packed) selectBit(k int) uint32 {
	i := sort.Search(p.containers(), func(i int) bool { return int(p.parts[i+1].before) > k })
	c := p.container(i)
	return uint32(p.parts[i].key)<<16 | uint32(c.at(k-int(p.parts[i].before)))
}

// intersects reports whether p and q have a member in common.
func (p *packed) intersects(q *packed) bool {
	for i, j := 0, 0; i < p.containers() && j < q.containers(); {
		switch a, b := p.parts[i].key, q.parts[j].key; {
		case a < b:
			i++
		case a > b:
			j++
		default:
			c, d := p.container(i), q.container(j)
			if c.intersects(&d) {
				return true
			}
			i++
			j++
		}
	}
	return false
}

// body is a container: an array of values, runs of them, or a bitset.
type body struct {
	b    []byte
	card int
	runs bool
}

func (p *packed) container(i int) body {
	c, next := &p.parts[i], &p.parts[i+1]
	return body{b: p.b[c.at:next.at], card: int(next.before - c.before), runs: c.runs}
}

func (c *body) isArray() bool { return c.card <= maxArray }

func (c *body) value(i int) int { return int(binary.LittleEndian.Uint16(c.b[2*i:])) }

func (c *body) word(i int) uint64 { return binary.LittleEndian.Uint64(c.b[8*i:]) }

// run returns the first value of a run and how many it has.
func (c *body) run(i int) (first, n int) {
	return int(binary.LittleEndian.Uint16(c.b[2+4*i:])), int(binary.LittleEndian.Uint16(c.b[4+4*i:])) + 1
}

func (c *body) numRuns() int { return len(c.b) / 4 }

// lowerBound returns how many values of an array are below v.
func (c *body) lowerBound(v int) int {
	lo, hi := 0, c.card
	for lo < hi {
		if mid := (lo + hi) / 2; c.value(mid) < v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// rank returns the number of values below v.
func (c *body) rank(v int) (n int) {
	switch {
	case c.runs:
		for i := range c.numRuns() {
			first, length := c.run(i)
			if first >= v {
				break
			}
			n += min(length, v-first)
		}
	case c.isArray():
		n = c.lowerBound(v)
	default:
		for i := range v / 64 {
			n += bits.OnesCount64(c.word(i))
		}
		if v%64 > 0 {
			n += bits.OnesCount64(c.word(v/64) & (1<<(v%64) - 1))
		}
	}
	return n
}

// has reports whether v is a value.
func (c *body) has(v int) bool {
	switch {
	case c.runs:
		i := sort.Search(c.numRuns(), func(i int) bool { first, _ := c.run(i); return first > v }) - 1
		if i < 0 {
			return false
		}
		first, n := c.run(i)
		return v < first+n
	case c.isArray():
		i := c.lowerBound(v)
		return i < c.card && c.value(i) == v
	}
	return c.b[v/8]>>(v%8)&1 == 1
}

// at returns the k-th value; there is one.
func (c *body) at(k int) int {
	switch {
	case c.runs:
		for i := 0; ; i++ {
			first, n := c.run(i)
			if k < n {
				return first + k
			}
			k -= n
		}
	case c.isArray():
		return c.value(k)
	}
	for i := 0; ; i++ {
		w := c.word(i)
		if n := bits.OnesCount64(w); k >= n {
			k -= n
			continue
		}
		for range k {
			w &= w - 1
		}
		return i*64 + bits.TrailingZeros64(w)
	}
}

// intersects reports whether c and d have a value in common.
func (c *body) intersects(d *body) bool {
	if c.card > d.card {
		c, d = d, c
	}
	if c.runs || d.runs || d.card > 16*c.card || c.isArray() != d.isArray() {
		return c.any(d.has)
	}
	if !c.isArray() {
		for i := range bitsetBytes / 8 {
			if c.word(i)&d.word(i) != 0 {
				return true
			}
		}
		return false
	}
	return arraysIntersect(c.b, d.b)
}

// arraysIntersect is intersects for two arrays that are not empty.
func arraysIntersect(a, b []byte) bool {
	v, w := binary.LittleEndian.Uint16(a), binary.LittleEndian.Uint16(b)
	for {
		for v < w {
			if a = a[2:]; len(a) < 2 {
				return false
			}
			v = binary.LittleEndian.Uint16(a)
		}
		if v == w {
			return true
		}
		for w < v {
			if b = b[2:]; len(b) < 2 {
				return false
			}
			w = binary.LittleEndian.Uint16(b)
		}
	}
}

// any reports whether is holds for one of the values.
func (c *body) any(is func(int) bool) bool {
	switch {
	case c.runs:
		for i := range c.numRuns() {
			first, n := c.run(i)
			for v := first; v < first+n; v++ {
				if is(v) {
					return true
				}
			}
		}
	case c.isArray():
		for i := range c.card {
			if is(c.value(i)) {
				return true
			}
		}
	default:
		for i := range bitsetBytes / 8 {
			for w := c.word(i); w != 0; w &= w - 1 {
				if is(i*64 + bits.TrailingZeros64(w)) {
					return true
				}
			}
		}
	}
	return false
}

// memoryBytes is the heap that p takes.
func (p *packed) memoryBytes() int { return len(p.b) + 12*len(p.parts) + 64 }
