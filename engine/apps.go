package engine

import (
	"context"
	"errors"
	"time"

	"github.com/tracebed/tracebed/index"
)

// Apps returns all apps in the order of their ids.
func (e *Engine) Apps(ctx context.Context) ([]AppInfo, error) {
	if e.closed.Load() {
		return nil, ErrClosed
	}
	names := e.appNames()
	out := make([]AppInfo, 0, len(names))
	for _, name := range names {
		info, err := e.App(ctx, name)
		if errors.Is(err, ErrNotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, info)
	}
	return out, nil
}

// App returns one app. The error is ErrNotFound when there is none.
func (e *Engine) App(ctx context.Context, app string) (AppInfo, error) {
	v, err := e.view(ctx, app)
	if err != nil {
		return AppInfo{}, err
	}
	defer v.close()
	info := AppInfo{ID: app}
	win := v.clamp(Window{})
	below, err := v.countBelow(index.AllStatuses, win.From)
	if err != nil {
		return AppInfo{}, err
	}
	total, err := v.countBelow(index.AllStatuses, win.To)
	if err != nil {
		return AppInfo{}, err
	}
	if info.TraceCount = int64(total - below); info.TraceCount == 0 {
		return info, nil
	}
	if info.FirstStart, err = v.edgeStart(win, true); err != nil {
		return AppInfo{}, err
	}
	info.LastStart, err = v.edgeStart(win, false)
	return info, err
}

// edgeStart is the start of the oldest or the newest trace of a window.
func (v *view) edgeStart(win Window, oldest bool) (time.Time, error) {
	w, err := v.walker(index.AllStatuses, win, oldest)
	if err != nil {
		return time.Time{}, err
	}
	w.first()
	ok, err := w.next()
	if err = errors.Join(err, w.close()); err != nil || !ok {
		return time.Time{}, err
	}
	return time.UnixMicro(w.row.startUS).UTC(), nil
}
