package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/tracebed/tracebed/engine/frame"
)

// exportWriter writes trace objects without their closing braces as a JSON
// array or as JSON lines.
type exportWriter interface {
	begin() error
	stored(blocks []byte) error // blocks of a stored frame
	text(b []byte) error
	more(b []byte) error // of what stored or text was last called with
	end() error
}

func newExportWriter(w io.Writer, q ExportQuery) exportWriter {
	shape := exportShape{array: q.Format == JSONArray}
	if q.Zstd {
		return &zstdExport{exportShape: shape, s: frame.NewSplicer(w)}
	}
	return &plainExport{exportShape: shape, w: bufio.NewWriterSize(w, 256<<10)}
}

// exportShape knows what stands around the traces.
type exportShape struct {
	array bool
	n     int
}

func (s *exportShape) opening() string {
	if s.array {
		return "["
	}
	return ""
}

func (s *exportShape) closing() string {
	switch {
	case s.array && s.n > 0:
		return "}\n]\n"
	case s.array:
		return "]\n"
	case s.n > 0:
		return "}\n"
	}
	return ""
}

// between is what ends one trace and begins the next line.
func (s *exportShape) between() (before, after string) {
	if s.array {
		return "}", ",\n"
	}
	return "}", "\n"
}

type plainExport struct {
	exportShape
	w *bufio.Writer
}

func (p *plainExport) begin() error {
	_, err := p.w.WriteString(p.opening())
	return err
}

// stored is not used: plain text is always decoded first.
func (p *plainExport) stored(blocks []byte) error { return p.text(blocks) }

func (p *plainExport) text(b []byte) error {
	if p.n > 0 {
		before, after := p.between()
		_, _ = p.w.WriteString(before) // the error sticks
		_, _ = p.w.WriteString(after)
	}
	p.n++
	_, err := p.w.Write(b)
	return err
}

func (p *plainExport) more(b []byte) error {
	_, err := p.w.Write(b)
	return err
}

func (p *plainExport) end() error {
	_, _ = p.w.WriteString(p.closing())
	return p.w.Flush()
}

// zstdExport makes one zstd frame of the stored frames, without compressing
// anything again.
type zstdExport struct {
	exportShape
	s *frame.Splicer
}

func (z *zstdExport) begin() error {
	if o := z.opening(); o != "" {
		return z.s.Text([]byte(o))
	}
	return nil
}

func (z *zstdExport) separate() error {
	z.n++
	if z.n == 1 {
		return nil
	}
	return z.s.Separator(z.between())
}

func (z *zstdExport) stored(blocks []byte) error {
	if err := z.separate(); err != nil {
		return err
	}
	return damaged(z.s.Blocks(blocks))
}

func (z *zstdExport) text(b []byte) error {
	if err := z.separate(); err != nil {
		return err
	}
	return z.s.Text(b)
}

func (z *zstdExport) more(blocks []byte) error { return damaged(z.s.More(blocks)) }

// damaged makes damage that a splicer found an ErrCorrupt.
func damaged(err error) error {
	if errors.Is(err, frame.ErrCorrupt) {
		return fmt.Errorf("%w: body of a trace: %w", ErrCorrupt, err)
	}
	return err
}

func (z *zstdExport) end() error {
	if c := z.closing(); c != "" {
		if err := z.s.Text([]byte(c)); err != nil {
			return err
		}
	}
	return z.s.Close()
}
