//go:build linux

package usbbed

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// library is where Debian keeps the preload library, for any architecture.
const library = "/usr/lib/*/libumockdev-preload.so.0"

// preload is the preload library's path.
func preload() (string, error) {
	found, err := filepath.Glob(library)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("cannot simulate USB: %s is missing: apt-get install umockdev", library)
	}
	return found[0], nil
}

// The environment of a test program on its bed: the directory, and which process it is
// for; a child that runs tests itself makes a bed of its own.
const (
	envDir   = "UMOCKDEV_DIR"
	envOwner = "CARDD_USBBED_OWNER"
)

// Main is a TestMain for tests that need USB:
//
//	func TestMain(m *testing.M) { os.Exit(usbbed.Main(m)) }
//
// It runs the test program again, in its own place, with the preload library before
// every other and an empty bus. Programs that the tests start are not on it unless they
// are given Bed.Env. Where the library is missing the tests run without a bus.
func Main(m *testing.M) int {
	dir := os.Getenv(envDir)
	if os.Getenv(envOwner) != strconv.Itoa(os.Getpid()) {
		if err := again(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			_ = os.Unsetenv(envDir)
		}
		return m.Run() // again does not return otherwise
	}
	// The library is in this process now. It reads the directory's name at every
	// call, so that stays.
	_ = os.Unsetenv("LD_PRELOAD")
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

// again replaces this process by the same program on a new bus.
func again() error {
	lib, err := preload()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("/tmp", "usbbed") // short, whatever TMPDIR is
	if err != nil {
		return err
	}
	for name, value := range map[string]string{envDir: dir, envOwner: strconv.Itoa(os.Getpid()), "LD_PRELOAD": lib} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return unix.Exec(self, os.Args, os.Environ())
}

var shared = sync.OnceValues(func() (*Bed, error) { return New(os.Getenv(envDir)) })

// For is the bus of this test program, one for all its tests: give each device a serial
// number of its own. It skips the test where the preload library is missing.
func For(t testing.TB) *Bed {
	t.Helper()
	if _, err := preload(); err != nil {
		t.Skip(err)
	}
	if os.Getenv(envOwner) != strconv.Itoa(os.Getpid()) {
		t.Fatal("cannot simulate USB: have TestMain call usbbed.Main")
	}
	b, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
