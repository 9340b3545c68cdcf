package frame

import "bytes"

// resetLen is the number of spaces that resetBlocks decodes to: eight literals
// and three matches of three.
const resetLen = 17

// resetBlocks are two compressed blocks that decode to resetLen spaces and
// leave a decoder's three recent offsets at 1, 4, 8, where they stand at a
// frame's start (RFC 8878 §3.1.1.5) and where the blocks of a stored frame may
// expect them.
//
// An offset given in full moves the older ones down (§3.1.1.5), so the matches
// take the offsets 8, 4 and 1 in this order. The eight literal spaces in front
// make them right whatever was decoded before, even nothing. Two blocks, as
// the offset codes differ (8 has code 3; 4 and 1 have code 2) and one block
// for all would need FSE states in place of RLE modes, to save some 8 bytes of 21.
var resetBlocks = func() []byte {
	b := appendSequences(nil, bytes.Repeat([]byte{' '}, 8), 3, 8+3)
	return appendSequences(b, nil, 2, 4+3, 1+3)
}()

// appendSequences appends a compressed block of literals and one sequence for
// each of values, in RLE modes. The first sequence takes all the literals (at
// most 15), so more than one sequence needs no literals; all matches are three
// bytes long. values are Offset_Values (RFC 8878 §3.1.1.3.2.1.1: offset + 3, or
// 1–3 for the recent offsets) in [1<<code, 2<<code).
func appendSequences(dst, literals []byte, code uint, values ...uint64) []byte {
	// Literals_Section_Header (§3.1.1.3.1.1), one byte: Raw_Literals_Block, or
	// RLE_Literals_Block of one byte that repeats.
	body := append([]byte{byte(len(literals) << 3)}, literals...)
	if n := len(literals); n > 1 && bytes.Count(literals, literals[:1]) == n {
		body = []byte{byte(n<<3) | 1, literals[0]}
	}
	// Sequences_Section_Header (§3.1.1.3.2.1): the count, and RLE_Mode for the
	// three tables.
	body = append(body, byte(len(values)), 1<<6|1<<4|1<<2)
	// The one symbol of each table. By §3.1.1.3.2.1.1, Literals_Length_Code is
	// the length itself up to 15; Match_Length_Code 0 is three bytes.
	body = append(body, byte(len(literals)), byte(code), 0)
	// Bitstream (§3.1.1.3.2.1.2): RLE tables have no state bits and these
	// length codes no extra ones, which leaves code bits for each offset. It
	// is read backwards from a final 1 bit, so the last offset comes lowest.
	var bits uint64 = 1
	for _, v := range values {
		bits = bits<<code | (v - 1<<code)
	}
	for ; bits > 0; bits >>= 8 {
		body = append(body, byte(bits))
	}
	return append(appendBlockHeader(dst, blockCompressed, len(body)), body...)
}
