package trace

import "bytes"

// staleMember and the time after it are the end of every trace object.
const staleMember = `,"stale":false,"updated_at":`

// maxStaleTail bounds the two last members: a quoted time has at most 32 bytes.
const maxStaleTail = len(staleMember) + 40

// MarkStale turns the "stale":false of a trace object, with or without its
// closing brace and without runs, into true. It works in place from the end
// of the object, so that nothing inside user JSON can be taken for it, and
// returns the object, one byte shorter; any other bytes come back unchanged.
func MarkStale(traceObject []byte) []byte {
	at := staleAt(traceObject)
	if at < 0 {
		return traceObject
	}
	const before = len(`,"stale":`)
	v := at + before
	copy(traceObject[v:], "true")
	copy(traceObject[v+4:], traceObject[v+5:])
	return traceObject[:len(traceObject)-1]
}

// staleAt is where the two last members of a trace object begin, -1 where it
// does not end with them.
func staleAt(traceObject []byte) int {
	tail := max(0, len(traceObject)-maxStaleTail)
	at := bytes.LastIndex(traceObject[tail:], []byte(staleMember))
	if at < 0 || !isLastMember(traceObject[tail+at+len(staleMember):]) {
		return -1
	}
	return tail + at
}

// isLastMember says whether b is a value of updated_at and at most one brace.
func isLastMember(b []byte) bool {
	b = bytes.TrimSuffix(b, []byte("}"))
	if string(b) == "null" {
		return true
	}
	return len(b) >= 2 && b[0] == '"' && bytes.IndexByte(b[1:], '"') == len(b)-2 && bytes.IndexByte(b, '\\') < 0
}
