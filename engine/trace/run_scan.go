package trace

import (
	"strings"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// field is the position of a member in the canonical order of a run.
type field int8

const (
	fieldID field = iota
	fieldName
	fieldType
	fieldTraceID
	fieldSourceID
	fieldSessionID
	fieldStart
	fieldEnd
	fieldParent
	fieldStatus
	fieldInput
	fieldOutput
	fieldMetadata
	fieldError
	fieldExecutions
	fieldTags
	fieldGroup
	fieldModel
	fieldUsage
	fieldDuration
	numFields
	fieldUnknown field = -1
)

func fieldOf(name []byte) field {
	switch string(name) {
	case "id":
		return fieldID
	case "name":
		return fieldName
	case "type":
		return fieldType
	case "trace_id":
		return fieldTraceID
	case "source_id":
		return fieldSourceID
	case "session_id":
		return fieldSessionID
	case "start_time":
		return fieldStart
	case "end_time":
		return fieldEnd
	case "parent_run_id":
		return fieldParent
	case "status":
		return fieldStatus
	case "input":
		return fieldInput
	case "output":
		return fieldOutput
	case "metadata":
		return fieldMetadata
	case "error":
		return fieldError
	case "executions":
		return fieldExecutions
	case "tags":
		return fieldTags
	case "group":
		return fieldGroup
	case "model":
		return fieldModel
	case "usage":
		return fieldUsage
	case "duration_ms":
		return fieldDuration
	}
	return fieldUnknown
}

// Fields is one run on its way into or out of its canonical form: its members
// as raw JSON, slices of the text that was scanned. Use it as
//
//	Scan → (set Group, Model, Usage) → Facts → (Estimate) → AppendCanonical
//
// and then for the next run: what is equal from run to run (trace id, tags, …)
// is then shared between them. The zero Fields is ready. It is not safe for
// concurrent use.
type Fields struct {
	raw    [numFields][]byte // nil where absent
	extra  []extraMember     // unknown members by first appearance
	extras map[string]int    // position in extra, only where there are many
	spaced bool              // a value may hold insignificant white space

	// Group, Model and Usage become the uniform members. Scan sets them to the
	// members of the same name; a decoder whose source says them elsewhere
	// replaces them. Raw JSON, nil for null.
	Group, Model, Usage []byte

	// Spots is where the Dynamiq SDK puts what has no member of its own.
	Spots Spots

	stored  bool            // what is scanned is canonical: behind duration_ms stand members of spans
	span    [numSpan][]byte // those members, nil where absent
	usage   [numUsage][]byte
	costs   []byte // text of estimated costs, until the next run
	end     Time   // end_time as sent, also that of an open run
	scratch []byte
	texts   *strings.Builder // see keep
	last    sharedTexts
}

type extraMember struct{ key, value []byte }

// Spots are raw JSON values from inside a run, nil where absent.
type Spots struct {
	Group, Model         []byte // metadata.node.group, metadata.node.model
	Usage                []byte // metadata.usage
	Version, Environment []byte // metadata.workflow.version, metadata.environment
	UserID               []byte // input.user_id
	Span                 bool   // there is a metadata.otlp
}

// Scan reads the object that begins at the scanner's position. Of members with
// the same name the last one counts. The error is that of the scanner.
func (f *Fields) Scan(s *jsonscan.Scanner) error {
	f.raw = [numFields][]byte{}
	f.extra, f.extras = f.extra[:0], nil
	f.Spots = Spots{}
	f.span = [numSpan][]byte{}
	s.Peek()
	spaces := s.Spaces()
	if err := s.BeginObject(); err != nil {
		return err
	}
	id := fieldUnknown
	for {
		var key, name []byte
		// The SDK sends the members in their order and without white space.
		if next := id + 1; next > fieldID && next < numFields && s.TryMember(memberText[next]) {
			id = next
		} else {
			var ok bool
			var err error
			if key, ok, err = s.Member(); err != nil {
				return err
			}
			if !ok {
				break
			}
			name = jsonscan.Unquote(f.scratch, key)
			id = fieldOf(name)
		}
		var value []byte
		var err error
		switch id {
		case fieldInput:
			value, err = f.scanInput(s)
		case fieldMetadata:
			value, err = f.scanMetadata(s)
		default:
			value, err = s.Skip()
		}
		if err != nil {
			return err
		}
		if id == fieldUnknown && f.stored && f.raw[fieldDuration] != nil {
			f.setSpan(name, value)
		} else if id == fieldUnknown {
			f.addExtra(key, name, value)
		} else {
			f.raw[id] = value
		}
	}
	f.spaced = s.Spaces() != spaces
	f.Group, f.Model, f.Usage = f.raw[fieldGroup], f.raw[fieldModel], f.raw[fieldUsage]
	return nil
}

// fewExtras is how many unknown members are looked through one by one before
// a map is worth its memory; the SDK sends none.
const fewExtras = 16

// addExtra keeps an unknown member, in place of an earlier one of that name.
func (f *Fields) addExtra(key, name, value []byte) {
	if f.extras == nil && len(f.extra) < fewExtras {
		var scratch [64]byte
		for i := range f.extra {
			if string(jsonscan.Unquote(scratch[:0], f.extra[i].key)) == string(name) {
				f.extra[i].value = value
				return
			}
		}
		f.extra = append(f.extra, extraMember{key, value})
		return
	}
	if f.extras == nil {
		f.extras = make(map[string]int, 2*fewExtras)
		for i := range f.extra {
			f.extras[string(jsonscan.AppendString(nil, f.extra[i].key))] = i
		}
	}
	if i, ok := f.extras[string(name)]; ok {
		f.extra[i].value = value
		return
	}
	f.extras[string(name)] = len(f.extra)
	f.extra = append(f.extra, extraMember{key, value})
}

func (f *Fields) scanInput(s *jsonscan.Scanner) ([]byte, error) {
	f.Spots.UserID = nil
	if s.Peek() != jsonscan.Object {
		return s.Skip()
	}
	from := s.Offset()
	err := s.BeginObject()
	for err == nil {
		var key []byte
		var ok bool
		if key, ok, err = s.Member(); !ok {
			break
		}
		var value []byte
		value, err = s.Skip()
		if string(jsonscan.Unquote(f.scratch, key)) == "user_id" {
			f.Spots.UserID = value
		}
	}
	return s.Since(from), err
}

func (f *Fields) scanMetadata(s *jsonscan.Scanner) ([]byte, error) {
	f.Spots = Spots{UserID: f.Spots.UserID}
	if s.Peek() != jsonscan.Object {
		return s.Skip()
	}
	from := s.Offset()
	err := s.BeginObject()
	for err == nil {
		var key []byte
		var ok bool
		if key, ok, err = s.Member(); !ok {
			break
		}
		switch string(jsonscan.Unquote(f.scratch, key)) {
		case "node":
			err = scanTwo(s, "group", &f.Spots.Group, "model", &f.Spots.Model)
		case "workflow":
			err = scanTwo(s, "version", &f.Spots.Version, "", nil)
		case "usage":
			f.Spots.Usage, err = s.Skip()
		case "environment":
			f.Spots.Environment, err = s.Skip()
		case SpanMember:
			f.Spots.Span = true
			_, err = s.Skip()
		default:
			_, err = s.Skip()
		}
	}
	return s.Since(from), err
}

// scanTwo reads a value and, where it is an object, notes one or two of its
// members.
func scanTwo(s *jsonscan.Scanner, name1 string, value1 *[]byte, name2 string, value2 *[]byte) error {
	*value1 = nil
	if value2 != nil {
		*value2 = nil
	}
	if s.Peek() != jsonscan.Object {
		_, err := s.Skip()
		return err
	}
	if err := s.BeginObject(); err != nil {
		return err
	}
	var scratch [32]byte
	for {
		key, ok, err := s.Member()
		if !ok {
			return err
		}
		value, err := s.Skip()
		if err != nil {
			return err
		}
		switch name := jsonscan.Unquote(scratch[:0], key); {
		case string(name) == name1:
			*value1 = value
		case value2 != nil && string(name) == name2:
			*value2 = value
		}
	}
}
