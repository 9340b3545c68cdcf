package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/trace"
)

const benchBytes = 256 << 20

// piece is what an engine hands over at a time: a stored frame or so.
var piece = []byte(strings.Repeat("0123456789abcdef", 4<<10/16))

func pour(w io.Writer) error {
	for range benchBytes / len(piece) {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// readAll asks for path and reads the body with one raw connection, so that
// the client costs little and the same in every case.
func readAll(b *testing.B, addr, path string, want int) {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+adminToken+"\r\nConnection: close\r\n\r\n")
	buf := make([]byte, 1<<20)
	n := 0
	for {
		k, err := c.Read(buf)
		n += k
		if err != nil {
			break
		}
	}
	if n < want {
		b.Fatalf("%d bytes of %d", n, want)
	}
}

// BenchmarkDownload compares a streamed download with fasthttp's own body
// stream writer and with bare writes to a loopback connection.
func BenchmarkDownload(b *testing.B) {
	b.Run("stream", func(b *testing.B) {
		store := newFake()
		store.export = func(_ context.Context, _ engine.ExportQuery, w io.Writer) (engine.ExportResult, error) {
			return engine.ExportResult{Complete: true}, pour(w)
		}
		e := start(b, store, Options{Logger: slog.New(slog.DiscardHandler)})
		b.SetBytes(benchBytes)
		b.ReportAllocs()
		for b.Loop() {
			readAll(b, e.addr, "/v1/apps/demo/traces/download", benchBytes)
		}
	})
	b.Run("fasthttp", func(b *testing.B) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer ln.Close()
		go func() {
			_ = fasthttp.Serve(ln, func(ctx *fasthttp.RequestCtx) {
				ctx.SetBodyStreamWriter(func(w *bufio.Writer) { _ = pour(w) })
			})
		}()
		b.SetBytes(benchBytes)
		for b.Loop() {
			readAll(b, ln.Addr().String(), "/", benchBytes)
		}
	})
	b.Run("loopback", func(b *testing.B) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer ln.Close()
		go func() {
			buf := make([]byte, chunkSize)
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				_, _ = c.Read(buf) // closing with unread bytes would reset
				for range benchBytes / len(buf) {
					_, _ = c.Write(buf)
				}
				_ = c.Close()
			}
		}()
		b.SetBytes(benchBytes)
		for b.Loop() {
			readAll(b, ln.Addr().String(), "/", benchBytes)
		}
	})
}

// BenchmarkIngest is what HTTP, authentication and parsing cost of a 17 KB
// body of five runs when storing is free.
func BenchmarkIngest(b *testing.B) {
	store := newFake()
	store.ingest = func(_ string, runs []trace.Run) (engine.IngestResult, error) {
		return engine.IngestResult{Created: len(runs)}, nil
	}
	one := strings.TrimSuffix(strings.TrimPrefix(oneRun, `{"runs":[`), `]}`)
	one = strings.Replace(one, `"input":null`, `"input":{"text":"`+strings.Repeat("some words of a prompt, ", 130)+`"}`, 1)
	body := []byte(`{"runs":[` + strings.Join([]string{one, one, one, one, one}, ",") + `]}`)
	e := start(b, store, Options{Logger: slog.New(slog.DiscardHandler)})
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			b.SetParallelism((clients + 1) / 2)
			b.RunParallel(func(pb *testing.PB) {
				cli := fasthttp.HostClient{Addr: e.addr}
				req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
				for pb.Next() {
					req.SetRequestURI("http://" + e.addr + "/v1/apps/demo/traces")
					req.Header.SetMethod(http.MethodPost)
					req.Header.SetContentType("application/json")
					req.Header.Set("Authorization", "Bearer "+adminToken)
					req.SetBodyRaw(body)
					if err := cli.Do(req, resp); err != nil || resp.StatusCode() != 200 {
						b.Error(err, resp.StatusCode())
						return
					}
				}
			})
		})
	}
}

func BenchmarkListPage(b *testing.B) {
	store := newFake()
	store.put("demo", 20)
	e := start(b, store, Options{Logger: slog.New(slog.DiscardHandler)})
	cli := fasthttp.HostClient{Addr: e.addr}
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	req.SetRequestURI("http://" + e.addr + "/v1/apps/demo/traces?status=failed&page=1")
	req.Header.Set("Authorization", "Bearer "+adminToken)
	b.ReportAllocs()
	for b.Loop() {
		if err := cli.Do(req, resp); err != nil || resp.StatusCode() != 200 {
			b.Fatal(err, resp.StatusCode())
		}
	}
}
