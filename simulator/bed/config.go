package bed

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Where Debian puts the vpcd driver; the first that is there is taken.
var driverPaths = []string{
	"/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
	"/usr/lib/*/pcsc/drivers/serial/libifdvpcd.so",
}

const logTailMax = 600 // bytes of pcscd.log shown in an error

// tools are the programs a bed is made of.
type tools struct {
	pcscd  string
	driver string
	sh     string
}

func findTools() (tools, error) {
	var t tools
	var err error
	if t.pcscd, err = findProgram("pcscd", "/usr/sbin/pcscd"); err != nil {
		return t, fmt.Errorf("pcscd is %w: apt-get install pcscd", ErrNotInstalled)
	}
	if t.sh, err = findProgram("sh", "/bin/sh"); err != nil {
		return t, fmt.Errorf("sh is %w: apt-get install dash", ErrNotInstalled)
	}
	for _, pattern := range driverPaths {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			t.driver = found[0]
			return t, nil
		}
	}
	return t, fmt.Errorf("the virtual reader's driver is %w: apt-get install vsmartcard-vpcd", ErrNotInstalled)
}

// findProgram looks in PATH and then at the usual place: /usr/sbin is not in an
// ordinary user's PATH.
func findProgram(name, usual string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	return exec.LookPath(usual)
}

// copyDrivers gives each reader entry its own copy of the driver: the driver
// keeps its state in global variables, and the loader loads one file once.
func (b *Bed) copyDrivers() error {
	for _, d := range []string{b.runDir(), b.confDir(), b.libDir(), b.noneDir()} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	body, err := os.ReadFile(b.tools.driver)
	if err != nil {
		return err
	}
	for i := range b.readers / slotsPerDriver {
		if err := os.WriteFile(b.driverFile(i), body, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// writeConfig clears what a former pcscd left and writes one reader.conf entry
// for each driver copy (reader.conf(5)).
func (b *Bed) writeConfig() error {
	for _, d := range []string{b.runDir(), b.confDir()} {
		if err := empty(d); err != nil {
			return err
		}
	}
	for i := range b.readers / slotsPerDriver {
		port := b.base + slotsPerDriver*i
		entry := fmt.Sprintf("FRIENDLYNAME %q\nDEVICENAME /dev/null:%d\nLIBPATH %s\nCHANNELID %d\n",
			friendlyName(i), port, b.driverFile(i), port)
		if err := os.WriteFile(filepath.Join(b.confDir(), fmt.Sprintf("vpcd%d", i)), []byte(entry), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bed) confDir() string { return confDir(b.dir) }
func (b *Bed) libDir() string  { return filepath.Join(b.dir, "lib") }
func (b *Bed) noneDir() string { return noneDir(b.dir) }

func confDir(dir string) string { return filepath.Join(dir, "conf") }

// noneDir is empty: it is laid over the drivers of USB readers.
func noneDir(dir string) string { return filepath.Join(dir, "none") }

func (b *Bed) driverFile(i int) string {
	return filepath.Join(b.libDir(), fmt.Sprintf("libifdvpcd%d.so", i))
}

func (b *Bed) logTail() string {
	text, err := os.ReadFile(b.Log())
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-logTailMax):]))
}
