package trace

// input is the earliest root's; a root without one (an HTTP server span) shows
// that of its first descendant that has one. nil: null.
func (d *Deriver) input() []byte {
	root := d.roots[0]
	if v := d.runs[root].Input; v != nil {
		return v
	}
	if i := d.firstBelow(root, func(r *Run) bool { return r.Input != nil }); i >= 0 {
		return d.runs[i].Input
	}
	return nil
}

// output is the last-ended root's, with the same rule for roots without one;
// nil while no root has ended.
func (d *Deriver) output() []byte {
	if d.ended < 0 {
		return nil
	}
	if v := d.runs[d.ended].Output; v != nil {
		return v
	}
	if i := d.firstBelow(d.ended, func(r *Run) bool { return r.Output != nil }); i >= 0 {
		return d.runs[i].Output
	}
	return nil
}

// errorText is a JSON string, or nil where no root failed or nobody says why.
// The earliest failed root decides: the message of its first failed node is
// the cause, its own message only the wrapper, and the first failed descendant
// with a message the last resort.
func (d *Deriver) errorText() []byte {
	for _, i := range d.roots {
		r := &d.runs[i]
		if r.Status != RunFailed {
			continue
		}
		if m := failedNodeMessage(r.Metadata); m != nil && !r.FromSpan {
			return m
		}
		if m := errorMessage(r); m != nil {
			return m
		}
		j := d.firstBelow(i, func(r *Run) bool { return r.Status == RunFailed && errorMessage(r) != nil })
		if j < 0 {
			return nil
		}
		return errorMessage(&d.runs[j])
	}
	return nil
}

// tags is the union over the roots in order of first appearance; see
// appendText for spans.
func (d *Deriver) tags() []string {
	d.names.reset()
	for _, i := range d.roots {
		for _, t := range d.runs[i].Tags {
			d.names.add(t)
		}
	}
	if len(d.names.list) == 0 && d.runs[d.roots[0]].FromSpan {
		if i := d.firstBelow(d.roots[0], func(r *Run) bool { return r.FromSpan && len(r.Tags) > 0 }); i >= 0 {
			return d.runs[i].Tags
		}
	}
	return d.names.list
}

// metadata is the earliest root's; see appendText for spans.
func (d *Deriver) metadata() *Run {
	root := d.roots[0]
	if first := &d.runs[root]; !first.FromSpan || first.hasUserMetadata() {
		return first
	}
	if i := d.firstBelow(root, func(r *Run) bool { return r.FromSpan && r.hasUserMetadata() }); i >= 0 {
		return &d.runs[i]
	}
	return &d.runs[root]
}

// models lists the models that were called (an agent's model is configuration,
// not a call), by start of the first call.
func (d *Deriver) models() []string {
	d.order = d.order[:0]
	for i := range d.runs {
		if r := &d.runs[i]; r.Model != "" && (r.Group == "llms" || r.Group == "embedders") {
			d.order = append(d.order, int32(i))
		}
	}
	d.sort(d.order)
	d.names.reset()
	for _, i := range d.order {
		d.names.add(d.runs[i].Model)
	}
	return d.names.list
}
