//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// clientsDir is where real clients are installed, once; make clean removes it.
const clientsDir = ".clients"

// install is one folder with clients: what pins it, what fills it, and whether
// that has been tried.
type install struct {
	name  string   // of the folder in clientsDir
	tools []string // what must be on the machine
	pins  []string // files with the versions
	steps func(dir string) [][]string

	once sync.Once
	err  error
	out  []byte
}

var (
	// pythonClients holds OpenTelemetry, OpenInference, OpenLLMetry, Langfuse and
	// Pydantic AI, whose dependencies agree. extra.txt is installed without
	// dependencies: what traceloop-sdk pins disagrees with itself.
	pythonClients = &install{name: "python", tools: []string{"python3"}, pins: []string{"clients/python/requirements.txt", "clients/python/extra.txt"},
		steps: func(dir string) [][]string {
			return [][]string{
				{"python3", "-m", "venv", "--clear", dir},
				pip(dir, "-r", "clients/python/requirements.txt"),
				pip(dir, "--no-deps", "-r", "clients/python/extra.txt"),
			}
		}}
	// dynamiqClient is the SDK without most of its dependencies, see sdk/stubs.py.
	dynamiqClient = &install{name: "dynamiq", tools: []string{"python3"}, pins: []string{"sdk/requirements.txt", "sdk/dynamiq.txt"},
		steps: func(dir string) [][]string {
			return [][]string{
				{"python3", "-m", "venv", "--clear", dir},
				pip(dir, "-r", "sdk/requirements.txt"),
				pip(dir, "--no-deps", "-r", "sdk/dynamiq.txt"),
			}
		}}
	nodeClients = &install{name: "node", tools: []string{"node", "npm"}, pins: []string{"clients/node/package.json", "clients/node/package-lock.json"},
		steps: func(dir string) [][]string {
			return [][]string{
				{"cp", "clients/node/package.json", "clients/node/package-lock.json", dir},
				{"npm", "ci", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"},
			}
		}}
	// goClients is a module, which the Go tool fills by itself.
	goClients = &install{name: "go", tools: []string{"go"}, pins: []string{"clients/go/go.mod", "clients/go/go.sum"},
		steps: func(dir string) [][]string {
			return [][]string{
				{"cp", "clients/go/go.mod", "clients/go/go.sum", dir},
				{"go", "-C", dir, "mod", "download"},
			}
		}}
)

func pip(dir string, args ...string) []string {
	return append([]string{filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"}, args...)
}

// ready installs the clients if they are not there as pinned, and gives their
// folder. Without the tools or a registry it skips the test; under CI it fails.
func (i *install) ready(t *testing.T) string {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") != "" {
		missing = t.Fatalf
	}
	for _, tool := range i.tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing("real clients need %s, which is not on this machine", tool)
		}
	}
	i.install()
	if i.err != nil {
		missing("the clients in e2e/%s/%s cannot be installed: %v\n%s", clientsDir, i.name, i.err, i.out)
	}
	return mustAbs(t, filepath.Join(clientsDir, i.name))
}

// installAll begins to install all clients: together they take half as long as
// one after another, and the tests before theirs have no need of both cores.
func installAll() {
	for _, i := range []*install{dynamiqClient, pythonClients, nodeClients, goClients} {
		go i.install()
	}
}

func (i *install) install() {
	i.once.Do(func() {
		var dir string
		if dir, i.err = filepath.Abs(filepath.Join(clientsDir, i.name)); i.err == nil {
			i.out, i.err = i.fill(dir)
		}
	})
}

// fill installs into dir unless the mark in it says that all of it is there.
func (i *install) fill(dir string) (output []byte, err error) {
	sum := sha256.New()
	_, _ = sum.Write([]byte(runtime.GOOS + runtime.GOARCH))
	for _, file := range i.pins {
		pins, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		_, _ = sum.Write(pins)
	}
	mark, want := filepath.Join(dir, "installed"), []byte(hex.EncodeToString(sum.Sum(nil)))
	if have, err := os.ReadFile(mark); err == nil && bytes.Equal(have, want) {
		return nil, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, args := range i.steps(dir) {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return out, err
		}
	}
	return nil, os.WriteFile(mark, want, 0o644)
}
