package durable

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestWriteFile: whatever stands beside the file, what is there afterwards is the whole
// of the new content, its owner's alone, and nothing else.
func TestWriteFile(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other")
	for _, row := range []struct {
		name   string
		before func(path string) error
	}{
		{"nothing is there", func(string) error { return nil }},
		{"an older file", func(path string) error { return os.WriteFile(path, []byte("a longer older content"), Mode) }},
		{"a torn one beside it that others may read", func(path string) error {
			return errors.Join(os.WriteFile(path+".new", []byte("torn, and longer than it"), 0o600), os.Chmod(path+".new", 0o644))
		}},
		{"a link beside it", func(path string) error {
			return errors.Join(os.WriteFile(other, []byte("mine"), 0o600), os.Symlink(other, path+".new"))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			if err := row.before(path); err != nil {
				t.Fatal(err)
			}
			if err := WriteFile(path, []byte("new content"), Mode); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(b, []byte("new content")) {
				t.Errorf("%q, %v", b, err)
			}
			if info, err := os.Lstat(path); err != nil || info.Mode() != Mode {
				t.Errorf("%v, %v", info.Mode(), err)
			}
			if all, err := os.ReadDir(filepath.Dir(path)); err != nil || len(all) != 1 {
				t.Errorf("%v, %v", all, err)
			}
		})
	}
	if b, err := os.ReadFile(other); err != nil || string(b) != "mine" {
		t.Errorf("the link was followed: %q, %v", b, err)
	}
}

// TestWriteFileThatCannot leaves what was there.
func TestWriteFileThatCannot(t *testing.T) {
	dir := t.TempDir()
	for _, row := range []struct {
		name, path string
		before     func() error
	}{
		{"no folder", filepath.Join(dir, "none", "key"), func() error { return nil }},
		{"a folder beside it", filepath.Join(dir, "a"), func() error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "a"), []byte("old"), Mode), os.MkdirAll(filepath.Join(dir, "a.new", "full"), 0o700))
		}},
		{"a folder in its place", filepath.Join(dir, "b"), func() error { return os.MkdirAll(filepath.Join(dir, "b", "full"), 0o700) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := row.before(); err != nil {
				t.Fatal(err)
			}
			if err := WriteFile(row.path, []byte("new"), Mode); err == nil {
				t.Error("it was written")
			}
		})
	}
	if b, err := os.ReadFile(filepath.Join(dir, "a")); err != nil || string(b) != "old" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "b.new")); err == nil {
		t.Error("half of a write is left")
	}
}
