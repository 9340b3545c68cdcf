-- DuckDB as a good user would have it: columns for what is asked, the texts as
-- they are, which its own compression packs across rows (zstd, on disk since
-- storage version 1.2). The primary key is what an upsert needs. Tables of this
-- size need no further index: zone maps find a range of start times.
CREATE TABLE IF NOT EXISTS traces (
  app INTEGER NOT NULL, id VARCHAR NOT NULL, start BIGINT NOT NULL, status TINYINT NOT NULL,
  dur BIGINT NOT NULL,
  pt BIGINT NOT NULL, ct BIGINT NOT NULL, tt BIGINT NOT NULL,
  pc BIGINT NOT NULL, cc BIGINT NOT NULL, tc BIGINT NOT NULL,
  unpriced BIGINT NOT NULL, hash BIGINT NOT NULL,
  head VARCHAR USING COMPRESSION zstd NOT NULL,
  body VARCHAR USING COMPRESSION zstd NOT NULL,
  PRIMARY KEY (app, id)
);
CREATE TABLE IF NOT EXISTS hours (
  app INTEGER NOT NULL, hour BIGINT NOT NULL,
  n0 BIGINT NOT NULL, n1 BIGINT NOT NULL, n2 BIGINT NOT NULL, n3 BIGINT NOT NULL,
  dur_n BIGINT NOT NULL, dur_sum BIGINT NOT NULL,
  pt BIGINT NOT NULL, ct BIGINT NOT NULL, tt BIGINT NOT NULL,
  pc BIGINT NOT NULL, cc BIGINT NOT NULL, tc BIGINT NOT NULL, unpriced BIGINT NOT NULL,
  PRIMARY KEY (app, hour)
);
