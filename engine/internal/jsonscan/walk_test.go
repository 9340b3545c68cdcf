package jsonscan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestEach(t *testing.T) {
	stop := errors.New("stop")
	for _, c := range []struct{ raw, want string }{
		{` {"a":1, "b\u0063" : [2], "a":null}`, `a=1 bc=[2] a=null `},
		{`[1, {"x":2},"y"]`, `1 {"x":2} "y" `},
		{`{}`, ``}, {`[]`, ``},
		{`{"a":1,"b"`, `a=1 error`}, {`[1,`, `1 error`}, {`3`, `error`},
		{`{"a":"stop","b":1}`, `a="stop" stopped`}, {`["stop",1]`, `"stop" stopped`},
	} {
		var got strings.Builder
		take := func(v []byte) error {
			fmt.Fprintf(&got, "%s ", v)
			if string(v) == `"stop"` {
				return stop
			}
			return nil
		}
		var s Scanner
		var err error
		if c.raw[0] == '[' {
			err = s.EachElement([]byte(c.raw), take)
		} else {
			err = s.EachMember([]byte(c.raw), func(name, v []byte) error {
				fmt.Fprintf(&got, "%s=", name)
				return take(v)
			})
		}
		switch {
		case errors.Is(err, stop):
			got.WriteString("stopped")
		case err != nil:
			got.WriteString("error")
		}
		if got.String() != c.want {
			t.Errorf("%s: %q, want %q", c.raw, got.String(), c.want)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, c := range []struct{ raw, name, want string }{
		{` {"a":1,"b":2,"a":3}`, "a", "3"}, {`{"\u0061":1}`, "a", "1"}, {`{"a":1}`, "b", ""},
		{`["a",1]`, "a", ""}, {`"a"`, "a", ""}, {``, "a", ""}, {`{"a":1,`, "a", "1"},
	} {
		if got := string(Lookup([]byte(c.raw), c.name)); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.name, c.raw, got, c.want)
		}
	}
}
