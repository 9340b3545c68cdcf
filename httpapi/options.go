package httpapi

import (
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/tracebed/tracebed/engine/trace"
)

// Options configure a Server. The zero value is good: authentication on, and
// the limits of the contract.
type Options struct {
	// AuthOff lets every request in with every right. Serve then takes
	// loopback listeners only, and requests of other sites are refused.
	AuthOff bool
	// TLS, when not nil, makes Serve speak HTTPS only. Default nil.
	TLS *tls.Config
	// AdminToken is a token with every right that is not stored; "" = none.
	AdminToken string
	// DefaultApp is the app of ingested bodies that name none and whose token
	// may write to every app. "" = such a body is refused with a 400.
	DefaultApp string

	// Price estimates the cost of runs that came without one, before they are
	// stored. nil = such a cost stays unknown.
	Price trace.Pricer

	// MaxBody bounds the body of a request in bytes, on the wire and inflated.
	// Default 64 MiB.
	MaxBody int64
	// MaxInflightBytes bounds the memory of all bodies that are being read and
	// stored at one time. Default 512 MiB.
	MaxInflightBytes int64
	// QueueWait is how long a body waits for its share of MaxInflightBytes
	// before it is answered 503. The Dynamiq SDK never sends anything twice, so
	// waiting is better than refusing. Default 20 s.
	QueueWait time.Duration

	// TokenRequests and TokenBytes bound what a token may send in a second,
	// where it has no limits of its own and not the right admin; ten seconds'
	// worth may come at once. Default 0: no bound.
	TokenRequests float64
	TokenBytes    int64

	// VerifyEvery checks the whole store again and again while it is served,
	// which reads all of it. Default 0: only when POST /v1/verify asks.
	VerifyEvery time.Duration

	// BackupDir is where POST /v1/backup makes its copies, each in a directory
	// of its own; on the filesystem of the store they are hard links. "" = that
	// call is refused.
	BackupDir string

	// ExportBudget ends a download early, with a valid end. Default 3 m.
	ExportBudget time.Duration
	// MaxExports bounds the downloads that run at one time. Default 16.
	MaxExports int
	// MaxConns bounds the open connections. Default 4096.
	MaxConns int
	// StallTimeout ends a response to a client that takes no byte for so long.
	// Default 60 s.
	StallTimeout time.Duration
	// ReadTimeout bounds the reading of a request's headers; a body gets the
	// same plus one second for every 32 KiB. Default 30 s.
	ReadTimeout time.Duration
	// IdleTimeout closes connections on which no request came. Default 2 m.
	IdleTimeout time.Duration

	// UI answers GET / (name "") and GET /assets/{name} with the files of the
	// page; false = there is no such file. It is httpapi/ui.Handler, and an
	// option so that a server without the page does not link it. nil = / says
	// in a few lines what runs here.
	UI func(ctx *fasthttp.RequestCtx, name string) (bool, error)

	// Logger takes one debug line per request and warnings. Default: discard.
	Logger *slog.Logger
	// Version is shown by /openapi.json and /metrics. Default "dev".
	Version string
	// Now is the clock of token expiry and budgets. Default time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	setDefault(&o.MaxBody, 64<<20)
	setDefault(&o.MaxInflightBytes, 512<<20)
	setDefault(&o.QueueWait, 20*time.Second)
	setDefault(&o.ExportBudget, 3*time.Minute)
	setDefault(&o.MaxExports, 16)
	setDefault(&o.MaxConns, 4096)
	setDefault(&o.StallTimeout, time.Minute)
	setDefault(&o.ReadTimeout, 30*time.Second)
	setDefault(&o.IdleTimeout, 2*time.Minute)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// setDefault replaces a zero or negative value.
func setDefault[T int | int64 | time.Duration](p *T, v T) {
	if *p <= 0 {
		*p = v
	}
}
