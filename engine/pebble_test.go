package engine

import "testing"

// TestSpanPolicy: the spans follow each other from the first key to the bodies,
// and those of ids, hashes and times are not packed by zstd.
func TestSpanPolicy(t *testing.T) {
	fast := map[byte]bool{}
	var ends []byte
	for p := range 256 {
		policy, end, err := spanPolicy([]byte{byte(p), 1})
		if err != nil || len(end) > 1 || len(end) == 1 && int(end[0]) <= p {
			t.Fatalf("span of %q ends at %q (%v)", byte(p), end, err)
		}
		if (end == nil) != (p >= prefixPiece) {
			t.Errorf("%q: bodies and their pieces are the last span, which ends at %q", byte(p), end)
		}
		if len(end) == 1 && (len(ends) == 0 || ends[len(ends)-1] != end[0]) {
			ends = append(ends, end[0])
		}
		fast[byte(p)] = policy.PreferFastCompression
	}
	if string(ends) != "lrsy" {
		t.Errorf("spans end at %q", ends)
	}
	for _, p := range rowPrefixes + "lmoqrsijkayz" {
		if want := p == 'l' || p == 'm' || p == 'o' || p == 'q' || p == 's'; fast[byte(p)] != want {
			t.Errorf("%q: not packed: %v", p, fast[byte(p)])
		}
	}
	if _, end, _ := spanPolicy(nil); string(end) != "l" {
		t.Errorf("the first span ends at %q", end)
	}
}
