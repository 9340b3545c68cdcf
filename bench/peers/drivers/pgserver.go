package drivers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// pgSettings of the server. Commits wait for fsync (synchronous_commit is on by
// default, and named here because the comparison rests on it).
var pgSettings = []string{
	"listen_addresses=", "synchronous_commit=on", "fsync=on", "full_page_writes=on",
	"shared_buffers=1GB", "effective_cache_size=4GB", "work_mem=32MB", "maintenance_work_mem=256MB",
	"wal_compression=lz4", "max_wal_size=4GB", "checkpoint_timeout=15min", "checkpoint_completion_target=0.9",
	"random_page_cost=1.1", "jit=off", "max_connections=20", "log_min_messages=fatal",
}

// pgProgram finds a program of the newest server installed; "" when there is
// none.
func pgProgram(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) > 0 {
		return slices.Max(found)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// pgUnavailable says what is missing.
func pgUnavailable() string {
	if pgProgram("initdb") == "" || pgProgram("postgres") == "" {
		return "no server is installed (Debian: apt-get install postgresql)"
	}
	if os.Getuid() == 0 {
		if _, err := user.Lookup("postgres"); err != nil {
			return "the server does not run as root, and there is no user postgres"
		}
	}
	return ""
}

// pgServer is a server of our own on a socket inside its directory.
type pgServer struct {
	cmd    *exec.Cmd
	socket string
}

// as makes cmd run as the user postgres where we are root.
func as(cmd *exec.Cmd, own ...string) (*exec.Cmd, error) {
	cmd.Dir = "/"
	if os.Getuid() != 0 {
		return cmd, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	for _, path := range own {
		err1 = errors.Join(err1, os.Chown(path, uid, gid))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, Pdeathsig: syscall.SIGQUIT,
	}
	return cmd, errors.Join(err1, err2)
}

func startPG(ctx context.Context, dir string) (*pgServer, error) {
	data := filepath.Join(dir, "data")
	if os.Getuid() == 0 { // the server's user must get to its directory
		if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
			return nil, err
		}
	}
	// The socket's path may have 107 bytes only, so it is not in dir.
	socket, err := os.MkdirTemp("", "pg-")
	if err != nil {
		return nil, err
	}
	s := &pgServer{socket: socket}
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err != nil {
		if err := os.MkdirAll(data, 0o700); err != nil {
			return nil, err
		}
		init, err := as(exec.CommandContext(ctx, pgProgram("initdb"), "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C"), data)
		if err != nil {
			return nil, err
		}
		if out, err := init.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("initdb: %w: %s", err, out)
		}
	}
	args := []string{"-D", data, "-k", socket}
	for _, set := range pgSettings {
		args = append(args, "-c", set)
	}
	if s.cmd, err = as(exec.Command(pgProgram("postgres"), args...), socket); err != nil {
		return nil, err
	}
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for range 300 {
		// The last line of the file says how far the server is.
		if text, err := os.ReadFile(filepath.Join(data, "postmaster.pid")); err == nil && bytes.Contains(text, []byte("ready")) {
			return s, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil, errors.Join(errors.New("the server does not listen"), s.stop())
}

// stop is a fast shutdown: clients are dropped, a checkpoint is written.
func (s *pgServer) stop() error {
	err := s.cmd.Process.Signal(syscall.SIGINT)
	return errors.Join(err, s.cmd.Wait(), os.RemoveAll(s.socket))
}
