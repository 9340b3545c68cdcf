package drivers

import (
	"bufio"
	"bytes"
	_ "embed" // the schema
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tracebed/tracebed/bench/peers/peer"
)

//go:embed clickhouse.sql
var chSchema string

// ClickHouse is one process, asked by one query at a time. Batches reach it as
// RowBinary in a file in memory, which is quicker than text in the statement.
type ClickHouse struct {
	mu    sync.Mutex
	p     *chProcess
	batch string // path
}

// OpenClickHouse starts ClickHouse in dir.
func OpenClickHouse(dir string) (peer.Driver, error) {
	p, err := startCH(dir)
	if err != nil {
		return nil, err
	}
	shm := "/dev/shm"
	if _, err := os.Stat(shm); err != nil {
		shm = ""
	}
	f, err := os.CreateTemp(shm, "batch-*.bin")
	if err != nil {
		return nil, err
	}
	s := &ClickHouse{p: p, batch: f.Name()}
	for _, text := range strings.Split(chSchema, ";\n") {
		if _, err := p.query(text); err != nil {
			return nil, errors.Join(err, f.Close(), s.Close())
		}
	}
	return s, f.Close()
}

const chColumns = "app Int32, id String, start Int64, status UInt8, dur Int64, pt Int64, ct Int64, tt Int64, " +
	"pc Int64, cc Int64, tc Int64, unpriced Int64, version UInt64, head String, body String"

// version orders the copies of a trace: finished over open, then by the end,
// and equal copies replace each other unseen.
func version(r *peer.Rec) uint64 {
	v := uint64(r.EndUS())
	if r.Finished() {
		v |= 1 << 62
	}
	return v
}

// Prepare writes the batch in ClickHouse's format, as its clients do.
func (s *ClickHouse) Prepare(batch []peer.Rec) (peer.Work, error) {
	return func() error {
		var b []byte
		for i := range batch {
			b = appendCH(b, &batch[i])
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := os.WriteFile(s.batch, b, 0o600); err != nil {
			return err
		}
		_, err := s.p.query(fmt.Sprintf("INSERT INTO t.traces SELECT * FROM file('%s', RowBinary, '%s')", s.batch, chColumns))
		return err
	}, nil
}

func appendCH(b []byte, r *peer.Rec) []byte {
	text := func(s []byte) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(r.AppNo))
	text([]byte(r.ID))
	b = binary.LittleEndian.AppendUint64(b, uint64(r.StartUS))
	b = append(b, r.Status)
	for _, v := range []int64{r.DurUS, r.Tokens[0], r.Tokens[1], r.Tokens[2], r.Cost[0], r.Cost[1], r.Cost[2], r.Unpriced} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	b = binary.LittleEndian.AppendUint64(b, version(r))
	text(r.Head)
	text(r.Full)
	return b
}

// chReader reads RowBinary.
type chReader struct {
	b   []byte
	err error
}

func (r *chReader) more() bool { return r.err == nil && len(r.b) > 0 }

func (r *chReader) int64() int64 {
	if len(r.b) < 8 {
		r.err = io.ErrUnexpectedEOF
		return 0
	}
	v := int64(binary.LittleEndian.Uint64(r.b))
	r.b = r.b[8:]
	return v
}

func (r *chReader) text() []byte {
	n, w := binary.Uvarint(r.b)
	if w <= 0 || n > uint64(len(r.b)-w) {
		r.err = io.ErrUnexpectedEOF
		return nil
	}
	v := r.b[w : w+int(n)]
	r.b = r.b[w+int(n):]
	return v
}

// Metrics asks once for all bars: their bounds are searched in a list.
func (s *ClickHouse) Metrics(q *peer.MetricsQuery) ([]peer.Sums, error) {
	bounds := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(q.Bounds[1:])), ","), "[]")
	bar := fmt.Sprintf("arrayFirstIndex(b -> start < b, [%s])", bounds)
	if len(q.Spans) == 1 && len(q.Bounds) > 2 { // equal bars: arithmetic instead of a search
		bar = fmt.Sprintf("intDiv(start - %d, %d) + 1", q.Bounds[0], q.Bounds[1]-q.Bounds[0])
	}
	sql := fmt.Sprintf(`SELECT toInt64(%s) AS bar, toInt64(countIf(status=0)), toInt64(countIf(status=1)), toInt64(countIf(status=2)), toInt64(countIf(status=3)),
 toInt64(countIf(dur>=0)), sumIf(dur, dur>=0), sum(pt), sum(ct), sum(tt), sum(pc), sum(cc), sum(tc), sum(unpriced)
 FROM t.traces FINAL WHERE app=%d AND start>=%d AND start<%d GROUP BY bar`, bar, q.AppNo, q.Window.From, q.Window.To)
	data, err := s.p.query(sql)
	if err != nil {
		return nil, err
	}
	out := make([]peer.Sums, len(q.Bounds)-1)
	for r := (chReader{b: data}); r.more(); {
		bar := int(r.int64())
		var v peer.Sums
		for _, c := range v.Columns() {
			*c = r.int64()
		}
		if r.err != nil || bar < 1 || bar > len(out) {
			return nil, fmt.Errorf("bar %d: %w", bar, r.err)
		}
		out[bar-1] = v
	}
	return out, nil
}

