package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func init() {
	children["full"] = onFullDisk
	children["readonly"] = onReadOnlyDisk
}

// inNamespace plays a role in a mount namespace of its own, where it may mount a
// small disk without anybody else seeing it.
func inNamespace(t *testing.T, role string) {
	t.Helper()
	cmd := child(t, role, t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	var said strings.Builder
	cmd.Stderr = &said
	err := cmd.Run()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || strings.Contains(said.String(), "cannot mount") {
		t.Skipf("no right to mount a small disk: run as root or allow user namespaces (%v %s)", err, &said)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, &said)
	}
}

func TestAppendOnAFullDiskLosesNothing(t *testing.T) { inNamespace(t, "full") }

func TestReadOnlyDiskIsRefusedInClearWords(t *testing.T) { inNamespace(t, "readonly") }

// mount puts a disk of 2 MiB at dir, seen by this process alone.
func mount(dir string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot mount: %w", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		return fmt.Errorf("cannot mount: %w", err)
	}
	return nil
}

// onFullDisk fills a real disk to the last byte, sees Append refuse, makes room
// and goes on: nothing acknowledged is lost and the chain holds.
func onFullDisk(dir string) error {
	if err := mount(dir); err != nil {
		return err
	}
	ctx := context.Background()
	path := filepath.Join(dir, "journal.db")
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 512<<10), 0o600); err != nil {
		return err
	}
	j, err := Open(ctx, path)
	if err != nil {
		return err
	}
	if err := j.Create(ctx, sample("1"), nil); err != nil {
		return err
	}
	written := 0
	for ; err == nil; written++ {
		_, err = j.Append(ctx, "1", Record{Kind: Intent, Body: []byte(`"` + strings.Repeat("x", 8000) + `"`)})
	}
	written--
	if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "free some space") {
		return fmt.Errorf("after %d records: got %v, want %v", written, err, ErrFull)
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if _, err := j.Append(ctx, "1", Record{Kind: Intent}); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	return errors.Join(holds(ctx, j, written+1), j.Close())
}

// onReadOnlyDisk opens a journal, an absent one and one in an absent folder where
// nothing can be written.
func onReadOnlyDisk(dir string) error {
	if err := mount(dir); err != nil {
		return err
	}
	ctx := context.Background()
	path := filepath.Join(dir, "journal.db")
	j, err := Open(ctx, path)
	if err != nil {
		return err
	}
	if err := errors.Join(j.Create(ctx, sample("1"), nil), j.Close()); err != nil {
		return err
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("cannot mount: %w", err)
	}
	for _, p := range []string{path, filepath.Join(dir, "other.db"), filepath.Join(dir, "new", "journal.db")} {
		if _, err := Open(ctx, p); !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "right to write") {
			return fmt.Errorf("%s: got %v, want %v", p, err, ErrReadOnly)
		}
	}
	return nil
}

func holds(ctx context.Context, j *Journal, want int) error {
	records, err := j.Records(ctx, "1")
	if err != nil {
		return err
	}
	if len(records) != want {
		return fmt.Errorf("%d records are there, want %d", len(records), want)
	}
	return j.Verify(ctx)
}
