package softca

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"jukicard/durable"
	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// today is when the tests take place.
var today = time.Date(2026, 4, 1, 9, 30, 0, 0, pki.JST)

// made is a directory with keys, so that not every test generates six.
var made string

func TestMain(m *testing.M) {
	if os.Getenv(envVictim) != "" {
		victim() // see TestKilledProcess
		return
	}
	dir, err := os.MkdirTemp("", "softca")
	if err == nil {
		made = filepath.Join(dir, "ca")
		var a *Authority
		if a, err = Open(made, options()); err == nil {
			err = a.Close()
		}
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // best effort, in the system's temporary directory
	os.Exit(code)
}

func options() Options { return Options{Now: func() time.Time { return today }} }

// newDir is a copy of made: an authority that has issued nothing.
func newDir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ca")
	if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
		t.Fatal(err)
	}
	keys, _ := filepath.Glob(filepath.Join(dir, "*"+keyFile))
	for _, path := range keys { // CopyFS adds the bits of the umask's choice
		if err := os.Chmod(path, durable.Mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t testing.TB, dir string) *Authority {
	t.Helper()
	a, err := Open(dir, options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() }) // closed twice where the test reopens
	return a
}

func TestConformance(t *testing.T) {
	dirs := map[pki.Authority]string{}
	pkitest.Run(t, pkitest.Suite{
		Hierarchy: pki.Lab(),
		Today:     today,
		New: func(t testing.TB) pki.Authority {
			dir := newDir(t)
			a := open(t, dir)
			dirs[a] = dir
			return a
		},
		Reopen: func(t testing.TB, a pki.Authority) pki.Authority {
			if err := a.(*Authority).Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, dirs[a])
		},
	})
}
