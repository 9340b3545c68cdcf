package httpapi

import (
	"bufio"
	"context"
	"fmt"

	"github.com/tracebed/tracebed/engine"
)

// How answers stay within the memory: a read that needs more than about a
// megabyte for one trace takes a share of the budget for answers before it
// decodes anything, and keeps it until the client has the answer, however slowly
// it takes that. A share larger than the budget is cut to it: one such answer is
// made at a time.

// answerParts is which part of MaxInflightBytes answers may take besides.
const answerParts = 4

// reads is the context of a read of the store.
func (c *call) reads() context.Context { return engine.WithMemory(c.srv.base, c.ask) }

// ask takes n bytes of the budget for answers. Who has some already does not
// wait for more: two who did could wait for each other.
func (c *call) ask(n int64) error {
	b := c.srv.answers
	if c.answering.from == nil {
		got, ok := b.acquire(c.srv.base, n, c.srv.opt.QueueWait)
		if !ok {
			return c.srv.overloaded()
		}
		c.answering = portion{b, got}
		return nil
	}
	if c.answering.n+n > b.size {
		return badRequest(fmt.Sprintf("the answer would take more than %d MiB; ask for fewer traces or runs, or for a preview", b.size>>20))
	}
	if !b.try(n) {
		return c.srv.overloaded()
	}
	c.answering.n += n
	return nil
}

// writeLarge writes an answer that holds a share of the budget, while it does.
func (c *call) writeLarge() {
	r := &c.ctx.Response
	r.Header.SetConnectionClose()
	r.SkipBody = c.ctx.IsHead()
	w := bufio.NewWriter(c.ctx.Conn())
	if err := r.Write(w); err == nil {
		_ = w.Flush() // the client has gone: nobody to tell
	}
	c.hijackAndClose()
}
