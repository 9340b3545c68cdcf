package httpapi

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/tracebed/tracebed/engine"
)

// The trailers of a download: whether it holds all that was asked for, how
// many traces it holds, and the cursor to go on with when it is not complete.
const (
	trailerComplete = "Tracebed-Complete"
	trailerCount    = "Tracebed-Count"
	trailerCursor   = "Tracebed-Next-Cursor"
)

var gzipWriters sync.Pool

// download answers GET /v1/apps/{app_id}/traces/download.
func (c *call) download() error {
	q := &c.query
	eq := engine.ExportQuery{
		Filter:      q.filter(),
		Cursor:      q.str("cursor"),
		Limit:       q.integer("limit", 0, 1, 1<<62),
		IncludeRuns: q.boolean("include_runs"),
	}
	ext, contentType := ".json", jsonType
	summary := q.boolean("summary")
	if q.oneOf("format", "json", "jsonl") == "jsonl" || summary && !q.has("format") {
		eq.Format, ext, contentType = engine.JSONLines, ".jsonl", "application/x-ndjson"
	}
	if summary && eq.Format != engine.JSONLines {
		q.fail("summary", "needs format=jsonl: an array has no place for it")
	}
	if err := q.err(); err != nil {
		return err
	}
	coding, ok := negotiate(string(c.ctx.Request.Header.Peek("Accept-Encoding")))
	if summary && coding == "zstd" {
		// The frame of an export ends with its last trace, and not every
		// client goes on to a second frame.
		coding = ""
		if c.ctx.Request.Header.HasAcceptEncoding("gzip") {
			coding = "gzip"
		}
	}
	if !ok {
		return &apiError{status: 406, code: codeBadRequest, message: "Accept-Encoding: one of zstd, gzip or identity must be taken"}
	}
	h := &c.ctx.Response.Header
	h.SetContentType(contentType)
	h.Set("Content-Disposition", disposition(c.app()+"-traces", ext))
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-store")
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	if c.ctx.IsHead() {
		_, err := c.srv.store.App(c.srv.base, c.app())
		return err
	}
	select {
	case c.srv.exports <- struct{}{}:
	default:
		return unavailable(fmt.Sprintf("%d downloads are running, which is the limit; try again later", cap(c.srv.exports)), 5)
	}
	defer func() { <-c.srv.exports }()
	if c.ctx.Request.Header.IsHTTP11() {
		if err := h.AddTrailer(trailerComplete + ", " + trailerCount + ", " + trailerCursor); err != nil {
			return err
		}
	}
	eq.Zstd = coding == "zstd"
	eq.Deadline = c.srv.opt.Now().Add(c.srv.opt.ExportBudget)
	return c.export(eq, coding == "gzip", summary)
}

// export streams the traces. Each of its errors comes before the first byte
// is out, or leaves an answer that is visibly cut off.
func (c *call) export(eq engine.ExportQuery, zip, summary bool) error {
	s := newStream(c)
	defer s.abort()
	var w io.Writer = s
	var z *gzip.Writer
	if zip {
		z, _ = gzipWriters.Get().(*gzip.Writer)
		if z == nil {
			z, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed)
		}
		z.Reset(s)
		defer gzipWriters.Put(z)
		w = z
	}
	res, err := c.srv.store.Export(c.srv.base, c.app(), eq, w)
	if err == nil && summary {
		_, err = w.Write(appendSummary(nil, res))
	}
	if err == nil && z != nil {
		err = z.Close()
	}
	if err == nil {
		err = s.end([][2]string{
			{trailerComplete, boolText(res.Complete)},
			{trailerCount, strconv.FormatInt(res.Count, 10)},
			{trailerCursor, res.NextCursor},
		})
	}
	c.srv.stats.exported(res.Count, s.written, err == nil && res.Complete)
	return err
}

// appendSummary appends the line that ends JSON lines when it is asked for: the
// trailers again, for clients that cannot read those, such as browsers.
func appendSummary(dst []byte, res engine.ExportResult) []byte {
	dst = strconv.AppendBool(append(dst, `{"summary":{"complete":`...), res.Complete)
	dst = strconv.AppendInt(append(dst, `,"count":`...), res.Count, 10)
	dst = append(dst, `,"next_cursor":`...)
	if res.NextCursor == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendQuoted(dst, res.NextCursor)
	}
	return append(dst, "}}\n"...)
}

// disposition is the Content-Disposition of an attachment. Names beyond plain
// ASCII go into filename* (RFC 6266), with a plain fallback before it.
func disposition(name, ext string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_.+@ ()", r):
			return r
		}
		return '_'
	}, name)
	plain = strings.TrimLeft(plain, ". ")
	out := `attachment; filename="` + plain + ext + `"`
	if plain != name {
		safe := strings.Map(func(r rune) rune {
			if r < 0x20 || r == 0x7f || r == '/' || r == '\\' || r == '"' {
				return '_'
			}
			return r
		}, name)
		out += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(safe+ext), "+", "%20")
	}
	return out
}
