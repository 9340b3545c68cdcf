package otlpgrpc

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"time"
)

// headerBytes are before each message: one that says whether it is compressed,
// and its length, big-endian.
const headerBytes = 5

// bytesPerSecond is the slowest rate at which a message may arrive.
const bytesPerSecond = 32 << 10

// message reads the one message of a request. It must arrive within limit plus
// a second for every 32 KiB that came.
type message struct {
	body     io.Reader
	deadline func(time.Time) error
	limit    time.Duration
	start    time.Time

	n    int64 // bytes taken from the wire
	next int64 // n at which the deadline is moved on
	left int64 // of the message
	done bool  // the client has ended the stream
}

var errMore = errors.New("more than one message")

// header reads what is before the message and how long that is.
func (m *message) header() (compressed bool, length int64, st *status) {
	var h [headerBytes]byte
	m.left = headerBytes
	if _, err := io.ReadFull(readerFunc(m.wire), h[:]); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false, 0, &status{code: deadlineExceeded, message: "the message did not arrive in time"}
		}
		return false, 0, &status{code: invalidArgument, message: "the request holds no whole message"}
	}
	if h[0] > 1 {
		return false, 0, &status{code: invalidArgument, message: "the request is not in gRPC's form"}
	}
	m.left = int64(binary.BigEndian.Uint32(h[1:]))
	return h[0] == 1, m.left, nil
}

// Read gives the bytes of the message. It ends when the client has ended the
// stream too: an answer before that would reset it.
func (m *message) Read(p []byte) (int, error) {
	if m.left > 0 {
		n, err := m.wire(p[:min(int64(len(p)), m.left)])
		switch {
		case !errors.Is(err, io.EOF):
			return n, err
		case m.left > 0:
			return n, io.ErrUnexpectedEOF
		}
		m.done = true
		return n, nil
	}
	for !m.done {
		var one [1]byte
		n, err := m.wire(one[:])
		switch {
		case n > 0:
			return 0, errMore
		case errors.Is(err, io.EOF):
			m.done = true
		case err != nil:
			return 0, err
		}
	}
	return 0, io.EOF
}

// wire reads from the connection and keeps the deadline.
func (m *message) wire(p []byte) (int, error) {
	if m.n >= m.next {
		if err := m.deadline(m.start.Add(m.limit + time.Duration(m.n/bytesPerSecond)*time.Second)); err != nil {
			return 0, err
		}
		m.next = m.n + 256<<10
	}
	n, err := m.body.Read(p)
	m.n += int64(n)
	m.left -= int64(n)
	return n, err
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
