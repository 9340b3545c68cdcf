package httpapi

import (
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fasthttp"
)

const jsonType = "application/json"

// downloadFields are taken back when an answer ends in an error.
var downloadFields = []string{"Content-Disposition", "Content-Encoding", "Trailer", "Vary", "ETag"}

// writeError sends e as the contract's error body, or as OTLP's.
func (c *call) writeError(e *apiError) {
	c.srv.stats.refuse(e.code)
	r := &c.ctx.Response
	r.ResetBody()
	for _, k := range downloadFields {
		r.Header.Del(k)
	}
	r.SetStatusCode(e.status)
	body, mediaType := c.errorBody(e)
	r.Header.SetContentType(mediaType)
	switch {
	case e.status == 401:
		r.Header.Set("WWW-Authenticate", `Bearer realm="tracebed"`)
	case e.status == 413, e.closeConn:
		c.closeAfter = true
	}
	if e.retryAfter > 0 {
		r.Header.Set("Retry-After", strconv.Itoa(e.retryAfter))
	}
	if e.status >= 500 {
		r.Header.Set("X-Request-Id", c.requestID())
	}
	r.SetBodyRaw(body)
}

// appendError renders {"error":{…}}; details in the order of their names.
func appendError(dst []byte, e *apiError) []byte {
	dst = append(dst, `{"error":{"code":`...)
	dst = appendQuoted(dst, e.code)
	dst = append(dst, `,"message":`...)
	dst = appendQuoted(dst, e.message)
	if len(e.details) > 0 {
		dst = append(dst, `,"details":{`...)
		keys := make([]string, 0, len(e.details))
		for k := range e.details {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for i, k := range keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, k)
			dst = append(dst, ':')
			dst = appendQuoted(dst, e.details[k])
		}
		dst = append(dst, '}')
	}
	return append(dst, "}}"...)
}

// body starts a 200 JSON answer and gives the response, to which the parts of
// the body are appended: one copy into a pooled buffer, no marshalling.
func (c *call) body() *fasthttp.Response {
	r := &c.ctx.Response
	r.Header.SetContentType(jsonType)
	return r
}

// data answers {"data":json}.
func (c *call) data(json []byte) {
	r := c.body()
	r.AppendBodyString(`{"data":`)
	r.AppendBody(json)
	r.AppendBodyString(`}`)
}

// answer is data for what may be long.
func (c *call) answer(json []byte) error {
	return c.parts(`{"data":`, [][]byte{json}, []byte("}"))
}

// parts answers with JSON in parts between which commas come; of a long answer
// no copy is made.
func (c *call) parts(before string, parts [][]byte, after []byte) error {
	write := func(w io.Writer) error {
		_, err := io.WriteString(w, before)
		for i, p := range parts {
			if i > 0 && err == nil {
				_, err = io.WriteString(w, ",")
			}
			if err == nil {
				_, err = w.Write(p)
			}
		}
		if err == nil {
			_, err = w.Write(after)
		}
		return err
	}
	if c.answering.from == nil {
		return write(c.body().BodyWriter())
	}
	return c.streamJSON(write)
}

// pageOf is the contract's pagination object.
type pageOf struct {
	page, size int
	total      int64
}

// appendEnd closes a list body: `],"pagination":{…},"next_cursor":…}`.
func (p pageOf) appendEnd(dst []byte, cursor string) []byte {
	dst = append(dst, `],"pagination":{"page":`...)
	dst = strconv.AppendInt(dst, int64(p.page), 10)
	dst = append(dst, `,"page_size":`...)
	dst = strconv.AppendInt(dst, int64(p.size), 10)
	dst = append(dst, `,"page_count":`...)
	dst = strconv.AppendInt(dst, (p.total+int64(p.size)-1)/int64(p.size), 10)
	dst = append(dst, `,"total_count":`...)
	dst = strconv.AppendInt(dst, p.total, 10)
	dst = append(dst, `},"next_cursor":`...)
	if cursor == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendQuoted(dst, cursor)
	}
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as a JSON string; invalid UTF-8 becomes U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		b := s[i]
		switch {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
			i++
		case b == '\n':
			dst = append(dst, '\\', 'n')
			i++
		case b < 0x20 || b == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
			i++
		case b < utf8.RuneSelf:
			dst = append(dst, b)
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
		}
	}
	return append(dst, '"')
}
