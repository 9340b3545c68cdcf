-- PostgreSQL as a good user would have it. The texts are zstd made by the
-- application, which is 3x smaller than what the server could do (pglz, lz4).
CREATE TABLE IF NOT EXISTS traces (
  app integer NOT NULL, id text NOT NULL, start bigint NOT NULL, status smallint NOT NULL,
  dur bigint NOT NULL,
  pt bigint NOT NULL, ct bigint NOT NULL, tt bigint NOT NULL,
  pc bigint NOT NULL, cc bigint NOT NULL, tc bigint NOT NULL,
  unpriced bigint NOT NULL, hash bigint NOT NULL,
  head bytea NOT NULL, body bytea NOT NULL,
  PRIMARY KEY (app, id)
);
-- zstd made by the application: what the server would do again is left out.
ALTER TABLE traces ALTER head SET STORAGE EXTERNAL, ALTER body SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS by_start ON traces (app, start DESC, id DESC);
CREATE INDEX IF NOT EXISTS by_status ON traces (app, status, start DESC, id DESC);
-- Rows are changed in place: room for it keeps their index entries.
CREATE TABLE IF NOT EXISTS hours (
  app integer NOT NULL, hour bigint NOT NULL,
  n0 bigint NOT NULL, n1 bigint NOT NULL, n2 bigint NOT NULL, n3 bigint NOT NULL,
  dur_n bigint NOT NULL, dur_sum bigint NOT NULL,
  pt bigint NOT NULL, ct bigint NOT NULL, tt bigint NOT NULL,
  pc bigint NOT NULL, cc bigint NOT NULL, tc bigint NOT NULL, unpriced bigint NOT NULL,
  PRIMARY KEY (app, hour)
) WITH (fillfactor = 50);
