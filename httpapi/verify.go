package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tracebed/tracebed/engine"
)

// verifySetting is where the outcome of the last check of a store is kept.
const verifySetting = "verify/last"

// maxShown bounds the differences in an answer.
const maxShown = 100

// verified is the outcome of a check.
type verified struct {
	At          time.Time `json:"at"`
	DurationMS  int64     `json:"duration_ms"`
	Apps        int64     `json:"apps"`
	Traces      int64     `json:"traces"`
	Runs        int64     `json:"runs"`
	Differences int       `json:"difference_count"`
}

// verifier runs one check at a time and remembers the last.
type verifier struct {
	running sync.Mutex
	last    atomic.Pointer[verified] // nil: never
}

// load reads the last outcome; a store without one, or with one that cannot be
// read, was never checked.
func (v *verifier) load(ctx context.Context, store engine.API) {
	raw, err := store.Setting(ctx, verifySetting)
	if err != nil {
		return
	}
	var last verified
	if json.Unmarshal(raw, &last) == nil {
		v.last.Store(&last)
	}
}

// errVerifying says that a check is running.
var errVerifying = errors.New("a check is running")

// verify recomputes everything of the store, which goes on taking writes.
func (s *Server) verify(ctx context.Context) (out verified, differences []string, err error) {
	if !s.verifier.running.TryLock() {
		return out, nil, errVerifying
	}
	defer s.verifier.running.Unlock()
	began := s.opt.Now()
	rep, err := s.store.Verify(ctx)
	if err != nil {
		return out, nil, err
	}
	out = verified{At: began.UTC(), DurationMS: s.opt.Now().Sub(began).Milliseconds(),
		Apps: rep.Apps, Traces: rep.Traces, Runs: rep.Runs, Differences: len(rep.Differences)}
	s.verifier.last.Store(&out)
	raw, err := json.Marshal(out)
	if err == nil {
		err = s.store.PutSetting(ctx, verifySetting, raw)
	}
	if err != nil { // a store that takes no writes can be checked all the same
		s.log.Warn("the outcome of the check is not kept", "error", err)
	}
	if out.Differences > 0 {
		s.log.Error("the check found differences; take a backup of what is there and run tracebed verify", "differences", out.Differences)
	}
	return out, rep.Differences, nil
}

// verifyNow answers POST /v1/verify.
func (c *call) verifyNow() error {
	out, differences, err := c.srv.verify(c.srv.base)
	if errors.Is(err, errVerifying) {
		return unavailable("another check is running; its outcome is on /metrics when it ends", 30)
	}
	if err != nil {
		return err
	}
	c.audit("store verified", "differences", out.Differences)
	shown := append([]string{}, differences[:min(len(differences), maxShown)]...) // never null
	j, err := json.Marshal(struct {
		verified
		Shown []string `json:"differences"`
	}{out, shown})
	if err != nil {
		return err
	}
	c.data(j)
	return nil
}

// verifyEvery checks the store again and again until the server stops.
func (s *Server) verifyEvery(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-s.base.Done():
			return
		}
		_, _, err := s.verify(s.base)
		if err != nil && !errors.Is(err, errVerifying) && s.base.Err() == nil {
			s.log.Error("the check of the store could not be done", "error", err)
		}
	}
}
