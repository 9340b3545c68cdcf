package drivers

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	_ "embed" // the schema
	"errors"
	"fmt"
	"slices"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tracebed/tracebed/bench/peers/peer"
)

//go:embed postgres.sql
var pgSchema string

// Postgres is a server on a socket; writers have connections of their own.
type Postgres struct {
	sqlReader
	server *pgServer
	pool   *pgxpool.Pool
	db     *sql.DB
}

// OpenPostgres starts a server in dir.
func OpenPostgres(dir string) (peer.Driver, error) {
	ctx := context.Background()
	server, err := startPG(ctx, dir)
	if err != nil {
		return nil, err
	}
	dsn := fmt.Sprintf("host=%s user=bench dbname=postgres sslmode=disable", server.socket)
	s := &Postgres{server: server, sqlReader: sqlReader{cast: "bigint"}}
	if s.pool, err = pgxpool.New(ctx, dsn); err != nil {
		return nil, errors.Join(err, server.stop())
	}
	for _, text := range strings.Split(pgSchema, ";\n") {
		if _, err := s.pool.Exec(ctx, text); err != nil {
			s.pool.Close()
			return nil, errors.Join(err, server.stop())
		}
	}
	if s.db, err = sql.Open("pgx", dsn); err != nil {
		return nil, err
	}
	if s.sqlReader.conn, err = s.db.Conn(ctx); err != nil {
		return nil, err
	}
	s.sqlReader.dollars = true
	return s, s.sqlReader.prepare(ctx, `(hour-?::bigint)/?::bigint`)
}

// Prepare has nothing to do.
func (s *Postgres) Prepare(batch []peer.Rec) (peer.Work, error) {
	return func() error {
		ctx := context.Background()
		p := pack(batch)
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return s.store(ctx, tx, batch, &p) })
	}, nil
}

const pgInsert = `INSERT INTO traces SELECT $1::int, * FROM unnest($2::text[], $3::bigint[], $4::smallint[], $5::bigint[],
 $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bytea[], $15::bytea[])
 ON CONFLICT DO NOTHING RETURNING id`

const pgFind = `SELECT id, start, dur, hash, status, pt, ct, tt, pc, cc, tc, unpriced FROM traces WHERE app=$1 AND id=ANY($2) ORDER BY id FOR UPDATE`

const pgUpdate = `UPDATE traces SET start=$3, status=$4, dur=$5, pt=$6, ct=$7, tt=$8, pc=$9, cc=$10, tc=$11, unpriced=$12, hash=$13, head=$14, body=$15 WHERE app=$1 AND id=$2`

// store inserts all rows at once; those that were there already are compared
// and updated.
func (s *Postgres) store(ctx context.Context, tx pgx.Tx, batch []peer.Rec, p *packed) error {
	columns := make([][]int64, 10)
	ids, status := make([]string, len(batch)), make([]int16, len(batch))
	at := map[string]int{}
	for i := range batch {
		r := &batch[i]
		ids[i], status[i], at[r.ID] = r.ID, int16(r.Status), i
		for k, v := range []int64{r.StartUS, r.DurUS, r.Tokens[0], r.Tokens[1], r.Tokens[2], r.Cost[0], r.Cost[1], r.Cost[2], r.Unpriced, r.Hash} {
			columns[k] = append(columns[k], v)
		}
	}
	rows, err := tx.Query(ctx, pgInsert, batch[0].AppNo, ids, columns[0], status, columns[1], columns[2], columns[3], columns[4],
		columns[5], columns[6], columns[7], columns[8], columns[9], p.head, p.body)
	if err != nil {
		return err
	}
	inserted, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	d := deltas{}
	for _, id := range inserted {
		r := &batch[at[id]]
		d.add(r.AppNo, r.StartUS, r.Sums(), 1)
		delete(at, id)
	}
	if len(at) > 0 {
		if err := s.replace(ctx, tx, batch, at, p, d); err != nil {
			return err
		}
	}
	return s.addHours(ctx, tx, d)
}

// replace handles the traces in at, which are there already.
func (s *Postgres) replace(ctx context.Context, tx pgx.Tx, batch []peer.Rec, at map[string]int, p *packed, d deltas) error {
	ids := make([]string, 0, len(at))
	for id := range at {
		ids = append(ids, id)
	}
	rows, err := tx.Query(ctx, pgFind, batch[0].AppNo, ids)
	if err != nil {
		return err
	}
	var updates pgx.Batch
	for rows.Next() {
		var id string
		var k known
		if err := rows.Scan(&id, &k.start, &k.dur, &k.hash, &k.status, &k.tokens[0], &k.tokens[1], &k.tokens[2],
			&k.cost[0], &k.cost[1], &k.cost[2], &k.unpriced); err != nil {
			return err
		}
		i := at[id]
		r := &batch[i]
		if !k.replaces(r) {
			continue
		}
		d.add(r.AppNo, k.start, k.sums(), -1)
		d.add(r.AppNo, r.StartUS, r.Sums(), 1)
		updates.Queue(pgUpdate, r.AppNo, r.ID, r.StartUS, int16(r.Status), r.DurUS, r.Tokens[0], r.Tokens[1], r.Tokens[2],
			r.Cost[0], r.Cost[1], r.Cost[2], r.Unpriced, r.Hash, p.head[i], p.body[i])
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if updates.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &updates).Close()
}

const pgHours = `INSERT INTO hours SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
 $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[]) ON CONFLICT (app, hour) DO UPDATE SET `

// addHours upserts the rollup in the order of its key, so that two writers
// cannot wait for each other.
func (s *Postgres) addHours(ctx context.Context, tx pgx.Tx, d deltas) error {
	if len(d) == 0 {
		return nil
	}
	keys := make([]hourKey, 0, len(d))
	for k := range d {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b hourKey) int { return cmp.Or(cmp.Compare(a.app, b.app), cmp.Compare(a.hour, b.hour)) })
	apps, columns := make([]int32, len(keys)), make([][]int64, 14)
	for i, k := range keys {
		apps[i] = k.app
		columns[0] = append(columns[0], k.hour)
		for j, c := range d[k].Columns() {
			columns[1+j] = append(columns[1+j], *c)
		}
	}
	args := []any{apps}
	for _, c := range columns {
		args = append(args, c)
	}
	_, err := tx.Exec(ctx, pgHours+addExcluded("hours."), args...)
	return err
}

// PID is the server's.
func (s *Postgres) PID() int { return s.server.cmd.Process.Pid }

// Settle frees dead rows and writes everything into the tables.
func (s *Postgres) Settle() error {
	ctx := context.Background()
	_, err := s.pool.Exec(ctx, "VACUUM (ANALYZE) traces")
	_, err1 := s.pool.Exec(ctx, "CHECKPOINT")
	return errors.Join(err, err1)
}

// Version is the server's.
func (s *Postgres) Version() string {
	var v string
	_ = s.pool.QueryRow(context.Background(), "SHOW server_version").Scan(&v)
	v, _, _ = strings.Cut(v, " ")
	return v
}

// Close stops the server.
func (s *Postgres) Close() error {
	err := errors.Join(s.sqlReader.conn.Close(), s.db.Close())
	s.pool.Close()
	return errors.Join(err, s.server.stop())
}

// numbered replaces each ? of a statement by $1, $2, …
func numbered(text string) string {
	var b bytes.Buffer
	n := 0
	for _, r := range text {
		if r == '?' {
			n++
			fmt.Fprintf(&b, "$%d", n)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
