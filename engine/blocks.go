package engine

import "github.com/cockroachdb/pebble/v2"

// rowBlock is how many bytes of short rows make a block. One row is read out of
// anywhere, and reading a block that is not in the cache and checking its sum is
// most of that: 10 µs for 28 KiB, 3 for 4. A million traces of bench/peers, rows in
// blocks of 28 and of 4 KiB (p50, two rounds each): 14 days by hour 0.169, 0.153 and
// 0.134, 0.139 ms; a random window 0.124, 0.113 and 0.107, 0.095; one trace 0.077,
// 0.084 and 0.070, 0.065; peak memory 199, 190 and 163, 154 MiB. Cost: 2 bytes a
// trace.
const rowBlock = 4 << 10

// blockSlack is how far below rowBlock a block may end. It is more than the rows
// take that are read one by one (summaries and locators, 40 to 150 bytes), and less
// than most that are read side by side and packed (list rows of rare traces).
const blockSlack = 200

// What Pebble 2.1.7 has as constants: the bytes it takes off a size class
// (blockAllocationOverhead), and the percentage of BlockSize below which no block
// ends (SizeClassAwareBlockSizeThreshold). TestBlocks sees what they make.
const (
	classOverhead = 368
	lowPercent    = 60
)

// setBlocks makes blocks of short rows end at rowBlock and those of bodies at
// bodies bytes, of which 16 KiB would cost 15 bytes a trace more. Pebble has one
// block size for a level, but it also knows the size classes of an allocator: a
// block ends before the row that would leave a class, if that wastes less than going
// on to the next class. With one class at rowBlock and one at bodies, blocks of
// short rows end in the last blockSlack of the first; long rows mostly leap over
// that, and go on to the second. Up to rowBlock, bodies are the size of all blocks.
func setBlocks(o *pebble.Options, bodies int) {
	size := bodies
	if bodies > rowBlock {
		size = (rowBlock - blockSlack) * 100 / lowPercent
		o.AllocatorSizeClasses = []int{1, rowBlock + classOverhead, bodies + classOverhead}
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize, o.Levels[i].IndexBlockSize = size, bodies
	}
}
