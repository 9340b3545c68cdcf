package httpapi

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine"
)

func TestBackupStream(t *testing.T) {
	store := newFake()
	now := time.Date(2026, 6, 10, 9, 15, 0, 0, time.UTC)
	e := start(t, store, Options{Now: func() time.Time { return now }})
	a := e.get("/v1/backup")
	if a.StatusCode != 200 || string(a.body) != "archive" || a.Header.Get(backupBytes) != "7" ||
		a.Header.Get("Content-Type") != "application/x-tar" ||
		a.Header.Get("Content-Disposition") != `attachment; filename="tracebed-20260610T091500Z.tar"` {
		t.Errorf("%d %q %v", a.StatusCode, a.body, a.Header)
	}
	if !strings.Contains(e.log.text(), "audit") {
		t.Errorf("no audit line:\n%s", e.log.text())
	}
	store.err = errors.New("the disk says no")
	if a = e.get("/v1/backup"); a.StatusCode != 500 || strings.Contains(string(a.body), "the disk") || a.Header.Get("Content-Disposition") != "" {
		t.Errorf("a store that fails: %d %s %v", a.StatusCode, a.body, a.Header)
	}
	e.srv.backups.Lock()
	e.get("/v1/backup").wants(t, 503, "unavailable")
	e.do("POST", "/v1/backup", adminToken, "{}").wants(t, 409, "conflict")
	e.srv.backups.Unlock()
}

func TestBackupOnServer(t *testing.T) {
	store, dir := newFake(), t.TempDir()
	e := start(t, store, Options{BackupDir: dir, Now: func() time.Time { return time.Unix(0, 0) }})
	for body, name := range map[string]string{
		"": "19700101T000000Z", "{}": "19700101T000000Z", `{"name":"monday-1.a_b"}`: "monday-1.a_b",
	} {
		store.backedUp = nil
		a := e.do("POST", "/v1/backup", adminToken, body)
		want := fmt.Sprintf(`{"data":{"dir":%q,"name":%q}}`, filepath.Join(dir, name), name)
		if a.StatusCode != 200 || string(a.body) != want || len(store.backedUp) != 1 || store.backedUp[0] != filepath.Join(dir, name) {
			t.Errorf("%q: %d %s, %v", body, a.StatusCode, a.body, store.backedUp)
		}
	}
	store.backedUp = nil
	for _, name := range []string{"..", ".", ".hidden", "a/b", "../x", `a\\b`, "/etc", strings.Repeat("x", 101), "a b", "ü", "a\\u0000b"} {
		e.do("POST", "/v1/backup", adminToken, `{"name":"`+name+`"}`).wants(t, 400, "bad_request", "name")
	}
	for _, body := range []string{`[]`, `{"name":1}`, `{"dir":"/tmp"}`, `{} {}`} {
		e.do("POST", "/v1/backup", adminToken, body).wants(t, 400, "bad_request")
	}
	if store.backedUp != nil {
		t.Errorf("made: %v", store.backedUp)
	}
	store.err = fmt.Errorf("%w: it exists", engine.ErrInvalid)
	e.do("POST", "/v1/backup", adminToken, "{}").wants(t, 409, "conflict")
}
