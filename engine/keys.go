package engine

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Key prefixes. The whole schema is on this page; docs/format.md has every
// value byte by byte. Integers in keys are big-endian; ^x is bitwise not, so
// that newer comes first. Every app-scoped key carries the interned app number
// right after its prefix, except the hour-major bodies, so that an app can be
// moved or dropped alone.
const (
	prefixApp      = 'a' // a app:4                           → name, cutoff
	prefixBucket   = 'b' // b app:4 day:4                     → day and hour scalars
	prefixHist     = 'h' // h app:4 day:4                     → day and hour histograms
	prefixIndex    = 'i' // i app:4 hour:4                    → status index of the hour
	prefixJournal  = 'j' // j seq:8                           → deltas of one commit batch
	prefixSetting  = 'k' // k key                             → value
	prefixLocator  = 'l' // l app:4 id                        → start
	prefixMeta     = 'm' // m name                            → store-wide values
	prefixOrphan   = 'o' // o app:4 updated:8 id              → (empty)
	prefixQuarter  = 'q' // q app:4 hour:4                    → quarter-hour buckets
	prefixRare     = 'r' // r app:4 status:1 ^start:8 id      → summary row and list row of a rare trace
	prefixSummary  = 's' // s app:4 ^start:8 id               → summary row
	prefixPiece    = 'y' // y ^hour:4 app:4 ^(µs in hour):4 len(id):2 id i:4 → piece i of a long body
	prefixBody     = 'z' // z ^hour:4 app:4 ^(µs in hour):4 id → runs
	usPerMinute    = 60 * 1_000_000
	usPerQuarter   = 15 * usPerMinute
	usPerHour      = 4 * usPerQuarter
	usPerDay       = 24 * usPerHour
	maxStartUS     = 9223372036854775 // 2262-04-11, the last that ns since 1970 hold in 64 bits
	summaryKeyHead = 1 + 4 + 8
	bodyKeyHead    = 1 + 4 + 4 + 4
)

// Forms of an id inside a key: the two forms that nearly all clients use take
// 17 bytes instead of 37 or 33; everything else is kept as it is.
const (
	idUUID = 0x01 // canonical lower-case UUID as 16 bytes
	idText = 0x02 // the bytes of the id
	idHex  = 0x03 // 32 lower-case hex digits as 16 bytes
)

// appendID appends the key form of an id. Equal ids give equal bytes and the
// other way round.
func appendID(dst []byte, id string) []byte {
	var raw [16]byte
	switch len(id) {
	case 36:
		if id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-' &&
			lowerHex(raw[0:4], id[0:8]) && lowerHex(raw[4:6], id[9:13]) &&
			lowerHex(raw[6:8], id[14:18]) && lowerHex(raw[8:10], id[19:23]) &&
			lowerHex(raw[10:16], id[24:36]) {
			return append(append(dst, idUUID), raw[:]...)
		}
	case 32:
		if lowerHex(raw[:], id) {
			return append(append(dst, idHex), raw[:]...)
		}
	}
	return append(append(dst, idText), id...)
}

// decodeID is the inverse of appendID.
func decodeID(b []byte) (string, error) {
	if len(b) == 0 {
		return "", fmt.Errorf("%w: empty id in a key", ErrCorrupt)
	}
	switch {
	case b[0] == idText:
		return string(b[1:]), nil
	case b[0] == idHex && len(b) == 17:
		return hex.EncodeToString(b[1:]), nil
	case b[0] == idUUID && len(b) == 17:
		var out [36]byte
		hex.Encode(out[0:8], b[1:5])
		hex.Encode(out[9:13], b[5:7])
		hex.Encode(out[14:18], b[7:9])
		hex.Encode(out[19:23], b[9:11])
		hex.Encode(out[24:36], b[11:17])
		out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
		return string(out[:]), nil
	}
	return "", fmt.Errorf("%w: id form %#x of %d bytes in a key", ErrCorrupt, b[0], len(b))
}

// lowerHex decodes lower-case hex of exactly 2·len(dst) digits.
func lowerHex(dst []byte, s string) bool {
	for i := range dst {
		hi, lo := hexDigit(s[2*i]), hexDigit(s[2*i+1])
		if hi > 15 || lo > 15 {
			return false
		}
		dst[i] = hi<<4 | lo
	}
	return true
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

func appKey(dst []byte, prefix byte, app uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, prefix), app)
}

