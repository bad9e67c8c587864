package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

const modeOwner = 0o600

// writeDurably makes a file appear whole or not at all, also through a power cut:
// written beside, synced, renamed, and the rename synced. What an interrupted write left
// beside it goes first: a file that is there keeps its mode, and a link is followed.
func writeDurably(path string, content []byte) error {
	beside := path + ".new"
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(beside, os.O_CREATE|os.O_WRONLY|os.O_EXCL, modeOwner)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	if err := os.Rename(beside, path); err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename durable. Windows has no such call; NTFS logs renames.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// private refuses a file that others may read or write, and one of another user: to
// change it would make it this user's, and lock the other out.
func private(path string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("cannot use %s: it is not a file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0: // Windows has no such bits
		return fmt.Errorf("cannot use %s: others may read or write it (mode %04o); chmod 600 it, and think who may have read it", path, info.Mode().Perm())
	case !ownedByUs(info):
		return fmt.Errorf("cannot use %s: it belongs to another user; run this as that user", path)
	}
	return nil
}
