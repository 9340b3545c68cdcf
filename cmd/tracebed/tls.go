package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate serves a pair of PEM files and reads them again when they change,
// so that a renewal needs no restart. A pair that cannot be read leaves the one
// before it in force.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu     sync.Mutex
	pair   *tls.Certificate
	stamp  [2]fileStamp
	looked time.Time // when the files were last looked at
}

// fileStamp tells one content of a file from the next.
type fileStamp struct {
	modified time.Time
	size     int64
}

// lookEvery bounds how often handshakes look at the files.
const lookEvery = time.Second

// newCertificate reads the pair for the first time.
func newCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, now: time.Now}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificate %s and its key %s: %w", certFile, keyFile, err)
	}
	c.pair, c.looked = &pair, c.now()
	c.stamp, err = c.stamps()
	return c, err
}

// config is what a server needs: TLS 1.2 and newer, HTTP/1.1.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
	}
}

// current gives the pair to use, after a look at the files.
func (c *certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		c.look()
	}
	return c.pair
}

// look reads the files when they are not what they were; mu is held.
func (c *certificate) look() {
	stamp, err := c.stamps()
	if err == nil && stamp == c.stamp {
		return
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.certFile, c.keyFile); err == nil {
			c.pair, c.stamp = &pair, stamp
			c.log.Info("certificate read again", "file", c.certFile, "valid_until", pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
			return
		}
	}
	// One half of the pair may not be there yet: the next look tries again.
	c.log.Warn("the certificate has changed and cannot be read; the one before stays in use", "file", c.certFile, "error", err)
}

func (c *certificate) stamps() (s [2]fileStamp, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return s, err
		}
		s[i] = fileStamp{info.ModTime(), info.Size()}
	}
	return s, nil
}
