package engine

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

const cursorVersion = 1

// cursor is a place in a list: the trace behind which the next page begins.
// It means the same for ever: it holds a start and an id, not a count.
type cursor struct {
	ascending bool
	startUS   int64
	id        []byte // key form
}

func (c *cursor) String() string {
	order := byte(0)
	if c.ascending {
		order = 1
	}
	b := append([]byte{cursorVersion, order}, appendUint64(nil, uint64(c.startUS))...)
	return base64.RawURLEncoding.EncodeToString(append(b, c.id...))
}

// parseCursor decodes a cursor that a client sent back.
func parseCursor(s string) (c cursor, err error) {
	bad := fmt.Errorf("%w: cursor: it is not one that this server gave", ErrInvalid)
	if len(s) > 1024 {
		return c, bad
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) < 11 || b[0] != cursorVersion || b[1] > 1 {
		return c, bad
	}
	c = cursor{ascending: b[1] == 1, startUS: int64(binary.BigEndian.Uint64(b[2:])), id: b[10:]}
	// The decoder passes over line ends: only one spelling is ours.
	if _, err := decodeID(c.id); err != nil || c.String() != s || c.startUS < 0 || c.startUS > maxStartUS || len(c.id) > maxIDBytes+1 {
		return c, bad
	}
	return c, nil
}
