package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeExample: the Go code of the README is the example that the tests
// of the engine compile and run.
func TestReadmeExample(t *testing.T) {
	read := func(name ...string) string {
		b, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, name...)...))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	between := func(s, from, to string) string {
		_, rest, ok := strings.Cut(s, from)
		got, _, closed := strings.Cut(rest, to)
		if !ok || !closed {
			t.Fatalf("%q … %q not found", from, to)
		}
		return got
	}
	readme := between(read("README.md"), "```go\n", "```")
	example := between(read("engine", "example_test.go"), "func ExampleOpen() {\n", "\t// Output:")
	if example = strings.ReplaceAll("\n"+example, "\n\t", "\n")[1:]; readme != example {
		t.Errorf("README.md has\n%s\nand ExampleOpen is\n%s", readme, example)
	}
}
