package engine

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestApps(t *testing.T) {
	e, _ := newEngine(t, nil)
	if apps, err := e.Apps(bg); err != nil || len(apps) != 0 {
		t.Fatalf("fresh: %v, %v", apps, err)
	}
	names := []string{"zebra", "a/b", "ünï", strings.Repeat("n", 256), "a"}
	for i, name := range names {
		ingest(t, e, name, oneRun("t", epoch.Add(time.Duration(i)*time.Hour)), oneRun("u", epoch.Add(100*time.Hour)))
	}
	apps, err := e.Apps(bg)
	if err != nil || len(apps) != len(names) {
		t.Fatalf("%v, %v", apps, err)
	}
	for i, a := range apps {
		if i > 0 && apps[i-1].ID >= a.ID {
			t.Errorf("%q stands behind %q", a.ID, apps[i-1].ID)
		}
		if a.TraceCount != 2 || !a.LastStart.Equal(epoch.Add(100*time.Hour)) || a.FirstStart.After(epoch.Add(5*time.Hour)) {
			t.Errorf("%+v", a)
		}
	}
	if _, err := e.App(bg, "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such app: %v", err)
	}
	if err := e.DeleteTrace(bg, "a", "t"); err != nil {
		t.Fatal(err)
	}
	if err := e.DeleteTrace(bg, "a", "u"); err != nil {
		t.Fatal(err)
	}
	if a, err := e.App(bg, "a"); err != nil || a.TraceCount != 0 || !a.FirstStart.IsZero() || !a.LastStart.IsZero() {
		t.Errorf("an app without traces: %+v, %v", a, err)
	}
	verifyClean(t, e)
}

// TestDeleteApp: nothing of it is left, and one of the same name starts anew.
func TestDeleteApp(t *testing.T) {
	e, _ := newEngine(t, nil)
	for i := range 50 {
		ingest(t, e, "gone", oneRun(fmt.Sprint("t", i), epoch.Add(time.Duration(i)*time.Hour)))
		ingest(t, e, "kept", oneRun(fmt.Sprint("t", i), epoch.Add(time.Duration(i)*time.Hour)))
	}
	ingest(t, e, "gone", testRun{trace: "o", id: "x", parent: "missing", start: epoch, dur: time.Second})
	number := e.appNamed("gone").id
	if err := e.DeleteApp(bg, "gone"); err != nil {
		t.Fatal(err)
	}
	if err := e.DeleteApp(bg, "gone"); !errors.Is(err, ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
	if _, err := e.List(bg, "gone", ListQuery{Page: 1, PageSize: 1}); !errors.Is(err, ErrNotFound) {
		t.Errorf("its list: %v", err)
	}
	ingest(t, e, "gone", oneRun("t0", epoch))
	if ids := listIDs(t, e, "gone", ListQuery{}); len(ids) != 1 {
		t.Errorf("anew: %v", ids)
	}
	if ids := listIDs(t, e, "kept", ListQuery{}); len(ids) != 50 {
		t.Errorf("its neighbour: %d", len(ids))
	}
	verifyClean(t, e)
	fs := e.opts.FS
	mustClose(t, e)
	for k := range dumpStore(t, fs, "data") {
		app := reader{b: []byte(k)[1:]}
		if k[0] == prefixBody {
			app.take(4)
		}
		if k[0] != prefixMeta && k[0] != prefixSetting && app.uint32() == number {
			t.Errorf("key %c %x is left", k[0], k[1:])
		}
	}
}

// TestCreateTogether: many first writers make one app.
func TestCreateTogether(t *testing.T) {
	e, _ := newEngine(t, nil)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if _, err := e.Ingest(bg, "app", parseRuns(panicker{}, oneRun(fmt.Sprint("t", i), epoch))); err != nil {
				t.Errorf("ingest: %v", err)
			}
		})
	}
	wg.Wait()
	if apps, err := e.Apps(bg); err != nil || len(apps) != 1 || apps[0].TraceCount != 16 {
		t.Errorf("%+v, %v", apps, err)
	}
}
