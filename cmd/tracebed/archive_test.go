package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type entry struct {
	name, text string
	kind       byte
	link       string
}

func archiveOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if e.kind == 0 {
			e.kind = tar.TypeReg
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: e.kind, Name: e.name, Linkname: e.link, Mode: 0o644, Size: int64(len(e.text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnpack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	good := archiveOf(t, entry{name: "store/000001.sst", text: "table"}, entry{name: "store/MANIFEST-000001"}, entry{name: "TRACEBED", text: "marker"})
	if err := unpackTo(dir, bytes.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"store/000001.sst": "table", "store/MANIFEST-000001": "", "TRACEBED": "marker"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	if err := unpackTo(dir, bytes.NewReader(good)); !errors.Is(err, os.ErrExist) {
		t.Errorf("over another: %v", err)
	}
	// What pack makes of it is taken as well.
	var again bytes.Buffer
	if err := pack(&again, dir); err != nil {
		t.Fatal(err)
	}
	if err := unpackTo(dir+"2", &again); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < bytes.Index(good, []byte("marker"))+6; i += 17 { // behind it is only padding
		cut := filepath.Join(t.TempDir(), "cut")
		if err := unpackTo(cut, bytes.NewReader(good[:i])); err == nil {
			t.Fatalf("%d of %d bytes are taken for a backup", i, len(good))
		}
		if _, err := os.Stat(cut); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("cut at %d: something is left: %v", i, err)
		}
	}
}

// TestUnpackRefuses: nothing of an archive gets out of the directory, and
// nothing but a backup is taken.
func TestUnpackRefuses(t *testing.T) {
	marker := entry{name: "TRACEBED", text: "m"}
	for name, a := range map[string][]byte{
		"empty":               nil,
		"no archive":          []byte(strings.Repeat("not a tar archive ", 100)),
		"no files":            archiveOf(t),
		"no marker":           archiveOf(t, entry{name: "store/x"}),
		"climbs":              archiveOf(t, entry{name: "store/../../x"}, marker),
		"climbs at once":      archiveOf(t, entry{name: "../x"}, marker),
		"absolute":            archiveOf(t, entry{name: "/tmp/x"}, marker),
		"another directory":   archiveOf(t, entry{name: "home/x"}, marker),
		"deeper":              archiveOf(t, entry{name: "store/x/y"}, marker),
		"hidden":              archiveOf(t, entry{name: "store/.x"}, marker),
		"symbolic link":       archiveOf(t, entry{name: "store/x", kind: tar.TypeSymlink, link: "/etc/passwd"}, marker),
		"hard link":           archiveOf(t, entry{name: "store/x", kind: tar.TypeLink, link: "TRACEBED"}, marker),
		"device":              archiveOf(t, entry{name: "store/x", kind: tar.TypeChar}, marker),
		"twice":               archiveOf(t, entry{name: "store/x"}, entry{name: "store/x"}, marker),
		"another sum":         archiveOf(t, entry{name: "store/x"}, entry{name: "SHA256SUMS", text: strings.Repeat("0", 64) + "  store/x\n"}, marker),
		"file without a sum":  archiveOf(t, entry{name: "store/x"}, entry{name: "SHA256SUMS"}, marker),
		"sum without a file":  archiveOf(t, entry{name: "SHA256SUMS", text: strings.Repeat("0", 64) + "  store/x\n"}, marker),
		"behind the marker":   archiveOf(t, marker, entry{name: "store/x"}),
		"marker as directory": archiveOf(t, entry{name: "TRACEBED", kind: tar.TypeDir}),
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "data")
			if err := unpackTo(dir, bytes.NewReader(a)); err == nil {
				t.Error("it is taken")
			}
			if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
				t.Errorf("left: %v %v", left, err)
			}
		})
	}
}
