package engine

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestBackup takes copies while writers go on: each opens, is consistent, and
// has everything that was acknowledged before it began.
func TestBackup(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := smallOptions(fs, newClock())
	e := openTest(t, "data", o)
	l := newLedger()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for n := range 3 {
		name := fmt.Sprint("w", n)
		w := &crashWriter{e: e, l: l, w: newWorkload(5, uint64(n), name+"-"), name: name}
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := w.step(); err != nil {
					t.Errorf("writer: %v", err)
					return
				}
			}
		})
	}
	type copied struct{ before, after *ledger }
	var copies []copied
	for i := range 5 {
		time.Sleep(20 * time.Millisecond)
		c := copied{before: l.copy()}
		if err := e.Backup(bg, fmt.Sprint("copies/", i)); err != nil {
			t.Fatal(err)
		}
		c.after = l.copy()
		copies = append(copies, c)
	}
	close(stop)
	wg.Wait()
	if err := e.Backup(bg, "copies/0"); !errors.Is(err, ErrInvalid) {
		t.Errorf("over a copy: %v", err)
	}
	mustClose(t, e)
	o.FS = fs.CrashClone(vfs.CrashCloneCfg{}) // a backup is durable when it is done
	for i, c := range copies {
		b := openTest(t, fmt.Sprint("copies/", i), o)
		verifyClean(t, b)
		checkLedger(t, b, c.before, c.after)
		ingest(t, b, "more", oneRun("t", epoch))
		mustClose(t, b)
	}
}

func TestBackupOfNothing(t *testing.T) {
	e, _ := newEngine(t, nil)
	if err := e.Backup(bg, "copy"); err != nil {
		t.Fatal(err)
	}
	b := openTest(t, "copy", e.opts)
	ingest(t, b, "app", oneRun("t", epoch))
	mustClose(t, b)
}
