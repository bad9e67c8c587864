package acceptance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"jukicard/simulator/bed"
)

// What TestMain makes for all tests.
var (
	programs string   // folder with cardd, cardctl and cardsim
	scratch  string   // folder of all that outlives one test
	readers  *bed.Bed // nil where pcscd or its virtual reader is missing
	noBed    error    // then this says what to install
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot set up the acceptance tests:", err)
		code = 1
	}
	os.Exit(code)
}

// run builds the programs and starts pcscd around the tests.
func run(m *testing.M) (code int, err error) {
	if scratch, err = os.MkdirTemp("", "acceptance"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	programs = filepath.Join(scratch, "bin")
	if err := build(programs); err != nil {
		return 1, err
	}
	readers, noBed = bed.Up(context.Background(), bed.Options{Readers: bed.ReadersMax})
	if noBed != nil && !errors.Is(noBed, bed.ErrNotInstalled) {
		return 1, noBed
	}
	if readers != nil {
		defer func() { err = errors.Join(err, readers.Close()) }()
		if err := os.Setenv(bed.EnvSocket, readers.Socket()); err != nil {
			return 1, err
		}
		fillPool()
	}
	code = m.Run()
	return code, closeDesk()
}

// build compiles the programs as `make build` does.
func build(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", dir+string(filepath.Separator), "jukicard/cardd", "jukicard/cardd/cardctl", "jukicard/cardd/cardsim")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}

// program is the path of one of ours.
func program(name string) string { return filepath.Join(programs, name) }

// foreign finds a program that nobody here wrote. A test without it is skipped,
// but fails under continuous integration, where everything must be judged.
func foreign(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		lacking(t, name, debian)
	}
	return path
}

// debianPython is Debian's own interpreter, which sees Debian's packages; another
// that comes first in PATH does not.
const debianPython = "/usr/bin/python3"

// python finds an interpreter with the modules.
func python(t testing.TB, modules map[string]string) string {
	t.Helper()
	if _, err := os.Stat(debianPython); err != nil {
		lacking(t, "python3", "python3")
	}
	for module, debian := range modules {
		if exec.Command(debianPython, "-c", "import "+module).Run() != nil {
			lacking(t, "the Python module "+module, debian)
		}
	}
	return debianPython
}

// file finds a file that a package brings.
func file(t testing.TB, debian string, paths ...string) string {
	t.Helper()
	for _, pattern := range paths {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	lacking(t, paths[0], debian)
	return ""
}

func lacking(t testing.TB, what, debian string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed: apt-get install %s", what, debian)
	}
	t.Skipf("%s is not installed: apt-get install %s", what, debian)
}

// needReaders skips where there is no pcscd with virtual readers.
func needReaders(t testing.TB) {
	t.Helper()
	switch {
	case noBed == nil:
	case os.Getenv("CI") != "":
		t.Fatal(noBed)
	default:
		t.Skip(noBed)
	}
}

// output runs a program and gives all it says; it must succeed.
func output(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", filepath.Base(name), args, err, out)
	}
	return string(out)
}
