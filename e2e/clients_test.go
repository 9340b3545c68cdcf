//go:build e2e

package e2e

import (
	"bytes"
	"flag"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tracebed/tracebed/e2e/fakellm"
)

const clientsDoc = "../docs/clients.md"

var update = flag.Bool("update", false, "write what the clients show into docs/clients.md")

// fence is a block of the page: its language, name and text.
var fence = regexp.MustCompile("(?ms)^```(\\w+) ([\\w.-]+)\n(.*?)^```$")

// docBlocks are the named blocks of docs/clients.md.
func docBlocks(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile(clientsDoc)
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]string{}
	for _, m := range fence.FindAllStringSubmatch(string(page), -1) {
		if _, twice := blocks[m[2]]; twice {
			t.Fatalf("two blocks are named %s", m[2])
		}
		blocks[m[2]] = m[3]
	}
	return blocks
}

// The address and the token that the page shows.
const (
	docAddress = "http://127.0.0.1:8787"
	docToken   = "tb_your_token"
)

// documented is a client of the page: its blocks env and shows, and the file
// with its code.
var documented = []struct {
	env, file string
	in        *install
}{
	{"dynamiq", "dynamiq.py", dynamiqClient},
	{"langfuse", "langfuse.py", pythonClients},
	{"openinference", "openinference.py", pythonClients},
	{"openllmetry", "openllmetry.py", pythonClients},
	{"traceloop", "traceloop.py", pythonClients},
	{"pydantic", "pydantic.py", pythonClients},
	{"vercel", "vercel.mjs", nodeClients},
	{"otel-python", "otel_python.py", pythonClients},
	{"otel-node", "otel_node.mjs", nodeClients},
	{"otel-go", "otel_go.go", goClients},
}

// TestClients runs the code of docs/clients.md as it stands there, with the
// settings that stand there, and compares what the API then says with what the
// page says it shows.
func TestClients(t *testing.T) {
	blocks := docBlocks(t)
	llm := httptest.NewServer(fakellm.Handler())
	defer llm.Close()
	for _, c := range documented {
		name := strings.TrimSuffix(c.file, filepath.Ext(c.file))
		t.Run(name, func(t *testing.T) {
			dir := c.in.ready(t)
			code, env, want := blocks[c.file], blocks[c.env+".env"], blocks[name+".shows"]
			if code == "" || env == "" {
				t.Fatal("docs/clients.md lacks its code or its settings")
			}
			s := start(t, filepath.Join(t.TempDir(), "data"))
			runClient(t, s, llm.URL, dir, c.file, code, env)
			got := shown(t, s)
			if *update {
				setShown(t, name+".shows", got)
			} else if got != want {
				t.Errorf("docs/clients.md says\n%s\nit shows\n%s", want, got)
			}
		})
	}
}

// runClient runs code under the settings env, which are lines of a shell. The
// address and the token of the page become those of s; nothing else changes.
func runClient(t *testing.T, s *server, llm, dir, file, code, env string, more ...string) (stdout []byte) {
	t.Helper()
	work := filepath.Join(dir, "run", strings.ReplaceAll(t.Name(), "/", "_"))
	if err := os.MkdirAll(work, 0o755); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(work, "app_"+file) // never the name of a module
	if err := os.WriteFile(file, []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	env = strings.NewReplacer(docAddress, s.url, docToken, s.token).Replace(env)
	var args []string
	switch filepath.Ext(file) {
	case ".py":
		args = []string{filepath.Join(dir, "bin", "python"), file}
		if dir == mustAbs(t, filepath.Join(clientsDir, "dynamiq")) {
			args = []string{filepath.Join(dir, "bin", "python"), mustAbs(t, "sdk/run.py"), file}
		}
	case ".mjs":
		args = []string{"node", file}
	case ".go":
		args = []string{"go", "run", file}
	}
	cmd := exec.Command("sh", append([]string{"-euc", env + "\nexec \"$@\"", "sh"}, args...)...)
	cmd.Dir, cmd.WaitDelay = work, time.Second
	cmd.Env = append(append(cleanEnv(), quiet...), "OPENAI_API_KEY=none", "OPENAI_BASE_URL="+llm+"/v1", "OPENAI_URL="+llm+"/v1")
	cmd.Env = append(cmd.Env, more...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	if lost := lostData.Find(append(errOut.Bytes(), out.Bytes()...)); err != nil || lost != nil {
		t.Fatalf("%v, %q:\n%s%s", err, lost, errOut.Bytes(), out.Bytes())
	}
	return out.Bytes()
}

// lostData is how the clients say that a server did not take something.
var lostData = regexp.MustCompile(`(?i)failed to (send|export)|exporter error|exporting failed|transient error|failed to upload|traces export`)

// quiet keeps clients from talking to anything but the test.
var quiet = []string{
	"NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost", "PYTHONUNBUFFERED=1", "CGO_ENABLED=0",
	"LITELLM_LOCAL_MODEL_COST_MAP=True", "LITELLM_TELEMETRY=False", "TRACELOOP_TELEMETRY=false", "OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none",
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// setShown writes a block of the page.
func setShown(t *testing.T, name, text string) {
	t.Helper()
	page, err := os.ReadFile(clientsDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), "```text "+name+"\n")
	_, after, ok2 := strings.Cut(rest, "```\n")
	if !ok || !ok2 {
		t.Fatalf("docs/clients.md has no block %s", name)
	}
	page = []byte(before + "```text " + name + "\n" + text + "```\n" + after)
	if err := os.WriteFile(clientsDoc, page, 0o644); err != nil {
		t.Fatal(err)
	}
}

// pinned matches name==1.2.3, name[extra]==1.2.3, name@1.2.3 and name@v1.2.3.
var pinned = regexp.MustCompile(`([\w@./-]*\w)(?:\[\w+\])?(==|@v?)(\d[\w.]*\w)`)

// TestDocumentedVersions: the page tells to install what is tested here.
func TestDocumentedVersions(t *testing.T) {
	pins := ""
	for _, in := range []*install{pythonClients, dynamiqClient, nodeClients, goClients} {
		for _, file := range in.pins {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pins += string(b)
		}
	}
	found := 0
	for name, block := range docBlocks(t) {
		if !strings.HasSuffix(name, ".install") {
			continue
		}
		for _, m := range pinned.FindAllStringSubmatch(block, -1) {
			found++
			pip, npm, mod := m[1]+"=="+m[3]+"\n", `"`+m[1]+`": "`+m[3]+`"`, m[1]+" v"+m[3]+"\n"
			if !strings.Contains(pins, pip) && !strings.Contains(pins, npm) && !strings.Contains(pins, mod) {
				t.Errorf("%s: %s is not what is pinned here", name, m[0])
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d versions found on the page", found)
	}
}