func chWhere(q *peer.ListQuery) string {
	w := fmt.Sprintf("app=%d AND start>=%d AND start<%d", q.AppNo, q.Window.From, q.Window.To)
	if q.Status >= 0 {
		w += fmt.Sprintf(" AND status=%d", q.Status)
	}
	return w
}

// List finds the page in the narrow columns and reads the rows of it only.
func (s *ClickHouse) List(q *peer.ListQuery) (p peer.Page, err error) {
	where := chWhere(q)
	data, err := s.p.query("SELECT toInt64(count()) FROM t.traces FINAL WHERE " + where)
	if err != nil {
		return p, err
	}
	r := chReader{b: data}
	p.Total = r.int64()
	data, err = s.p.query(fmt.Sprintf(`SELECT id, start, head FROM t.traces FINAL WHERE app=%d AND (start, id) IN (
 SELECT start, id FROM t.traces FINAL WHERE %s ORDER BY start DESC, id DESC LIMIT %d OFFSET %d) ORDER BY start DESC, id DESC`,
		q.AppNo, where, q.Limit, q.Offset))
	if err != nil {
		return p, err
	}
	for r = (chReader{b: data}); r.more(); {
		p.Rows = append(p.Rows, peer.Row{ID: string(r.text()), StartUS: r.int64(), Head: r.text()})
	}
	return p, r.err
}

// Trace reads one trace: a bloom filter leaves few granules to look at. The
// newest version is chosen by hand, which is quicker than FINAL here.
func (s *ClickHouse) Trace(_ string, app int32, id string) ([]byte, error) {
	data, err := s.p.query(fmt.Sprintf("SELECT body FROM t.traces WHERE app=%d AND id='%s' ORDER BY version DESC LIMIT 1", app, id))
	if err != nil {
		return nil, err
	}
	r := chReader{b: data}
	text := r.text()
	return text, r.err
}

// Export streams the texts and compresses them.
func (s *ClickHouse) Export(_ string, app int32, limit int, w io.Writer) (peer.Exported, error) {
	sql := fmt.Sprintf("SELECT body FROM t.traces FINAL WHERE app=%d ORDER BY start DESC, id DESC LIMIT %d", app, limit)
	if err := s.p.send(sql, "RowBinary", true); err != nil {
		return peer.Exported{}, err
	}
	pr, pw := io.Pipe()
	go func() {
		for {
			data, err := s.p.receive()
			if len(data) > 0 {
				_, err = pw.Write(data)
			}
			if err != nil || len(data) == 0 {
				_ = pw.CloseWithError(err)
				return
			}
		}
	}()
	in := bufio.NewReaderSize(pr, 1<<20)
	var row bytes.Buffer
	return exportRows(w, false, func() ([]byte, error) {
		n, err := binary.ReadUvarint(in)
		if err != nil {
			return nil, err
		}
		if n > math.MaxInt32 {
			return nil, errors.New("a text that long cannot be")
		}
		row.Reset()
		_, err = io.CopyN(&row, in, int64(n))
		return row.Bytes(), err
	})
}

// PID is the process of ClickHouse.
func (s *ClickHouse) PID() int { return s.p.cmd.Process.Pid }

// Settle merges the parts, as they would be after some hours.
func (s *ClickHouse) Settle() error {
	_, err := s.p.query("OPTIMIZE TABLE t.traces FINAL")
	for range 100 { // parts that were merged go a moment later
		data, err1 := s.p.query("SELECT toInt64(count()) FROM system.parts WHERE database='t' AND NOT active")
		r := chReader{b: data}
		if err1 != nil || r.int64() == 0 {
			return errors.Join(err, err1)
		}
		time.Sleep(200 * time.Millisecond)
	}
	return err
}

// Version is ClickHouse's.
func (s *ClickHouse) Version() string {
	data, err := s.p.query("SELECT version()")
	r := chReader{b: data}
	if err != nil {
		return ""
	}
	return string(r.text())
}

// Close ends the process.
func (s *ClickHouse) Close() error {
	return errors.Join(s.p.close(), os.Remove(filepath.Clean(s.batch)))
}
