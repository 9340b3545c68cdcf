package httpapi

import "testing"

// TestSmuggling sends requests of which two servers in a row may see different
// ends. In none of them may this one find the request that is hidden behind or
// inside: it would make a token.
func TestSmuggling(t *testing.T) {
	const hidden = "POST /v1/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + adminToken +
		"\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"name\":\"smuggled\",\"apps\":\"*\",\"rights\":[\"admin\"]}  "
	const head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + adminToken + "\r\n"
	const zero = "0\r\n\r\n" + hidden
	run := func(t *testing.T, request string) (ran bool, answer string) {
		store := newFake()
		e := start(t, store, Options{ReadTimeout: 300e6})
		answer = raw(t, e.addr, request)
		store.mu.Lock()
		defer store.mu.Unlock()
		return len(store.settings) > 0, answer
	}
	if ran, answer := run(t, hidden+"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !ran {
		t.Fatalf("the hidden request would not do anything: %s", answer)
	}
	for name, request := range map[string]string{
		"CL.TE":                   head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + zero,
		"TE.CL":                   head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + zero,
		"CL.TE, long":             head + "Content-Length: 500\r\nTransfer-Encoding: chunked\r\n\r\n" + zero,
		"two lengths":             head + "Content-Length: 0\r\nContent-Length: 500\r\n\r\n" + hidden,
		"two lengths, reversed":   head + "Content-Length: 500\r\nContent-Length: 0\r\n\r\n" + hidden,
		"list of lengths":         head + "Content-Length: 0, 500\r\n\r\n" + hidden,
		"signed length":           head + "Content-Length: +0\r\n\r\n" + hidden,
		"negative length":         head + "Content-Length: -1\r\n\r\n" + hidden,
		"hexadecimal length":      head + "Content-Length: 0x0\r\n\r\n" + hidden,
		"length that overflows":   head + "Content-Length: 18446744073709551616\r\n\r\n" + hidden,
		"length with a space":     head + "Content-Length : 500\r\n\r\n" + hidden,
		"coding with a space":     head + "Transfer-Encoding : chunked\r\nContent-Length: 500\r\n\r\n" + zero,
		"folded coding":           head + "Transfer-Encoding:\r\n chunked\r\nContent-Length: 500\r\n\r\n" + zero,
		"folded length":           head + "Content-Length:\r\n 500\r\n\r\n" + hidden,
		"folded after a name":     head + "X: a\r\n Content-Length: 500\r\n\r\n" + hidden,
		"coding that is unknown":  head + "Transfer-Encoding: xchunked\r\nContent-Length: 500\r\n\r\n" + zero,
		"coding without an end":   head + "Transfer-Encoding: gzip\r\n\r\n" + zero,
		"two codings":             head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + zero,
		"list of codings":         head + "Transfer-Encoding: identity, chunked\r\nContent-Length: 500\r\n\r\n" + zero,
		"tab before the coding":   head + "Transfer-Encoding:\tchunked\r\nContent-Length: 500\r\n\r\n" + zero,
		"HTTP/1.0 with chunks":    "POST /v1/traces HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + zero,
		"chunk size with a sign":  head + "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + hidden,
		"chunk size that is huge": head + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n" + hidden,
		"chunk without its end":   head + "Transfer-Encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n" + hidden,
		"bare CR":                 head + "X: a\rContent-Length: 500\r\n\r\n" + hidden,
		"null in a name":          head + "Content\x00-Length: 500\r\n\r\n" + hidden,
		"GET with a body":         "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n" + hidden,
		"space before a name":     "POST /v1/traces HTTP/1.1\r\n Host: x\r\nContent-Length: 500\r\n\r\n" + hidden,
		"two hosts":               "POST /v1/traces HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 500\r\n\r\n" + hidden,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if ran, answer := run(t, request); ran {
				t.Errorf("the hidden request was run: %.600s", answer)
			}
		})
	}
}
