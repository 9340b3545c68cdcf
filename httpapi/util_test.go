package httpapi

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// oneRun is a small valid body.
const oneRun = `{"runs":[{"id":"r1","name":"Workflow","type":"workflow","trace_id":"t1","source_id":null,"session_id":null,` +
	`"start_time":"2026-06-10T09:15:00.104233+00:00","end_time":"2026-06-10T09:15:01+00:00","parent_run_id":null,` +
	`"status":"succeeded","input":null,"output":null,"metadata":{},"error":null,"executions":[],"tags":[]}]}`

// lockedWriter lets several goroutines log.
type lockedWriter struct {
	mu sync.Mutex
	w  bytes.Buffer
}

func (l *lockedWriter) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.String()
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// raw sends bytes and reads until the server closes.
func raw(t testing.TB, addr, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(c, request)
	b, _ := io.ReadAll(c)
	return string(b)
}

func statusOf(response string) (code int) {
	_, _ = fmt.Sscanf(response, "HTTP/1.1 %d", &code)
	return code
}
