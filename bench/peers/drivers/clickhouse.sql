-- ClickHouse as a good user would have it. ReplacingMergeTree keeps the row
-- with the highest version of equal keys; queries ask with FINAL, because
-- merging happens later. There is no rollup: a materialized view adds a trace
-- again whenever it is sent again, so charts come from the columns.
CREATE DATABASE IF NOT EXISTS t;
CREATE TABLE IF NOT EXISTS t.traces (
  app Int32, id String, start Int64 CODEC(DoubleDelta, ZSTD(1)), status UInt8,
  dur Int64 CODEC(ZSTD(1)),
  pt Int64 CODEC(ZSTD(1)), ct Int64 CODEC(ZSTD(1)), tt Int64 CODEC(ZSTD(1)),
  pc Int64 CODEC(ZSTD(1)), cc Int64 CODEC(ZSTD(1)), tc Int64 CODEC(ZSTD(1)),
  unpriced Int64 CODEC(ZSTD(1)),
  version UInt64 CODEC(ZSTD(1)),
  head String CODEC(ZSTD(1)), body String CODEC(ZSTD(1)),
  INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version) ORDER BY (app, start, id)
-- An insert is answered when its part is on the disk. Large texts: small granules.
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, index_granularity = 512, index_granularity_bytes = 1048576, old_parts_lifetime = 1
