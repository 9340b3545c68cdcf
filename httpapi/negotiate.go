package httpapi

import (
	"strconv"
	"strings"
)

// negotiate picks the coding of a download out of an Accept-Encoding header:
// the highest weight, and of equal ones zstd before gzip before identity. It
// gives "" for identity; ok is false when the client takes none of the three.
func negotiate(header string) (coding string, ok bool) {
	if strings.TrimSpace(header) == "" {
		return "", true
	}
	// −1: not named.
	zstd, gzip, identity, other := -1.0, -1.0, -1.0, -1.0
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		q := weight(params)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "zstd":
			zstd = q
		case "gzip", "x-gzip":
			gzip = q
		case "identity":
			identity = q
		case "*":
			other = q
		}
	}
	named := zstd >= 0 || gzip >= 0
	if zstd < 0 {
		zstd = max(other, 0)
	}
	if gzip < 0 {
		gzip = max(other, 0)
	}
	if identity < 0 {
		// Not named, it is acceptable but the least wanted, unless * says no.
		identity = 1e-9
		if other >= 0 {
			identity = other
		}
		if !named && other < 0 {
			identity = 1
		}
	}
	switch best := max(zstd, gzip, identity); {
	case best <= 0:
		return "", false
	case best == zstd:
		return "zstd", true
	case best == gzip:
		return "gzip", true
	}
	return "", true
}

// weight is the q of a coding: 1 when absent, 0 when it is not a number.
func weight(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(strings.TrimSpace(k), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if err != nil || q < 0 || q > 1 {
				return 0
			}
			return q
		}
	}
	return 1
}
