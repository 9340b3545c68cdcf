package httpapi

import (
	"strings"
	"testing"
)

// Deletions cannot be undone: the log says who asked for each, and says
// nothing of those that failed.
func TestDeletionsAreAudited(t *testing.T) {
	store := newFake()
	store.put("shop", 2)
	e := start(t, store, Options{})
	for _, c := range []struct {
		path string
		want []string
	}{
		{"/v1/apps/shop/traces/t1", []string{`"trace deleted"`, "app=shop", "trace=t1", "by="}},
		{"/v1/apps/shop", []string{`"app deleted"`, "app=shop", "by="}},
	} {
		before := len(e.log.text())
		if a := e.do("DELETE", c.path, adminToken, ""); a.StatusCode != 200 {
			t.Fatalf("DELETE %s: %d %s", c.path, a.StatusCode, a.body)
		}
		line := e.log.text()[before:]
		for _, w := range c.want {
			if !strings.Contains(line, w) {
				t.Errorf("DELETE %s: no %s in the log:\n%s", c.path, w, line)
			}
		}
		if strings.Contains(line, adminToken) {
			t.Errorf("the token is in the log:\n%s", line)
		}
	}
	before := len(e.log.text())
	e.do("DELETE", "/v1/apps/shop/traces/t1", "wrong", "").wants(t, 401, "unauthorized")
	if line := e.log.text()[before:]; strings.Contains(line, "deleted") {
		t.Errorf("a refused deletion is logged as done:\n%s", line)
	}
}
