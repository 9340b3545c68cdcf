package drivers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tracebed/tracebed/bench/peers/peer"
)

// sqlReader asks a store with the tables traces and hours through database/sql,
// with prepared statements.
type sqlReader struct {
	conn                                *sql.Conn
	bars, edge                          *sql.Stmt
	page, pageStatus, get, export       *sql.Stmt
	total, totalEdge, totalEdgeByStatus *sql.Stmt
	// plain: the texts are stored as they are.
	plain bool
	// dollars: parameters are $1, $2, …
	dollars bool
	cast    string // around sums, to get 64-bit integers
}

func (s *sqlReader) sum(column string) string {
	if s.cast == "" {
		return "sum(" + column + ")"
	}
	return "CAST(sum(" + column + ") AS " + s.cast + ")"
}

// prepare takes the expression of the number of a bar: hours from the span's
// origin, by its width.
func (s *sqlReader) prepare(ctx context.Context, bar string) (err error) {
	prepare := func(text string) *sql.Stmt {
		if err != nil {
			return nil
		}
		if s.dollars {
			text = numbered(text)
		}
		var st *sql.Stmt
		st, err = s.conn.PrepareContext(ctx, text)
		return st
	}
	var sums []string
	for _, c := range sumColumns {
		sums = append(sums, s.sum(c))
	}
	s.bars = prepare(`SELECT ` + bar + ` AS bar, ` + strings.Join(sums, ",") + ` FROM hours WHERE app=? AND hour>=? AND hour<? GROUP BY 1`)
	s.edge = prepare(`SELECT start, status, dur, pt, ct, tt, pc, cc, tc, unpriced FROM traces WHERE app=? AND start>=? AND start<?`)
	const order = ` ORDER BY start DESC, id DESC LIMIT ? OFFSET ?`
	s.page = prepare(`SELECT id, start, head FROM traces WHERE app=? AND start>=? AND start<?` + order)
	s.pageStatus = prepare(`SELECT id, start, head FROM traces WHERE app=? AND status=? AND start>=? AND start<?` + order)
	s.total = prepare(`SELECT ` + s.sum("n0") + `,` + s.sum("n1") + `,` + s.sum("n2") + `,` + s.sum("n3") + ` FROM hours WHERE app=? AND hour>=? AND hour<?`)
	s.totalEdge = prepare(`SELECT count(*) FROM traces WHERE app=? AND start>=? AND start<?`)
	s.totalEdgeByStatus = prepare(`SELECT count(*) FROM traces WHERE app=? AND status=? AND start>=? AND start<?`)
	s.get = prepare(`SELECT body FROM traces WHERE app=? AND id=?`)
	s.export = prepare(`SELECT body FROM traces WHERE app=? ORDER BY start DESC, id DESC LIMIT ?`)
	return err
}

// Metrics adds the rollup of the whole hours and the rows of the ragged ones.
func (s *sqlReader) Metrics(q *peer.MetricsQuery) ([]peer.Sums, error) {
	out := make([]peer.Sums, len(q.Bounds)-1)
	for _, sp := range q.Spans {
		rows, err := s.bars.Query(sp.Origin, sp.Width, q.AppNo, sp.From, sp.To)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var bar int
			var v peer.Sums
			to := []any{&bar}
			for _, c := range v.Columns() {
				to = append(to, c)
			}
			if err := rows.Scan(to...); err != nil {
				return nil, err
			}
			out[sp.First+bar].Add(&v, 1)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	for _, w := range peer.Edges(q.Window) {
		if err := s.addEdge(q, w, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *sqlReader) addEdge(q *peer.MetricsQuery, w peer.Window, out []peer.Sums) error {
	rows, err := s.edge.Query(q.AppNo, w.From, w.To)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r peer.Rec
		if err := rows.Scan(&r.StartUS, &r.Status, &r.DurUS, &r.Tokens[0], &r.Tokens[1], &r.Tokens[2],
			&r.Cost[0], &r.Cost[1], &r.Cost[2], &r.Unpriced); err != nil {
			return err
		}
		v := r.Sums()
		out[q.Bar(r.StartUS)].Add(&v, 1)
	}
	return rows.Err()
}

// List reads a page by an index and takes the total from the rollup.
func (s *sqlReader) List(q *peer.ListQuery) (p peer.Page, err error) {
	if p.Total, err = s.count(q); err != nil {
		return p, err
	}
	var rows *sql.Rows
	if q.Status >= 0 {
		rows, err = s.pageStatus.Query(q.AppNo, q.Status, q.Window.From, q.Window.To, q.Limit, q.Offset)
	} else {
		rows, err = s.page.Query(q.AppNo, q.Window.From, q.Window.To, q.Limit, q.Offset)
	}
	if err != nil {
		return p, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r peer.Row
		if err := rows.Scan(&r.ID, &r.StartUS, &r.Head); err != nil {
			return p, err
		}
		if !s.plain {
			if r.Head, err = decoder().DecodeAll(r.Head, nil); err != nil {
				return p, err
			}
		}
		p.Rows = append(p.Rows, r)
	}
	return p, rows.Err()
}

func (s *sqlReader) count(q *peer.ListQuery) (total int64, err error) {
	if lo, hi := peer.WholeHours(q.Window); lo < hi {
		var n [4]sql.NullInt64
		if err := s.total.QueryRow(q.AppNo, lo, hi).Scan(&n[0], &n[1], &n[2], &n[3]); err != nil {
			return 0, err
		}
		for i := range n {
			if q.Status < 0 || q.Status == i {
				total += n[i].Int64
			}
		}
	}
	for _, w := range peer.Edges(q.Window) {
		var n int64
		row := s.totalEdge
		args := []any{q.AppNo, w.From, w.To}
		if q.Status >= 0 {
			row, args = s.totalEdgeByStatus, []any{q.AppNo, q.Status, w.From, w.To}
		}
		if err := row.QueryRow(args...).Scan(&n); err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// Trace reads one trace.
func (s *sqlReader) Trace(_ string, app int32, id string) ([]byte, error) {
	var body []byte
	if err := s.get.QueryRow(app, id).Scan(&body); err != nil {
		return nil, fmt.Errorf("trace %s: %w", id, err)
	}
	if s.plain {
		return body, nil
	}
	return decoder().DecodeAll(body, nil)
}

// Export decodes the stored texts and compresses them again.
func (s *sqlReader) Export(_ string, app int32, limit int, w io.Writer) (peer.Exported, error) {
	rows, err := s.export.Query(app, limit)
	if err != nil {
		return peer.Exported{}, err
	}
	defer func() { _ = rows.Close() }()
	return exportRows(w, !s.plain, func() ([]byte, error) {
		if !rows.Next() {
			if err := rows.Err(); err != nil {
				return nil, err
			}
			return nil, io.EOF
		}
		var body sql.RawBytes
		err := rows.Scan(&body)
		return body, err
	})
}
