package drivers

import (
	"context"
	"database/sql"
	"database/sql/driver"
	_ "embed" // the schema
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tracebed/tracebed/bench/peers/peer"
)

//go:embed duckdb.sql
var duckSchema string

// DuckDB is one connection that writes and one that reads. A commit waits for
// fsync of its log, which is what DuckDB always does.
type DuckDB struct {
	sqlReader
	db    *sql.DB
	write sync.Mutex
	w     *sql.Conn
	known *sql.Stmt
}

// OpenDuckDB opens the database with the newest storage format.
func OpenDuckDB(dir string) (peer.Driver, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	s := &DuckDB{db: db, sqlReader: sqlReader{plain: true, cast: "BIGINT"}}
	if s.w, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	attach := fmt.Sprintf("ATTACH '%s' AS t (STORAGE_VERSION 'latest')", filepath.Join(dir, "traces.duckdb"))
	// A checkpoint at 256 MB of log instead of 16 MB: rows are rewritten less often.
	for _, text := range []string{attach, "USE t", "SET checkpoint_threshold='256MB'", "SET memory_limit='4GB'", duckSchema,
		"CREATE TEMP TABLE stage AS SELECT * FROM t.traces LIMIT 0"} {
		if _, err := s.w.ExecContext(ctx, text); err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
	}
	if s.sqlReader.conn, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	if _, err := s.sqlReader.conn.ExecContext(ctx, "USE t"); err != nil {
		return nil, err
	}
	if s.known, err = s.w.PrepareContext(ctx, `SELECT id, start, dur, hash, status, pt, ct, tt, pc, cc, tc, unpriced FROM traces
		WHERE app=? AND id IN (SELECT id FROM temp.stage)`); err != nil {
		return nil, err
	}
	return s, s.sqlReader.prepare(ctx, `(hour-?)//?`)
}

// Prepare has nothing to do.
func (s *DuckDB) Prepare(batch []peer.Rec) (peer.Work, error) {
	return func() error {
		s.write.Lock()
		defer s.write.Unlock()
		tx, err := s.w.BeginTx(context.Background(), nil)
		if err != nil {
			return err
		}
		if err := s.store(tx, batch); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	}, nil
}

// store puts the batch into a temporary table with the appender, DuckDB's
// quickest way in, and moves it on from there.
func (s *DuckDB) store(tx *sql.Tx, batch []peer.Rec) error {
	if err := s.stage(batch); err != nil {
		return err
	}
	known, err := s.find(tx, batch[0].AppNo)
	if err != nil {
		return err
	}
	d := deltas{}
	for i := range batch {
		r := &batch[i]
		k, ok := known[r.ID]
		if ok && !k.replaces(r) {
			if _, err := tx.Exec(`DELETE FROM temp.stage WHERE id=?`, r.ID); err != nil {
				return err
			}
			continue
		}
		if ok {
			d.add(r.AppNo, k.start, k.sums(), -1)
		}
		d.add(r.AppNo, r.StartUS, r.Sums(), 1)
	}
	if len(known) == 0 {
		_, err = tx.Exec(`INSERT INTO traces SELECT * FROM temp.stage`)
	} else {
		_, err = tx.Exec(`INSERT OR REPLACE INTO traces SELECT * FROM temp.stage`)
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`TRUNCATE temp.stage`); err != nil {
		return err
	}
	return addHours(tx, d)
}

func (s *DuckDB) stage(batch []peer.Rec) error {
	return s.w.Raw(func(c any) error {
		a, err := duckdb.NewAppender(c.(driver.Conn), "temp", "main", "stage")
		if err != nil {
			return err
		}
		for i := range batch {
			r := &batch[i]
			if err := a.AppendRow(r.AppNo, r.ID, r.StartUS, int8(r.Status), r.DurUS, r.Tokens[0], r.Tokens[1], r.Tokens[2],
				r.Cost[0], r.Cost[1], r.Cost[2], r.Unpriced, r.Hash, string(r.Head), string(r.Full)); err != nil {
				return errors.Join(err, a.Close())
			}
		}
		return a.Close()
	})
}

func (s *DuckDB) find(tx *sql.Tx, app int32) (map[string]*known, error) {
	rows, err := tx.Stmt(s.known).Query(app)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	found := map[string]*known{}
	for rows.Next() {
		var id string
		var k known
		if err := rows.Scan(&id, &k.start, &k.dur, &k.hash, &k.status, &k.tokens[0], &k.tokens[1], &k.tokens[2],
			&k.cost[0], &k.cost[1], &k.cost[2], &k.unpriced); err != nil {
			return nil, err
		}
		found[id] = &k
	}
	return found, rows.Err()
}

// addHours upserts the rows of the rollup in one statement.
func addHours(tx *sql.Tx, d deltas) error {
	if len(d) == 0 {
		return nil
	}
	var values []string
	var args []any
	for k, v := range d {
		values = append(values, "("+strings.Repeat("?,", 14)+"?)")
		args = append(args, k.app, k.hour)
		for _, c := range v.Columns() {
			args = append(args, *c)
		}
	}
	_, err := tx.Exec(`INSERT INTO hours VALUES `+strings.Join(values, ",")+` ON CONFLICT (app, hour) DO UPDATE SET `+addExcluded("hours."), args...)
	return err
}

// Settle writes the log into the database.
func (s *DuckDB) Settle() error {
	_, err := s.w.ExecContext(context.Background(), "CHECKPOINT t")
	return err
}

// Version is DuckDB's.
func (s *DuckDB) Version() (v string) {
	_ = s.db.QueryRowContext(context.Background(), "SELECT version()").Scan(&v)
	return v
}

// Close closes the database.
func (s *DuckDB) Close() error {
	_, err := s.w.ExecContext(context.Background(), "USE memory; DETACH t")
	return errors.Join(err, s.w.Close(), s.sqlReader.conn.Close(), s.db.Close())
}
