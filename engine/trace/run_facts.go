package trace

import (
	"strings"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// The bounds of one run. What is beyond them is refused with a reason that
// names the field.
const (
	// MaxIDBytes bounds ids (contract §1), as they are parts of storage keys.
	MaxIDBytes = 256
	// MaxTags and MaxTagBytes bound what a trace repeats in every list row
	// and what an index keeps for each of them.
	MaxTags     = 256
	MaxTagBytes = 1024
)

// sharedTexts are the strings of the run before, which runs of one body mostly
// repeat: five strings less per run.
type sharedTexts struct {
	id, parent, traceID, source, session string
	group, model, user, version, env     string
	name                                 *string
	tagsRaw                              []byte
	tags                                 []string
}

// Facts checks every member and fills r with the facts, except for the raw
// values, JSON and the hashes, which AppendCanonical sets. r.TraceID is "" where
// trace_id is null or absent. A reason other than "" says which field makes
// the run unusable and what to send instead. Tags and Name may be shared with
// runs read before; they must not be modified.
func (f *Fields) Facts(r *Run) (reason string) {
	*r = Run{}
	if reason = f.idFacts(r); reason != "" {
		return reason
	}
	if reason = f.stateFacts(r); reason != "" {
		return reason
	}
	if reason = f.valueFacts(r); reason != "" {
		return reason
	}
	if r.Usage, reason = f.usageFacts(f.Usage); reason != "" {
		return reason
	}
	f.optionalFacts(r)
	return ""
}

// idFacts reads what names the run: id, trace, parent, session, source, type
// and name.
func (f *Fields) idFacts(r *Run) string {
	id, ok := f.text(fieldID)
	if !ok || len(id) == 0 || len(id) > MaxIDBytes {
		return "id must be a string of 1 to 256 bytes"
	}
	r.ID = f.share(&f.last.id, id)
	if f.given(fieldTraceID) {
		if id, ok = f.text(fieldTraceID); !ok || len(id) == 0 || len(id) > MaxIDBytes {
			return "trace_id must be a string of 1 to 256 bytes, or null"
		}
		r.TraceID = f.share(&f.last.traceID, id)
	}
	if f.given(fieldParent) {
		if id, ok = f.text(fieldParent); !ok || len(id) == 0 || len(id) > MaxIDBytes {
			return "parent_run_id must be a string of 1 to 256 bytes, or null"
		}
		r.ParentID = f.share(&f.last.parent, id)
	}
	if f.given(fieldSourceID) {
		if id, ok = f.text(fieldSourceID); !ok || len(id) > MaxIDBytes {
			return "source_id must be a string of at most 256 bytes, or null"
		}
		r.SourceID = f.share(&f.last.source, id)
	}
	if f.given(fieldSessionID) {
		if id, ok = f.text(fieldSessionID); !ok || len(id) > MaxIDBytes {
			return "session_id must be a string of at most 256 bytes, or null"
		}
		r.SessionID = f.share(&f.last.session, id)
	}
	if f.given(fieldName) {
		name, ok := f.text(fieldName)
		if !ok {
			return "name must be a string or null"
		}
		if f.last.name == nil || *f.last.name != string(name) {
			text := string(name)
			f.last.name = &text
		}
		r.Name = f.last.name
	}
	return ""
}

// stateFacts reads type, status and times.
func (f *Fields) stateFacts(r *Run) string {
	text, _ := f.text(fieldType)
	switch string(text) {
	case "workflow":
		r.Type = "workflow"
	case "flow":
		r.Type = "flow"
	case "node":
		r.Type = "node"
	default:
		return "type must be workflow, flow or node"
	}
	if f.given(fieldStatus) {
		text, _ = f.text(fieldStatus)
		switch string(text) {
		case "succeeded":
			r.Status = RunSucceeded
		case "failed":
			r.Status = RunFailed
		case "skipped":
			r.Status = RunSkipped
		case "canceled":
			r.Status = RunCanceled
		case "running":
		default:
			return "status must be succeeded, failed, skipped, canceled, running or null"
		}
	}
	var err error
	text, _ = f.text(fieldStart)
	if r.Start, err = ParseTime(text); err != nil {
		return "start_time " + err.Error()
	}
	f.end = Time{}
	if f.given(fieldEnd) {
		text, _ = f.text(fieldEnd)
		if f.end, err = ParseTime(text); err != nil {
			return "end_time " + err.Error() + ", or be null"
		}
	}
	if r.Status != RunOpen {
		r.End = f.end
	}
	return ""
}

// valueFacts checks the kinds of metadata, executions and tags.
func (f *Fields) valueFacts(r *Run) string {
	if f.given(fieldMetadata) && jsonscan.KindOf(f.raw[fieldMetadata]) != jsonscan.Object {
		return "metadata must be an object or null"
	}
	if f.given(fieldExecutions) && jsonscan.KindOf(f.raw[fieldExecutions]) != jsonscan.Array {
		return "executions must be a list or null"
	}
	if !f.given(fieldTags) {
		return ""
	}
	raw := f.raw[fieldTags]
	if f.last.tagsRaw == nil || string(f.last.tagsRaw) != string(raw) {
		tags, ok := f.parseTags(raw)
		if !ok {
			return "tags must be a list of at most 256 strings of at most 1024 bytes"
		}
		f.last.tagsRaw, f.last.tags = append(f.last.tagsRaw[:0], raw...), tags
	}
	r.Tags = f.last.tags
	return ""
}

func (f *Fields) parseTags(raw []byte) (tags []string, ok bool) {
	var s jsonscan.Scanner
	s.Reset(raw)
	if s.Peek() != jsonscan.Array || s.BeginArray() != nil {
		return nil, false
	}
	for {
		more, err := s.Element()
		if err != nil {
			return nil, false
		}
		if !more {
			return tags, true
		}
		tag, err := s.Skip()
		if err != nil || tag[0] != '"' || len(tags) == MaxTags {
			return nil, false
		}
		text := jsonscan.Unquote(f.scratch, tag)
		if len(text) > MaxTagBytes {
			return nil, false
		}
		tags = append(tags, string(text))
	}
}

// optionalFacts reads what is taken where it has the right kind and otherwise
// left alone.
func (f *Fields) optionalFacts(r *Run) {
	user, env, version := f.Spots.UserID, f.Spots.Environment, f.Spots.Version
	if f.fromSpan() {
		r.FromSpan = true
		r.ParentRemote = string(f.span[spanRemote]) == "true" && r.ParentID != ""
		user, env, version = f.span[spanUser], f.span[spanEnvironment], f.span[spanVersion]
	}
	for _, t := range []struct {
		dst, last *string
		raw       []byte
	}{
		{&r.Group, &f.last.group, f.Group},
		{&r.Model, &f.last.model, f.Model},
		{&r.UserID, &f.last.user, user},
		{&r.Environment, &f.last.env, env},
	} {
		if jsonscan.KindOf(t.raw) == jsonscan.String {
			*t.dst = f.share(t.last, f.unquote(t.raw))
		}
	}
	switch jsonscan.KindOf(version) {
	case jsonscan.String:
		r.Version = f.share(&f.last.version, f.unquote(version))
	case jsonscan.Number:
		r.Version = f.share(&f.last.version, version)
	}
}

// given reports whether a member is there and not null.
func (f *Fields) given(id field) bool {
	return jsonscan.KindOf(f.raw[id]) > jsonscan.Null
}

// text is the text of a member that is a string; valid until the next call.
func (f *Fields) text(id field) (text []byte, ok bool) {
	if jsonscan.KindOf(f.raw[id]) != jsonscan.String {
		return nil, false
	}
	return f.unquote(f.raw[id]), true
}

// unquote is the text of a raw string; valid until the next call.
func (f *Fields) unquote(raw []byte) []byte {
	text := jsonscan.Unquote(f.scratch, raw)
	if cap(f.scratch) == 0 {
		f.scratch = make([]byte, 0, MaxIDBytes)
	}
	return text
}

// share is b as a string, the one before if it is equal.
func (f *Fields) share(last *string, b []byte) string {
	if *last != string(b) {
		*last = f.keep(b)
	}
	return *last
}

// keepTogether is how many bytes of strings lie in one piece of memory.
const keepTogether = 1 << 10

// keep is b as a string. Short ones share memory: a trace of five runs has twenty
// that the run before has not (2 µs of 30 to parse it). One of them keeps the
// others from being collected, so none may be held for long.
func (f *Fields) keep(b []byte) string {
	if len(b) > keepTogether/8 {
		return string(b)
	}
	if f.texts == nil || f.texts.Cap()-f.texts.Len() < len(b) {
		f.texts = new(strings.Builder)
		f.texts.Grow(keepTogether)
	}
	from := f.texts.Len()
	_, _ = f.texts.Write(b)
	return f.texts.String()[from:]
}
