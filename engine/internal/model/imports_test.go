package model

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestImports: the oracle stands on the standard library alone, or it could
// not judge.
func TestImports(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range f.Imports {
			if strings.Contains(strings.SplitN(strings.Trim(imp.Path.Value, `"`), "/", 2)[0], ".") {
				t.Errorf("%s imports %s", name, imp.Path.Value)
			}
		}
	}
}
