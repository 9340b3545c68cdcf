package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
)

// scores is the evaluations of one exported trace. They are sent when the runs
// of the trace are stored, to the call that takes evaluations.
type scores struct {
	trace []byte // its id, a JSON string
	list  []byte // JSON array
	file  string
	line  int
}

// postScores sends the evaluations of a batch whose runs were taken. What the
// server refuses is listed like a rejected run; so are the evaluations of a
// trace whose runs were all rejected.
func (s *sender) postScores(b *batch) error {
	for _, sc := range b.scores {
		n := 0
		if err := elements(sc.list, func([]byte) error { n++; return nil }); err != nil || n == 0 {
			continue // null, or an empty list
		}
		path, err := s.scoresPath(sc.trace)
		if err != nil {
			return err
		}
		err = s.retry(func() error { return s.postList(path, sc.list) })
		var api *apiError
		switch {
		case err == nil:
			s.mu.Lock()
			s.scored += int64(n)
			s.mu.Unlock()
		case errors.As(err, &api) && (api.Status == http.StatusBadRequest || api.Status == http.StatusNotFound):
			s.mu.Lock()
			s.unscored += int64(n)
			if len(s.bad) < maxShown {
				s.bad = append(s.bad, fmt.Sprintf("%s:%d: its evaluations: %s", sc.file, sc.line, api.Message))
			}
			s.mu.Unlock()
		default:
			return err
		}
	}
	return nil
}

func (s *sender) postList(path string, list []byte) error {
	body := slices.Concat([]byte(`{"evaluations":`), list, []byte("}"))
	req, err := s.c.request(s.ctx, http.MethodPost, path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.c.http.Do(req)
	if err != nil {
		return s.c.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return answerError(resp)
	}
	_, err = io.Copy(io.Discard, resp.Body) // so that the connection is used again
	return err
}

// scoresPath names the app, which the path of runs may leave to the token.
func (s *sender) scoresPath(trace []byte) (string, error) {
	var id string
	if err := json.Unmarshal(trace, &id); err != nil {
		return "", fmt.Errorf("id of a trace: %w", err)
	}
	s.findApp.Do(func() {
		if s.app != "" {
			return
		}
		var who struct {
			Apps json.RawMessage `json:"apps"`
		}
		if s.appErr = s.c.call(s.ctx, http.MethodGet, "/v1/session", nil, &who); s.appErr != nil {
			return
		}
		var apps []string
		if json.Unmarshal(who.Apps, &apps) != nil || len(apps) != 1 {
			s.appErr = fail(errors.New("the input has evaluations, and the token does not say which app they are for"), "name it with --app")
			return
		}
		s.app = apps[0]
	})
	return "/v1/apps/" + url.PathEscape(s.app) + "/traces/" + url.PathEscape(id) + "/evaluations", s.appErr
}
