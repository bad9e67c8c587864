// Package durable writes files so that a power cut leaves the old content or the new one.
// It leaves out locks: the caller keeps other writers out.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Mode is that of a file which is its owner's alone.
const Mode = 0o600

// WriteFile makes a file of that mode appear whole or not at all, also through a power
// cut: written beside, synced, renamed, and the rename synced. An error of the last step
// means that the file is there and may be gone after a power cut. What an interrupted
// write left beside it goes first: a file that is there keeps its mode, and a link is
// followed. Errors are those of package os.
func WriteFile(path string, content []byte, mode fs.FileMode) error {
	beside := path + ".new"
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(beside, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode)
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
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names in a folder durable. Windows has no such call; NTFS logs them.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
