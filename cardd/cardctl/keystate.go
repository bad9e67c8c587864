package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// saveState writes v as JSON so that it appears whole or not at all, also through a
// power cut: written beside, synced, renamed, and the rename synced.
func saveState(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("internal error: cannot encode a state: " + err.Error())
	}
	return saveFile(path, append(text, '\n'))
}

// saveFile is saveState for text. The folder is made where it is missing.
func saveFile(path string, text []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot keep state: %w", err)
	}
	boundary()
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) { // its mode would stay
		return fmt.Errorf("cannot keep state: %w", err)
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("cannot keep state: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("cannot keep state: %w", err), os.Remove(f.Name()))
	}
	boundary()
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("cannot keep state: %w", err)
	}
	boundary()
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot keep state: %w", err)
	}
	_ = d.Sync() // not every system syncs folders
	return d.Close()
}

// loadState reads what saveState wrote; false when there is none.
func loadState(path string, v any) (bool, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return false, fmt.Errorf("cannot read state %s: %w", path, err)
	}
	return true, nil
}
