-- SQLite as a good user would have it. The texts are zstd blobs made by the
-- application; ids stay text. Hours are since the epoch, times in µs, money in
-- pico-USD.
CREATE TABLE IF NOT EXISTS traces (
  app INTEGER NOT NULL, id TEXT NOT NULL, start INTEGER NOT NULL, status INTEGER NOT NULL,
  dur INTEGER NOT NULL,                    -- -1 while the trace runs
  pt INTEGER NOT NULL, ct INTEGER NOT NULL, tt INTEGER NOT NULL,
  pc INTEGER NOT NULL, cc INTEGER NOT NULL, tc INTEGER NOT NULL,
  unpriced INTEGER NOT NULL, hash INTEGER NOT NULL,
  head BLOB NOT NULL,                      -- the row of the list
  body BLOB NOT NULL                       -- last, so that short reads leave its pages alone
);
CREATE UNIQUE INDEX IF NOT EXISTS by_id ON traces (app, id);
CREATE INDEX IF NOT EXISTS by_start ON traces (app, start DESC, id DESC);
CREATE INDEX IF NOT EXISTS by_status ON traces (app, status, start DESC, id DESC);
-- One row per app and hour, kept in the transaction of the rows; exact totals
-- and charts come from it, less the two ragged hours at the ends.
CREATE TABLE IF NOT EXISTS hours (
  app INTEGER NOT NULL, hour INTEGER NOT NULL,
  n0 INTEGER NOT NULL, n1 INTEGER NOT NULL, n2 INTEGER NOT NULL, n3 INTEGER NOT NULL,
  dur_n INTEGER NOT NULL, dur_sum INTEGER NOT NULL,
  pt INTEGER NOT NULL, ct INTEGER NOT NULL, tt INTEGER NOT NULL,
  pc INTEGER NOT NULL, cc INTEGER NOT NULL, tc INTEGER NOT NULL, unpriced INTEGER NOT NULL,
  PRIMARY KEY (app, hour)
) WITHOUT ROWID;
