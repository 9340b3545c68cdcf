package engine

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestSettings(t *testing.T) {
	o := smallOptions(vfs.NewMem(), newClock())
	e := openTest(t, "data", o)
	values := map[string]string{"token/a": "1", "token/b": "", "token": "x", "tokenz": "y", "tokeo": "z", "\xff\xff": "end", "u\x00": "zero"}
	for k, v := range values {
		if err := e.PutSetting(bg, k, []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.DeleteSetting(bg, "not there"); err != nil {
		t.Errorf("deleting what is not there: %v", err)
	}
	mustClose(t, e)
	e = openTest(t, "data", o)
	defer mustClose(t, e)
	for prefix, want := range map[string]string{"": "token token/a token/b tokenz tokeo u\x00 \xff\xff", "token/": "token/a token/b",
		"token": "token token/a token/b tokenz", "\xff": "\xff\xff", "x": ""} {
		got, err := e.Settings(bg, prefix)
		if err != nil || strings.Join(slices.Sorted(maps.Keys(got)), " ") != want {
			t.Errorf("prefix %q: %q, want %q (%v)", prefix, slices.Sorted(maps.Keys(got)), want, err)
		}
		for k, v := range got {
			if string(v) != values[k] {
				t.Errorf("%q is %q, want %q", k, v, values[k])
			}
		}
	}
	if err := e.PutSetting(bg, "token/a", []byte("2")); err != nil {
		t.Fatal(err)
	}
	if v, err := e.Setting(bg, "token/a"); err != nil || string(v) != "2" {
		t.Errorf("changed: %q, %v", v, err)
	}
	if err := e.DeleteSetting(bg, "token/a"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Setting(bg, "token/a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	for _, err := range []error{e.PutSetting(bg, "", nil), e.PutSetting(bg, strings.Repeat("k", 2000), nil),
		e.PutSetting(bg, "k", make([]byte, maxSettingBytes+1)), e.DeleteSetting(bg, "")} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("out of range: %v", err)
		}
	}
	value := []byte("mine")
	if err := e.PutSetting(bg, "k", value); err != nil {
		t.Fatal(err)
	}
	value[0] = 'X'
	if v, err := e.Setting(bg, "k"); err != nil || string(v) != "mine" {
		t.Errorf("the caller's slice is kept: %q, %v", v, err)
	}
}