func summaryKey(dst []byte, app uint32, startUS int64, idKey []byte) []byte {
	return placeKey(appKey(dst, prefixSummary, app), startUS, idKey)
}

// placeKey appends the place of a trace among those of an app, newest first:
// what all keys of rows in the order of start end with.
func placeKey(dst []byte, startUS int64, idKey []byte) []byte {
	return append(binary.BigEndian.AppendUint64(dst, ^uint64(startUS)), idKey...)
}

// placeSpan is the range of the keys behind a head of traces with
// from ≤ start < to.
func placeSpan(head []byte, from, to int64) (lo, hi []byte) {
	hi = prefixEnd(head)
	if from > 0 {
		hi = placeKey(bytes.Clone(head), from-1, nil)
	}
	return placeKey(bytes.Clone(head), to-1, nil), hi
}

// splitPlace is the inverse of placeKey.
func splitPlace(place []byte) (startUS int64, idKey []byte, err error) {
	if len(place) <= 8 {
		return 0, nil, fmt.Errorf("%w: place of %d bytes in a key", ErrCorrupt, len(place))
	}
	return int64(^binary.BigEndian.Uint64(place)), place[8:], nil
}

// summaryAt is the first possible summary key of traces that start at or
// before startUS, in key order (newest first).
func summaryAt(dst []byte, app uint32, startUS int64) []byte {
	return summaryKey(dst, app, startUS, nil)
}

// summarySpan is the range of the summaries of traces with from ≤ start < to.
func summarySpan(app uint32, from, to int64) (lo, hi []byte) {
	return placeSpan(appKey(nil, prefixSummary, app), from, to)
}

// splitSummaryKey returns the start and the id part of a summary key.
func splitSummaryKey(key []byte) (startUS int64, idKey []byte, err error) {
	if len(key) <= summaryKeyHead || key[0] != prefixSummary {
		return 0, nil, fmt.Errorf("%w: summary key of %d bytes", ErrCorrupt, len(key))
	}
	return splitPlace(key[5:])
}

func locatorKey(dst []byte, app uint32, idKey []byte) []byte {
	return append(appKey(dst, prefixLocator, app), idKey...)
}

func bodyKey(dst []byte, app uint32, startUS int64, idKey []byte) []byte {
	dst = append(dst, prefixBody)
	dst = binary.BigEndian.AppendUint32(dst, ^uint32(startUS/usPerHour))
	dst = binary.BigEndian.AppendUint32(dst, app)
	dst = binary.BigEndian.AppendUint32(dst, ^uint32(startUS%usPerHour))
	return append(dst, idKey...)
}

// bodyHourSpan is the range of the bodies of one app in one hour.
func bodyHourSpan(app, hour uint32) (lo, hi []byte) {
	lo = binary.BigEndian.AppendUint32([]byte{prefixBody}, ^hour)
	lo = binary.BigEndian.AppendUint32(lo, app)
	return lo, prefixEnd(lo)
}

// pieceHourSpan is the range of their pieces.
func pieceHourSpan(app, hour uint32) (lo, hi []byte) {
	lo, hi = bodyHourSpan(app, hour)
	lo[0] = prefixPiece
	if hi[0] = prefixPiece; len(hi) == 1 {
		hi[0]++
	}
	return lo, hi
}

// unitKey is a key of (app, number): buckets and histograms by day, index and
// quarters by hour.
func unitKey(dst []byte, prefix byte, app, n uint32) []byte {
	return binary.BigEndian.AppendUint32(appKey(dst, prefix, app), n)
}

func orphanKey(dst []byte, app uint32, updatedUS int64, idKey []byte) []byte {
	dst = binary.BigEndian.AppendUint64(appKey(dst, prefixOrphan, app), uint64(updatedUS))
	return append(dst, idKey...)
}

func journalKey(seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixJournal}, seq)
}

func settingKey(key string) []byte { return append([]byte{prefixSetting}, key...) }
func metaKey(name string) []byte   { return append([]byte{prefixMeta}, name...) }

// appSpan is the range of all keys of an app under a prefix.
func appSpan(prefix byte, app uint32) (lo, hi []byte) {
	lo = appKey(nil, prefix, app)
	if app == ^uint32(0) {
		return lo, []byte{prefix + 1}
	}
	return lo, appKey(nil, prefix, app+1)
}
