package peer

import "time"

const hourUS = int64(time.Hour / time.Microsecond)

// MetricsQuery asks for the bars of a window, which begins and ends anywhere.
type MetricsQuery struct {
	App      string
	AppNo    int32
	Window   Window
	Interval string // hour, day or week, as Tracebed names them
	Zone     *time.Location
	// Bounds are the first instants of the bars in µs since the epoch, and the
	// end of the last bar.
	Bounds []int64
	// Spans cover the whole hours of the window: in each one all bars are
	// equally wide. There is more than one where the clocks change.
	Spans []Span
}

// Span is whole hours since the epoch, From ≤ hour < To, of bars that are Width
// hours wide; hour Origin begins bar number First.
type Span struct {
	From, To, Width, Origin int64
	First                   int
}

// NewMetrics cuts a window into bars.
func NewMetrics(app string, appNo int32, w Window, interval string, zone *time.Location) *MetricsQuery {
	q := &MetricsQuery{App: app, AppNo: appNo, Window: w, Interval: interval, Zone: zone}
	t := time.UnixMicro(w.From).In(zone)
	next := func(t time.Time) time.Time { return t.Add(time.Hour) }
	switch interval {
	case "day", "week":
		days := 1
		t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
		if interval == "week" {
			days = 7
			t = t.AddDate(0, 0, -(int(t.Weekday())+6)%7)
		}
		next = func(t time.Time) time.Time { return t.AddDate(0, 0, days) }
	default:
		t = t.Truncate(time.Hour)
	}
	for ; t.UnixMicro() < w.To; t = next(t) {
		q.Bounds = append(q.Bounds, t.UnixMicro())
	}
	q.Bounds = append(q.Bounds, t.UnixMicro())
	q.cutSpans()
	return q
}

func (q *MetricsQuery) cutSpans() {
	lo, hi := WholeHours(q.Window)
	for i := range len(q.Bounds) - 1 {
		from, to := q.Bounds[i]/hourUS, q.Bounds[i+1]/hourUS
		if max(from, lo) >= min(to, hi) {
			continue
		}
		if n := len(q.Spans); n > 0 && q.Spans[n-1].Width == to-from {
			q.Spans[n-1].To = min(to, hi)
			continue
		}
		q.Spans = append(q.Spans, Span{From: max(from, lo), To: min(to, hi), Width: to - from, Origin: from, First: i})
	}
}

// Bar is the number of the bar that holds an instant of the window.
func (q *MetricsQuery) Bar(us int64) int {
	for i := range len(q.Bounds) - 1 {
		if us < q.Bounds[i+1] {
			return i
		}
	}
	return len(q.Bounds) - 2
}

// WholeHours are the hours since the epoch that lie in w whole: lo ≤ hour < hi.
// hi < lo where w lies inside one hour.
func WholeHours(w Window) (lo, hi int64) {
	return (w.From + hourUS - 1) / hourUS, w.To / hourUS
}

// Edges are the parts of w outside of its whole hours; empty ones are left out.
func Edges(w Window) []Window {
	lo, hi := WholeHours(w)
	if hi <= lo {
		return []Window{w}
	}
	var e []Window
	if w.From < lo*hourUS {
		e = append(e, Window{w.From, lo * hourUS})
	}
	if hi*hourUS < w.To {
		e = append(e, Window{hi * hourUS, w.To})
	}
	return e
}

// Hour is the hour since the epoch.
func Hour(us int64) int64 { return us / hourUS }
