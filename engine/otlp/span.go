package otlp

// valueKind is the kind of an attribute value (AnyValue).
type valueKind uint8

const (
	kindEmpty  valueKind = iota
	kindString           // text: the string
	kindBool             // num: 0 or 1
	kindInt              // num: the int64
	kindDouble           // num: the bits of the float64
	kindBytes            // text: the bytes
	kindJSON             // text: an array or object as compact JSON
)

// attr is one attribute. Key and text are slices of the body or of the
// decoder's arena; they are good until the next span is decoded.
type attr struct {
	key, text []byte
	num       uint64
	kind      valueKind
}

// between is a part of span.attrs.
type between struct{ from, to int }

type event struct {
	name    []byte
	time    uint64
	dropped uint32
	attrs   between
}

type link struct {
	traceID, spanID, state []byte // ids as bytes
	flags, dropped         uint32
	attrs                  between
}

// span is a decoded span, or log record, before it is mapped. Its lists are
// used again for the next one.
type span struct {
	traceID, spanID, parentID []byte // as bytes, of whatever length was sent
	state, name               []byte
	kind                      int32
	flags                     uint32
	start, end                uint64
	statusCode                int32
	statusMessage             []byte

	attrs  []attr // of the span, then of its events and links
	own    between
	events []event
	links  []link

	droppedAttrs, droppedEvents, droppedLinks uint32

	// Of a log record only; start is its time.
	eventName, severity []byte
	body                attr
}

func (s *span) reset() {
	attrs, events, links := s.attrs[:0], s.events[:0], s.links[:0]
	*s = span{attrs: attrs, events: events, links: links}
}

// of are the attributes of a span, event or link.
func (s *span) of(b between) []attr { return s.attrs[b.from:b.to] }

// attrList are the attributes of a resource or scope; unlike those of a span
// they are kept while many spans are read.
type attrList struct {
	attrs   []attr
	dropped uint32
}

type scope struct {
	name, version, schemaURL []byte
	attrList
}

type resource struct {
	schemaURL []byte
	attrList
}

// fault is why one span is not taken. It never concerns its neighbours.
type fault string

func (f fault) Error() string { return string(f) }
