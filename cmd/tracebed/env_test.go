package main

import "testing"

// FuzzByteSize: a size that is taken is positive, and its text is taken again.
func FuzzByteSize(f *testing.F) {
	for _, s := range []string{"64MiB", "500kB", "1048576", "1.5g", "NaN", "inf", "-1", "1e400", "0x10", "9223372036854775807", " 7 k ", "0 B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b byteSize
		if b.Set(s) != nil {
			return
		}
		var again byteSize
		if err := again.Set(b.String()); b < 1 || err != nil {
			t.Fatalf("%q is %d, %q (%v)", s, int64(b), b.String(), err)
		}
	})
}
