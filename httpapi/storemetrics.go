package httpapi

// storeMetrics are the engine's own.
func (s *Server) storeMetrics(p *promText) {
	ready := 0.0
	if s.store.Ready() == nil {
		ready = 1
	}
	st := s.store.Stats()
	p.single("tracebed_store_ready", "gauge", "1 while the store takes writes.", ready)
	for _, m := range []struct {
		name, kind, help string
		v                float64
	}{
		{"seq", "counter", "Last applied operation.", float64(st.Seq)},
		{"batches_total", "counter", "Committed batches.", float64(st.Batches)},
		{"ops_total", "counter", "Operations in committed batches.", float64(st.Ops)},
		{"queue_ops", "gauge", "Operations waiting to be committed.", float64(st.QueueOps)},
		{"queue_bytes", "gauge", "Bytes waiting to be committed.", float64(st.QueueBytes)},
		{"disk_bytes", "gauge", "Bytes on disk.", float64(st.DiskBytes)},
		{"memtable_bytes", "gauge", "Bytes in memtables.", float64(st.MemtableBytes)},
		{"block_cache_bytes", "gauge", "Bytes in the block cache.", float64(st.BlockCacheBytes)},
		{"compaction_debt_bytes", "gauge", "Bytes that wait to be compacted.", float64(st.CompactionDebtBytes)},
		{"l0_files", "gauge", "Files in level 0.", float64(st.L0Files)},
		{"l0_sublevels", "gauge", "Sublevels of level 0.", float64(st.L0Sublevels)},
		{"wal_bytes", "gauge", "Bytes in the write-ahead log.", float64(st.WALBytes)},
		{"state_bytes", "gauge", "Decoded indexes and buckets in memory.", float64(st.StateBytes)},
		{"corruptions_total", "counter", "Damaged blocks found.", float64(st.Corruptions)},
		{"checkpoints_total", "counter", "Checkpoints of indexes and buckets.", float64(st.Checkpoints)},
		{"rebuilt_units_total", "counter", "Index units rebuilt from rows.", float64(st.RebuiltUnits)},
		{"write_stalls_total", "counter", "Times that writes waited for the disk.", float64(st.WriteStalls)},
		{"noop_runs_total", "counter", "Runs that changed nothing.", float64(st.NoopRuns)},
		{"write_stall_seconds_total", "counter", "Time that writes waited for the disk.", st.StallTime.Seconds()},
		{"background_errors_total", "counter", "Failed flushes and compactions, which are retried.", float64(st.BackgroundErrors)},
		{"disk_free_bytes", "gauge", "Bytes free on the filesystem of the data directory.", float64(st.DiskFree)},
		{"disk_floor_bytes", "gauge", "Bytes kept free: with less, new data is refused.", float64(st.DiskFloor)},
		{"disk_total_bytes", "gauge", "Size of that filesystem.", float64(st.DiskTotal)},
	} {
		p.single("tracebed_store_"+m.name, m.kind, m.help, m.v)
	}
	perDay := s.growth.perDay(s.opt.Now(), st.DiskBytes)
	p.single("tracebed_store_growth_bytes_per_day", "gauge", "Growth at the rate of the last day; 0 in the first half hour.", perDay)
	p.single("tracebed_store_days_left", "gauge", "Days until new data is refused at that rate.", daysLeft(st.DiskFree-min(st.DiskFree, st.DiskFloor), perDay))
	p.histogram("tracebed_store_fsync_seconds", "Time that a sync of the log takes.", st.Fsync)
	last := ""
	for _, v := range st.Pebble {
		name, kind := "tracebed_pebble_"+v.Name, "gauge"
		if v.Counter {
			kind = "counter"
		}
		if name != last {
			p.head(name, kind, v.Help)
			last = name
		}
		if v.Level == "" {
			p.value(name, v.Value)
		} else {
			p.value(name, v.Value, "level", v.Level)
		}
	}
}

// upkeepMetrics are of backups and checks.
func (s *Server) upkeepMetrics(p *promText) {
	p.single("tracebed_backups_total", "counter", "Backups that were taken whole.", float64(s.stats.backups.Load()))
	p.single("tracebed_backup_last_timestamp_seconds", "gauge", "Begin of the last of them since this start; 0 = none.", float64(s.stats.lastBackup.Load()))
	var v verified
	at := 0.0
	if last := s.verifier.last.Load(); last != nil {
		v, at = *last, float64(last.At.Unix())
	}
	p.single("tracebed_verify_last_timestamp_seconds", "gauge", "Begin of the last check of the store; 0 = never.", at)
	p.single("tracebed_verify_last_duration_seconds", "gauge", "How long it took.", float64(v.DurationMS)/1000)
	p.single("tracebed_verify_last_differences", "gauge", "Differences that it found.", float64(v.Differences))
}
