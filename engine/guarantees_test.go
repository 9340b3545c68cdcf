package engine

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testNames are the names of all tests and fuzz targets of the repository.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	decl := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range decl.FindAllSubmatch(text, -1) {
			names[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestGuaranteesNameTests: every test that docs/guarantees.md names exists.
func TestGuaranteesNameTests(t *testing.T) {
	doc, err := os.ReadFile("../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	have := testNames(t)
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllSubmatch(doc, -1)
	if len(named) < 20 {
		t.Errorf("%d tests are named", len(named))
	}
	for _, m := range named {
		if !have[string(m[1])] {
			t.Errorf("there is no %s", m[1])
		}
	}
}

// TestFuzzTargets: every decoder of bytes that come from outside or from the
// disk has a fuzz target.
func TestFuzzTargets(t *testing.T) {
	have := testNames(t)
	for what, target := range map[string]string{
		"ingest body": "FuzzParse", "one run": "FuzzParseRun", "JSON": "FuzzValid", "time": "FuzzParseTime",
		"evaluation": "FuzzParseEvaluation", "OTLP JSON": "FuzzJSON", "OTLP protobuf": "FuzzProtobuf",
		"ids in keys": "FuzzID", "summary": "FuzzSummary", "body": "FuzzBody", "journal": "FuzzJournal",
		"operation": "FuzzOpUnmarshal", "marker": "FuzzMarker", "last acknowledged operation": "FuzzAcks",
		"checksum of derived rows": "FuzzDerivedRow", "buckets of a day": "FuzzDecodeDay",
		"histograms of a day": "FuzzDecodeDayHists", "quarters": "FuzzDecodeQuarters", "minutes": "FuzzDecodeMinutes", "scalars": "FuzzDecodeScalars",
		"histogram": "FuzzHistDecode", "money": "FuzzDecodeMoney", "USD": "FuzzParseUSD", "index of an hour": "FuzzDecodeHour",
		"frame": "FuzzDecode", "joined frames": "FuzzSplice", "cursor": "FuzzCursor", "interval": "FuzzParseInterval",
		"request line and query": "FuzzTarget", "headers": "FuzzHeaders", "prices": "FuzzLoad", "rate": "FuzzParseRate",
		"a file of many bodies": "FuzzSplit", "size": "FuzzByteSize",
	} {
		if !have[target] {
			t.Errorf("%s: there is no %s", what, target)
		}
	}
}
