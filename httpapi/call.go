package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// call is one request on its way through the server.
type call struct {
	intake
	ctx   *fasthttp.RequestCtx
	route *route
	vals  [3]string
	query query
	in    bodyState
	// answering is the share of the budget for answers, see answers.go.
	answering portion

	segs [maxSegs + 1]string

	form       form // of the answer, once it is settled
	closeAfter bool // close the connection after the answer
	taken      bool // the handler wrote the answer to the connection itself
}

var callPool = sync.Pool{New: func() any { return new(call) }}

// value is a path parameter by name.
func (c *call) value(name string) string {
	for i, n := range c.route.names {
		if n == name {
			return c.vals[i]
		}
	}
	return ""
}

func (c *call) app() string { return c.value("app_id") }

func (c *call) requestID() string { return strconv.FormatUint(c.ctx.ID(), 16) }

// serve is the handler of fasthttp: route, run, answer, count, log.
func (s *Server) serve(ctx *fasthttp.RequestCtx) {
	start := time.Now()
	s.inflight.Add(1)
	defer s.inflight.Add(-1)
	c := callPool.Get().(*call)
	c.srv, c.ctx = s, ctx
	ctx.Response.Header.Set("X-Content-Type-Options", "nosniff")

	if err := c.run(); err != nil {
		c.fail(err)
	}
	c.settle(c.in.n)
	c.finishBody()
	s.observe(c, time.Since(start))
	*c = call{}
	callPool.Put(c)
}

// run finds the route and calls its handler. fasthttp does not recover from
// panics of handlers, so this does.
func (c *call) run() (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.srv.stats.panics.Add(1)
			// The value of a panic may hold payload; its type and place do not.
			c.srv.log.Error("panic in a handler", "request", c.requestID(), "route", c.pattern(),
				"type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = &apiError{status: 500, code: codeInternal, message: "internal error", closeConn: true}
		}
	}()
	if err := c.checkFraming(); err != nil {
		return err
	}
	segs, raw, bad := splitTarget(c.ctx.Request.Header.RequestURI(), c.segs[:0])
	if bad != nil {
		return bad
	}
	rt, vals, allow := c.srv.router.find(string(c.ctx.Method()), segs)
	if rt == nil {
		if len(allow) == 0 {
			return notFound("no such path; GET /openapi.json lists all")
		}
		c.ctx.Response.Header.Set("Allow", strings.Join(allow, ", "))
		return &apiError{status: 405, code: codeBadRequest, message: "this path takes " + strings.Join(allow, ", ")}
	}
	c.route, c.vals = rt, vals
	if err := c.authorize(); err != nil {
		return err
	}
	if err := c.admit(c.announced()); err != nil {
		return err
	}
	for i, n := range rt.names {
		if v := c.vals[i]; len(v) > maxID {
			return badField(n, "longer than 256 bytes")
		}
	}
	if !rt.freeQuery {
		c.query.parse(raw, rt)
		if err := c.query.err(); err != nil {
			return err
		}
	}
	if rt.tagged {
		if same, err := c.unchanged(); same || err != nil {
			return err
		}
	}
	return rt.handle(c)
}

// maxID is the longest id in bytes (contract §1).
const maxID = 256

func (c *call) pattern() string {
	if c.route == nil {
		return "other"
	}
	return c.route.pattern
}

// fail sends the answer for err.
func (c *call) fail(err error) {
	e := toAPIError(err)
	if c.taken {
		// The answer has begun: all that is left is to cut it off, so that
		// the client sees that it is not whole.
		c.closeAfter = true
		if !isGone(err) {
			c.srv.log.Warn("answer cut off", "request", c.requestID(), "route", c.pattern(), "error", err)
		}
		return
	}
	if e.status >= 500 && e.status != 503 {
		c.srv.log.Error("request failed", "request", c.requestID(), "route", c.pattern(), "error", e.cause)
	} else if e.status == 503 {
		c.srv.log.Warn("request refused", "request", c.requestID(), "route", c.pattern(), "reason", e.message)
	}
	c.writeError(e)
}

// isGone says that the client closed the connection or stopped reading.
func isGone(err error) bool {
	var ne net.Error
	var oe *net.OpError
	return errors.Is(err, net.ErrClosed) || errors.As(err, &oe) || errors.As(err, &ne)
}

// observe counts and logs a request that was answered.
func (s *Server) observe(c *call, took time.Duration) {
	status := c.ctx.Response.StatusCode()
	s.stats.request(c.route, status, took)
	if s.log.Enabled(s.base, slog.LevelDebug) {
		s.log.Debug("request", "request", c.requestID(), "method", string(c.ctx.Method()), "route", c.pattern(),
			"status", status, "took", took, "client", c.ctx.RemoteAddr().String())
	}
}

// malformed answers what is not a request that fasthttp can read.
func (s *Server) malformed(ctx *fasthttp.RequestCtx, err error) {
	e := badRequest("not a valid HTTP request")
	var small *fasthttp.ErrSmallBuffer
	var ne net.Error
	switch {
	case errors.As(err, &small):
		e = &apiError{status: 431, code: codeBadRequest, message: "the request's headers are longer than 16 KiB"}
	case errors.As(err, &ne) && ne.Timeout():
		e = &apiError{status: 408, code: codeBadRequest, message: "the request did not arrive in time"}
	}
	c := &call{intake: intake{srv: s}, ctx: ctx}
	c.writeError(e)
	s.stats.request(nil, e.status, 0)
}
