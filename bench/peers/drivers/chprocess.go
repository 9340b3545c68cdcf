package drivers

import (
	"bufio"
	_ "embed" // the program that runs ClickHouse
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

//go:embed clickhouse.py
var chProgram string

// chPython is a Python that has chdb-core: $PEERS_PYTHON, or python3.
func chPython() string {
	if p := os.Getenv("PEERS_PYTHON"); p != "" {
		return p
	}
	return "python3"
}

// chUnavailable says what is missing.
func chUnavailable() string {
	if err := exec.Command(chPython(), "-c", "import chdb.session").Run(); err != nil {
		return "python3 has no chdb (pip install chdb-core in a virtual environment, and its python in PEERS_PYTHON)"
	}
	return ""
}

// chProcess is ClickHouse in a process of its own, asked over pipes.
type chProcess struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startCH(dir string) (*chProcess, error) {
	p := &chProcess{cmd: exec.Command(chPython(), "-c", chProgram, dir)}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReaderSize(out, 1<<20)
	return p, p.cmd.Start()
}

func (p *chProcess) send(sql, format string, stream bool) error {
	line, err := json.Marshal(map[string]any{"sql": sql, "format": format, "stream": stream})
	if err != nil {
		return err
	}
	_, err = p.in.Write(append(line, '\n'))
	return err
}

// receive reads one answer.
func (p *chProcess) receive() ([]byte, error) {
	var word string
	var n int
	if _, err := fmt.Fscanf(p.out, "%s %d\n", &word, &n); err != nil {
		return nil, fmt.Errorf("ClickHouse: %w", err)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(p.out, data); err != nil {
		return nil, err
	}
	if word != "ok" {
		return nil, fmt.Errorf("ClickHouse: %s", data)
	}
	return data, nil
}

// query returns the whole answer in the format RowBinary.
func (p *chProcess) query(sql string) ([]byte, error) {
	if err := p.send(sql, "RowBinary", false); err != nil {
		return nil, err
	}
	return p.receive()
}

func (p *chProcess) close() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }
