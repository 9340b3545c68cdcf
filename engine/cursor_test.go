package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func TestCursorRoundTrip(t *testing.T) {
	for _, c := range []cursor{
		{startUS: 0, id: appendID(nil, "a")},
		{ascending: true, startUS: maxStartUS, id: appendID(nil, strings.Repeat("é", 128))},
		{startUS: epoch.UnixMicro(), id: appendID(nil, "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")},
	} {
		got, err := parseCursor(c.String())
		if err != nil || got.ascending != c.ascending || got.startUS != c.startUS || !bytes.Equal(got.id, c.id) {
			t.Errorf("%+v came back as %+v (%v)", c, got, err)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add((&cursor{startUS: 5, id: appendID(nil, "a")}).String())
	f.Add("")
	f.Add("AQAAAAAAAAAAAAJh")
	f.Add("AQAAA0000\n0000AJ0")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCursor(s)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if c.String() != s {
			t.Fatalf("%q is also written %q", s, c.String())
		}
	})
}

// TestCursorStays: what comes and goes elsewhere does not move a cursor, even
// when the trace that it names is deleted.
func TestCursorStays(t *testing.T) {
	for _, asc := range []bool{false, true} {
		e, _ := newEngine(t, nil)
		for i := range 10 {
			ingest(t, e, "app", oneRun(fmt.Sprint("t", i), epoch.Add(time.Duration(i)*time.Second)))
		}
		q := ListQuery{Page: 1, PageSize: 4, Ascending: asc}
		p, err := e.List(bg, "app", q)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.DeleteTrace(bg, "app", p.Rows[3].ID); err != nil {
			t.Fatal(err)
		}
		ingest(t, e, "app", oneRun("early", epoch.Add(-time.Hour)), oneRun("late", epoch.Add(time.Hour)))
		q.Cursor, q.PageSize = p.NextCursor, 100
		p, err = e.List(bg, "app", q)
		want := map[bool]string{false: "t5 t4 t3 t2 t1 t0 early", true: "t4 t5 t6 t7 t8 t9 late"}[asc]
		var got []string
		for i := range p.Rows {
			got = append(got, p.Rows[i].ID)
		}
		if err != nil || strings.Join(got, " ") != want || p.NextCursor != "" {
			t.Errorf("behind the cursor: %v, want %s (%v)", got, want, err)
		}
		q.Ascending = !asc
		if _, err := e.List(bg, "app", q); !errors.Is(err, ErrInvalid) {
			t.Errorf("the other order: %v", err)
		}
	}
}

// TestExportGoesOn: an export that ended early continues without a gap, and
// list and export take each other's cursors.
func TestExportGoesOn(t *testing.T) {
	e, _ := newEngine(t, nil)
	for i := range 10 {
		ingest(t, e, "app", oneRun(fmt.Sprint("t", i), epoch.Add(time.Duration(i)*time.Second)))
	}
	total := int64(0)
	q := ExportQuery{Limit: 3}
	for {
		res, err := e.Export(bg, "app", q, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if total += res.Count; res.Complete {
			if res.NextCursor != "" || total != 10 {
				t.Errorf("%d traces, %+v", total, res)
			}
			break
		}
		q.Cursor = res.NextCursor
	}
	p, err := e.List(bg, "app", ListQuery{Page: 1, PageSize: 4})
	if err != nil {
		t.Fatal(err)
	}
	res, err := e.Export(bg, "app", ExportQuery{Cursor: p.NextCursor}, io.Discard)
	if err != nil || res.Count != 6 {
		t.Errorf("%+v, %v", res, err)
	}
	for _, bad := range []ExportQuery{{Cursor: "x"}, {Limit: -1}, {Cursor: (&cursor{ascending: true, id: appendID(nil, "t1")}).String()}} {
		if _, err := e.Export(bg, "app", bad, io.Discard); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// TestExportDeadline: past its deadline an export ends as valid JSON, with at
// least one trace so that it gets ahead.
func TestExportDeadline(t *testing.T) {
	e, clock := newEngine(t, nil)
	for i := range 5 {
		ingest(t, e, "app", oneRun(fmt.Sprint("t", i), epoch.Add(time.Duration(i)*time.Second)))
	}
	var b bytes.Buffer
	res, err := e.Export(bg, "app", ExportQuery{Deadline: clock.Now()}, &b)
	if err != nil || res.Count != 1 || res.Complete || res.NextCursor == "" {
		t.Fatalf("%+v, %v", res, err)
	}
	validJSON(t, b.Bytes())
}
