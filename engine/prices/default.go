package prices

import (
	"bytes"
	_ "embed" // the built-in table
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// The built-in table is made from the price file of LiteLLM, which is MIT
// licensed outside of its folder enterprise (copyright 2023 Berri AI; the
// notice is in the file, member "_license", and in LICENSE.litellm). To make
// it anew: go run reduce.go FILE VERSION DATE.
//
//go:embed default.json.zst
var defaultFile []byte

// DefaultBytes is how many bytes the built-in table takes in the binary.
func DefaultBytes() int { return len(defaultFile) }

// Default is the built-in table; Note tells its source, date and licence. It
// is read at the first call.
func Default() *Table { return loadDefault() }

var loadDefault = sync.OnceValue(func() *Table {
	r, err := zstd.NewReader(bytes.NewReader(defaultFile), zstd.WithDecoderConcurrency(1))
	if err != nil {
		panic(fmt.Sprintf("built-in prices: %v", err))
	}
	defer r.Close()
	t, err := Load(r)
	if err != nil {
		panic(fmt.Sprintf("built-in prices: %v", err)) // a test reads them
	}
	return t
})
