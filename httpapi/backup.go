package httpapi

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/tracebed/tracebed/engine"
)

// backupBytes is the header that tells the length of a backup before it comes.
const backupBytes = "Tracebed-Bytes"

// backupStamp names backups by the time of their beginning.
const backupStamp = "20060102T150405Z"

// backupName is what a backup below BackupDir may be called: one plain
// directory, so that no name leads elsewhere.
var backupName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$`)

// oneBackup takes the right to make a backup: one at a time, because each holds
// back the space of what is deleted meanwhile.
func (c *call) oneBackup() (done func(), err error) {
	s := c.srv
	if !s.backups.TryLock() {
		return nil, unavailable("another backup is running; try again when it has ended", 30)
	}
	return s.backups.Unlock, nil
}

// streamBackup answers GET /v1/backup: a tar archive of a data directory.
func (c *call) streamBackup() error {
	h := &c.ctx.Response.Header
	h.SetContentType("application/x-tar")
	h.Set("Content-Disposition", disposition("tracebed-"+c.srv.opt.Now().UTC().Format(backupStamp), ".tar"))
	h.Set("Cache-Control", "no-store")
	if c.ctx.IsHead() {
		return nil
	}
	done, err := c.oneBackup()
	if err != nil {
		return err
	}
	defer done()
	s := newStream(c)
	defer s.abort()
	started := c.srv.opt.Now()
	err = c.srv.store.BackupTo(c.srv.base, s, func(n int64) { h.Set(backupBytes, strconv.FormatInt(n, 10)) })
	if err == nil {
		err = s.end(nil)
	}
	if err == nil {
		c.srv.stats.backups.Add(1)
		c.srv.stats.lastBackup.Store(started.Unix())
		c.audit("backup sent", "bytes", s.written)
	}
	return err
}

// makeBackup answers POST /v1/backup: a new directory below BackupDir, with
// hard links to the tables where the filesystem can.
func (c *call) makeBackup() error {
	raw, err := c.smallBody()
	if err != nil {
		return err
	}
	in := struct{ Name string }{}
	if len(raw) > 0 {
		if err := decodeStrict(raw, &in); err != nil {
			return badRequest(`the body must be empty or a JSON object: {"name": "…"}`)
		}
	}
	started := c.srv.opt.Now()
	if in.Name == "" {
		in.Name = started.UTC().Format(backupStamp)
	}
	switch {
	case c.srv.opt.BackupDir == "":
		return conflict("this server keeps no backups: start it with --backup-dir, or take the backup with GET /v1/backup")
	case !backupName.MatchString(in.Name):
		return badField("name", "must be 1 to 100 letters, digits, dots, dashes and underscores, and not begin with a dot")
	}
	done, err := c.oneBackup()
	if err != nil {
		return err
	}
	defer done()
	dir := filepath.Join(c.srv.opt.BackupDir, in.Name)
	if err := c.srv.store.Backup(c.srv.base, dir); err != nil {
		if errors.Is(err, engine.ErrInvalid) {
			return conflict("there is a backup of the name " + in.Name + "; choose another one")
		}
		return err
	}
	c.srv.stats.backups.Add(1)
	c.srv.stats.lastBackup.Store(started.Unix())
	c.audit("backup made", "name", in.Name)
	j, err := json.Marshal(map[string]string{"name": in.Name, "dir": dir})
	if err != nil {
		return err
	}
	c.data(j)
	return nil
}
