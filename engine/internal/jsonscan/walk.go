package jsonscan

// EachMember calls f for each member of the object raw, with its name
// unquoted; the name is valid until the next call, the value as long as raw.
// An error of f ends it. s is used again, whatever it was at.
func (s *Scanner) EachMember(raw []byte, f func(name, value []byte) error) error {
	var scratch [64]byte
	s.Reset(raw)
	if err := s.BeginObject(); err != nil {
		return err
	}
	for {
		name, more, err := s.Member()
		if err != nil || !more {
			return err
		}
		value, err := s.Skip()
		if err != nil {
			return err
		}
		if err := f(Unquote(scratch[:0], name), value); err != nil {
			return err
		}
	}
}

// EachElement calls f for each element of the array raw, as EachMember does
// for objects.
func (s *Scanner) EachElement(raw []byte, f func(value []byte) error) error {
	s.Reset(raw)
	if err := s.BeginArray(); err != nil {
		return err
	}
	for {
		more, err := s.Element()
		if err != nil || !more {
			return err
		}
		value, err := s.Skip()
		if err != nil {
			return err
		}
		if err := f(value); err != nil {
			return err
		}
	}
}

// Lookup is the value of the last member of that name, nil where the object
// has none or raw is no object.
func Lookup(raw []byte, name string) (value []byte) {
	var s Scanner
	if s.Reset(raw); s.Peek() != Object {
		return nil
	}
	_ = s.EachMember(raw, func(got, v []byte) error { // what stands before damage counts
		if string(got) == name {
			value = v
		}
		return nil
	})
	return value
}
