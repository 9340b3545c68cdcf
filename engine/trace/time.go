package trace

import (
	"errors"
	"strconv"
)

// The range of instants that a run may carry. The upper end is where int64
// nanoseconds end.
const (
	MinNS = 0                   // 1970-01-01T00:00:00Z
	MaxNS = 9223372036854775807 // 2262-04-11T23:47:16.854775807Z
)

// The ways in which ParseTime fails; the texts say what to send instead.
var (
	ErrTimeSyntax = errors.New("must be an RFC 3339 time with an offset, such as 2026-06-10T09:15:00.104233Z")
	ErrTimeRange  = errors.New("must lie between 1970-01-01T00:00:00Z and 2262-04-11T23:47:16Z")
)

const (
	secondsPerDay = 86_400
	nsPerSecond   = 1_000_000_000
)

// ParseTime reads an RFC 3339 time: "T", "t" or a space between date and time,
// "Z", "z" or an offset of ±hh:mm. Digits is how many digits of fraction s
// has; what comes after the ninth is dropped. A leap second (23:59:60 UTC) is
// the first second of the next day, as in POSIX. The error is ErrTimeSyntax or
// ErrTimeRange. It does not allocate.
func ParseTime(s []byte) (Time, error) {
	if len(s) < len("2006-01-02T15:04:05Z") ||
		s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' ||
		s[10] != 'T' && s[10] != 't' && s[10] != ' ' {
		return Time{}, ErrTimeSyntax
	}
	year := digits2(s[0:])*100 + digits2(s[2:])
	month, day := digits2(s[5:]), digits2(s[8:])
	hour, minute, second := digits2(s[11:]), digits2(s[14:]), digits2(s[17:])
	if digits2(s[0:])|digits2(s[2:])|month|day|hour|minute|second < 0 ||
		month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 60 {
		return Time{}, ErrTimeSyntax
	}
	frac, digits, rest := fraction(s[19:])
	offset, ok := zoneOffset(rest)
	if !ok {
		return Time{}, ErrTimeSyntax
	}
	sec := daysFromCivil(year, month, day)*secondsPerDay + int64(hour*3600+minute*60+second) - offset
	if second == 60 && sec%secondsPerDay != 0 {
		return Time{}, ErrTimeSyntax
	}
	if sec < 0 || sec > MaxNS/nsPerSecond || sec == MaxNS/nsPerSecond && frac > MaxNS%nsPerSecond {
		return Time{}, ErrTimeRange
	}
	return Time{NS: sec*nsPerSecond + frac, Digits: digits, Valid: true}, nil
}

// fraction reads an optional "." and digits, at most nine of which count. A
// point without digits stays in rest, where no offset begins with one.
func fraction(s []byte) (ns int64, digits uint8, rest []byte) {
	if len(s) < 2 || s[0] != '.' || s[1]-'0' > 9 {
		return 0, 0, s
	}
	i := 1
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		if digits < 9 {
			ns = ns*10 + int64(s[i]-'0')
			digits++
		}
	}
	for n := digits; n < 9; n++ {
		ns *= 10
	}
	return ns, digits, s[i:]
}

// zoneOffset is what "Z" or ±hh:mm adds to UTC, in seconds.
func zoneOffset(s []byte) (seconds int64, ok bool) {
	if len(s) == 1 {
		return 0, s[0]|0x20 == 'z'
	}
	if len(s) != len("+00:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hour, minute := digits2(s[1:]), digits2(s[4:])
	if hour < 0 || minute < 0 || hour > 23 || minute > 59 {
		return 0, false
	}
	seconds = int64(hour*3600 + minute*60)
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// AppendTime appends t in UTC with "Z" and as many digits of fraction as it
// was sent with, more where the instant needs them; null where t is not valid.
// There are no quotes around it.
func AppendTime(dst []byte, t Time) []byte {
	if !t.Valid {
		return append(dst, "null"...)
	}
	sec, frac := t.NS/nsPerSecond, t.NS%nsPerSecond
	if frac < 0 {
		sec, frac = sec-1, frac+nsPerSecond
	}
	days, rem := sec/secondsPerDay, sec%secondsPerDay
	if rem < 0 {
		days, rem = days-1, rem+secondsPerDay
	}
	year, month, day := civilFromDays(days)
	dst = append2(dst, year/100)
	dst = append2(dst, year%100)
	dst = append2(append(dst, '-'), month)
	dst = append2(append(dst, '-'), day)
	dst = append2(append(dst, 'T'), int(rem/3600))
	dst = append2(append(dst, ':'), int(rem/60%60))
	dst = append2(append(dst, ':'), int(rem%60))

	digits := int(min(t.Digits, 9))
	var text [9]byte
	for i := 8; i >= 0; i-- {
		text[i] = byte('0' + frac%10)
		frac /= 10
	}
	for n := 9; n > digits; n-- {
		if text[n-1] != '0' {
			digits = n
		}
	}
	if digits > 0 {
		dst = append(append(dst, '.'), text[:digits]...)
	}
	return append(dst, 'Z')
}

// MicrosFloor is the instant in whole µs since the Unix epoch, rounded down.
func (t Time) MicrosFloor() int64 {
	us := t.NS / 1000
	if t.NS%1000 < 0 {
		us--
	}
	return us
}

// AppendMillis appends a duration of us µs as a JSON number of milliseconds
// with at most three decimals, none of them a trailing zero.
func AppendMillis(dst []byte, us int64) []byte {
	if us < 0 {
		dst = append(dst, '-')
		us = -us
	}
	dst = strconv.AppendUint(dst, uint64(us)/1000, 10)
	frac := int(uint64(us) % 1000)
	if frac == 0 {
		return dst
	}
	text := [4]byte{'.', byte('0' + frac/100), byte('0' + frac/10%10), byte('0' + frac%10)}
	n := len(text)
	for text[n-1] == '0' {
		n--
	}
	return append(dst, text[:n]...)
}

// digits2 is the number that the two digits at the front of s write, a
// negative number if they are none.
func digits2(s []byte) int {
	a, b := s[0]-'0', s[1]-'0'
	if a > 9 || b > 9 {
		return -1 << 20
	}
	return int(a)*10 + int(b)
}

func append2(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysFromCivil counts the days from 1970-01-01 to a date of the proleptic
// Gregorian calendar. Years are taken to begin in March, so that the leap day
// is the last one of its year.
func daysFromCivil(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	leaps := floorDiv(year, 4) - floorDiv(year, 100) + floorDiv(year, 400)
	return int64(365*year + leaps + (153*(month-3)+2)/5 + day - 1 - 719_468)
}

// civilFromDays is the inverse of daysFromCivil, for dates from year 0 on.
func civilFromDays(days int64) (year, month, day int) {
	d := int(days) + 719_468
	era := floorDiv(d, 146_097) // 400 years
	d -= era * 146_097
	y := (d - d/1460 + d/36_524 - d/146_096) / 365
	d -= 365*y + y/4 - y/100
	m := (5*d + 2) / 153
	day = d - (153*m+2)/5 + 1
	year, month = era*400+y, m+3
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
