// Package index is the roaring index of the traces of one app in one UTC hour,
// in the order of their start times. It answers how many traces of given
// statuses start before an instant, and which instant holds the k-th of them,
// at a cost that does not depend on the page or on the window.
//
// # Slots
//
// A trace holds one [Slot] while it is indexed: the millisecond of the hour in
// which it starts, and an ordinal that tells it from the other traces of that
// millisecond. The slot is stored with the trace, so sets made by different
// fields hold the same slots and can be intersected with [And]. A slot with an
// ordinal below [SlotsPerMS] is the bitmap value ms*SlotsPerMS + ordinal, which
// spreads an hour over 879 containers at any rate; higher ordinals (clocks that
// tick in whole seconds) go to a sorted list.
//
// # Guarantees
//
//   - Counts, ranks and selections are exact by the millisecond. The order
//     inside one millisecond is not kept here: the caller resolves it by the
//     rows of that millisecond.
//   - The package is deterministic: no clock, no randomness, no map order.
//   - The encoding is canonical: equal content gives equal bytes, whatever
//     history of additions and removals led to it, and the decoders take no
//     other bytes. They never panic, and allocate at most 16 times the input
//     and one KiB.
//   - Reads may run side by side. Mutations and Clone need the caller's lock
//     against each other, but a clone may be mutated while others read the
//     original.
//
// It does not store anything, does not know which trace owns a slot, and does
// not refuse a removal made in the name of the wrong trace.
//
// # Format
//
// An hour is, for each non-empty status in ascending order:
//
//	status          u8        0 succeeded, 1 failed, 2 canceled, 3 running
//	bitmap length   uvarint   bytes; 0 when the bitmap is empty
//	bitmap          bytes     roaring portable format, little-endian
//	overflow count  uvarint
//	overflow        uvarints  the first value, then differences (≥ 1);
//	                          a value is ms<<32 | ordinal, ordinal ≥ 16
//
// An hour without traces is zero bytes. Uvarints are in their shortest form.
// In the bitmap a container of c values in r runs is a run container when
// 2+4r < min(2c, 8192), else an array when c ≤ 4096, else a bitset. No slot is
// in two statuses.
package index
