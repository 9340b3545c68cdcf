package gen

import (
	"math/rand/v2"
	"sync"
)

// pool is a long text of sentences, ready to stand inside a JSON string.
// Texts are cut out of it at sentence ends, which is a copy and no more.
type pool struct {
	text []byte
	// start and end are the bounds of each sentence; a space or a blank line
	// stands between two.
	start, end []int32
}

const (
	poolBytes  = 4 << 20
	vocabulary = 8000
)

var sharedPool = sync.OnceValue(func() *pool {
	r := rand.New(rand.NewPCG(1, 2))
	words := makeWords(r)
	zipf := rand.NewZipf(r, 1.12, 6, vocabulary-1)
	p := &pool{}
	for len(p.text) < poolBytes {
		p.start = append(p.start, int32(len(p.text)))
		p.text = appendSentence(p.text, r, func() string { return words[zipf.Uint64()] })
		p.end = append(p.end, int32(len(p.text)))
		if r.IntN(6) == 0 {
			p.text = append(p.text, `\n\n`...)
		} else {
			p.text = append(p.text, ' ')
		}
	}
	return p
})

// makeWords makes up words of syllables, the frequent ones short.
func makeWords(r *rand.Rand) []string {
	const consonants, vowels = "tnsrhldcmfpgwybvkxjqz", "eaoiu"
	pick := func(s string) byte { return s[min(r.IntN(len(s)), r.IntN(len(s)))] }
	seen := map[string]bool{}
	words := make([]string, 0, vocabulary)
	for len(words) < vocabulary {
		var w []byte
		for range 1 + r.IntN(2+min(len(words)/200, 3)) {
			w = append(w, pick(consonants), pick(vowels))
			if r.IntN(3) == 0 {
				w = append(w, pick(consonants))
			}
		}
		if s := string(w); !seen[s] {
			seen[s] = true
			words = append(words, s)
		}
	}
	return words
}

func appendSentence(b []byte, r *rand.Rand, word func() string) []byte {
	first := len(b)
	for i, n := 0, 4+r.IntN(18); i < n; i++ {
		switch r.IntN(40) {
		case 0:
			b = append(b, '0'+byte(r.IntN(10)), '0'+byte(r.IntN(10)), '0'+byte(r.IntN(10)), ' ')
		case 1:
			b = append(b, `\"`...)
			b = append(b, word()...)
			b = append(b, `\" `...)
		case 2:
			b = append(append(b, word()...), ", "...)
		default:
			b = append(append(b, word()...), ' ')
		}
	}
	if b[first] >= 'a' && b[first] <= 'z' {
		b[first] -= 'a' - 'A'
	}
	for b[len(b)-1] == ' ' || b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, '.')
}

// cut returns sentences of about n bytes in all, at least one. The result must
// not be changed.
func (p *pool) cut(r *rand.Rand, n int) []byte {
	sentences := len(p.start)
	n = min(n, len(p.text)/2)
	i := r.IntN(sentences)
	if int(p.start[i])+n > len(p.text) {
		i /= 2
	}
	// A sentence is about 80 bytes: guess, then correct.
	j := min(i+n/80, sentences-1)
	for j < sentences-1 && int(p.end[j]-p.start[i]) < n {
		j++
	}
	for j > i && int(p.end[j]-p.start[i]) > n {
		j--
	}
	return p.text[p.start[i]:p.end[j]]
}
