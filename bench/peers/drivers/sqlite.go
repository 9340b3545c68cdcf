package drivers

import (
	"context"
	"database/sql"
	_ "embed" // the schema
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
	_ "modernc.org/sqlite"          // the driver "sqlite"

	"github.com/tracebed/tracebed/bench/peers/peer"
)

//go:embed sqlite.sql
var sqliteSchema string

// sqlitePragmas, besides the page size, which must come first. FULL waits for
// fsync at every commit. The log may grow to 64 MB between checkpoints, which
// writes each page of an index less often.
var sqlitePragmas = []string{
	"journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "temp_store=MEMORY",
	"wal_autocheckpoint=8000", "mmap_size=1073741824",
}

// sqlitePageSize: 8 KB pages waste less behind the blobs than 4 KB ones.
const sqlitePageSize = 8192

// SQLite is one connection that writes and one that reads.
type SQLite struct {
	sqlReader
	db    *sql.DB
	write sync.Mutex
	w     *sql.Conn

	insert, find, update, upsertHour *sql.Stmt
}

// OpenSQLite opens the C library; OpenSQLitePure is its translation to Go.
func OpenSQLite(dir string) (peer.Driver, error) { return openSQLite("sqlite3", dir) }

// OpenSQLitePure opens the store without cgo.
func OpenSQLitePure(dir string) (peer.Driver, error) { return openSQLite("sqlite", dir) }

func openSQLite(driver, dir string) (peer.Driver, error) {
	db, err := sql.Open(driver, filepath.Join(dir, "traces.db"))
	if err != nil {
		return nil, err
	}
	s := &SQLite{db: db}
	ctx := context.Background()
	conn := func(extra ...string) (*sql.Conn, error) {
		c, err := db.Conn(ctx)
		for _, p := range append([]string{fmt.Sprintf("page_size=%d", sqlitePageSize)}, append(sqlitePragmas, extra...)...) {
			if err == nil {
				_, err = c.ExecContext(ctx, "PRAGMA "+p)
			}
		}
		return c, err
	}
	if s.w, err = conn(); err != nil {
		return nil, err
	}
	if _, err := s.w.ExecContext(ctx, sqliteSchema); err != nil {
		return nil, err
	}
	if err := s.prepareWrites(ctx); err != nil {
		return nil, err
	}
	if s.sqlReader.conn, err = conn("query_only=1"); err != nil {
		return nil, err
	}
	return s, s.sqlReader.prepare(ctx, `(hour-?)/?`)
}

func (s *SQLite) prepareWrites(ctx context.Context) (err error) {
	prepare := func(text string) *sql.Stmt {
		if err != nil {
			return nil
		}
		var st *sql.Stmt
		st, err = s.w.PrepareContext(ctx, text)
		return st
	}
	s.insert = prepare(`INSERT INTO traces VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`)
	s.find = prepare(`SELECT start, dur, hash, status, pt, ct, tt, pc, cc, tc, unpriced FROM traces WHERE app=? AND id=?`)
	s.update = prepare(`UPDATE traces SET start=?, status=?, dur=?, pt=?, ct=?, tt=?, pc=?, cc=?, tc=?, unpriced=?, hash=?, head=?, body=? WHERE app=? AND id=?`)
	s.upsertHour = prepare(`INSERT INTO hours VALUES (` + strings.Repeat("?,", 14) + `?) ON CONFLICT DO UPDATE SET ` + addExcluded("hours."))
	return err
}

// sumColumns are the columns of the table hours, in the order of Sums.Columns.
var sumColumns = []string{"n0", "n1", "n2", "n3", "dur_n", "dur_sum", "pt", "ct", "tt", "pc", "cc", "tc", "unpriced"}

func addExcluded(prefix string) string {
	var set []string
	for _, c := range sumColumns {
		set = append(set, fmt.Sprintf("%s=%s%s+excluded.%s", c, prefix, c, c))
	}
	return strings.Join(set, ",")
}

// Prepare has nothing to do: facts and texts are at hand.
func (s *SQLite) Prepare(batch []peer.Rec) (peer.Work, error) {
	return func() error {
		p := pack(batch) // beside the transaction of another goroutine
		s.write.Lock()
		defer s.write.Unlock()
		tx, err := s.w.BeginTx(context.Background(), nil)
		if err != nil {
			return err
		}
		if err := s.store(tx, batch, &p); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	}, nil
}

func (s *SQLite) store(tx *sql.Tx, batch []peer.Rec, p *packed) error {
	d := deltas{}
	insert := tx.Stmt(s.insert)
	for i := range batch {
		r := &batch[i]
		res, err := insert.Exec(r.AppNo, r.ID, r.StartUS, r.Status, r.DurUS, r.Tokens[0], r.Tokens[1], r.Tokens[2],
			r.Cost[0], r.Cost[1], r.Cost[2], r.Unpriced, r.Hash, p.head[i], p.body[i])
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			if err := s.replace(tx, r, p.head[i], p.body[i], d); err != nil {
				return err
			}
			continue
		}
		d.add(r.AppNo, r.StartUS, r.Sums(), 1)
	}
	upsert := tx.Stmt(s.upsertHour)
	for k, v := range d {
		args := []any{k.app, k.hour}
		for _, c := range v.Columns() {
			args = append(args, *c)
		}
		if _, err := upsert.Exec(args...); err != nil {
			return err
		}
	}
	return nil
}

// replace handles a trace that is there already.
func (s *SQLite) replace(tx *sql.Tx, r *peer.Rec, head, body []byte, d deltas) error {
	var k known
	if err := tx.Stmt(s.find).QueryRow(r.AppNo, r.ID).Scan(&k.start, &k.dur, &k.hash, &k.status,
		&k.tokens[0], &k.tokens[1], &k.tokens[2], &k.cost[0], &k.cost[1], &k.cost[2], &k.unpriced); err != nil {
		return err
	}
	if !k.replaces(r) {
		return nil
	}
	d.add(r.AppNo, k.start, k.sums(), -1)
	d.add(r.AppNo, r.StartUS, r.Sums(), 1)
	_, err := tx.Stmt(s.update).Exec(r.StartUS, r.Status, r.DurUS, r.Tokens[0], r.Tokens[1], r.Tokens[2],
		r.Cost[0], r.Cost[1], r.Cost[2], r.Unpriced, r.Hash, head, body, r.AppNo, r.ID)
	return err
}

// Settle writes the log into the database.
func (s *SQLite) Settle() error {
	_, err := s.w.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// Version is SQLite's.
func (s *SQLite) Version() (v string) {
	_ = s.db.QueryRowContext(context.Background(), "SELECT sqlite_version()").Scan(&v)
	return v
}

// Close closes the database.
func (s *SQLite) Close() error { return s.db.Close() }
