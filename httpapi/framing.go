package httpapi

import "bytes"

// badFraming is the 400 of a request of which two servers in a row could see
// different ends. fasthttp takes some of them (measured with v1.74.0: length
// and chunks together, folded lines), which lets a request hide behind another
// that a proxy in front has let through. RFC 9112 wants most of them refused,
// and the connection closed after all of them.
func badFraming(what string) *apiError {
	e := badRequest("the request is ambiguous, so it is refused: " + what)
	e.closeConn = true
	return e
}

// checkFraming looks at the header lines as they came.
func (c *call) checkFraming() error {
	lengths, codings, hosts := 0, 0, 0
	for rest := c.ctx.Request.Header.RawHeaders(); len(rest) > 0; {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		rest = after
		line, crlf := bytes.CutSuffix(line, []byte("\r"))
		switch {
		case len(line) == 0:
			continue
		case found && !crlf:
			return badFraming("a line does not end in CR LF")
		case line[0] == ' ' || line[0] == '\t':
			return badFraming("a header goes on in another line")
		case bytes.IndexByte(line, '\r') >= 0 || bytes.IndexByte(line, 0) >= 0:
			return badFraming("a header has a control character")
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(name) == 0 || name[len(name)-1] == ' ' || name[len(name)-1] == '\t' {
			return badFraming("a header has no name, or a space behind it")
		}
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			lengths++
		case bytes.EqualFold(name, []byte("Host")):
			hosts++
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			if codings++; !bytes.EqualFold(bytes.Trim(value, " \t"), []byte("chunked")) {
				return badFraming("Transfer-Encoding may be chunked only")
			}
		}
	}
	switch {
	case lengths > 0 && codings > 0:
		return badFraming("it has Content-Length and Transfer-Encoding")
	case lengths > 1 || codings > 1 || hosts > 1:
		return badFraming("Content-Length, Transfer-Encoding or Host come twice")
	case codings > 0 && !c.ctx.Request.Header.IsHTTP11():
		return badFraming("Transfer-Encoding is not part of HTTP/1.0")
	}
	return nil
}
