//go:build linux

package ipptest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"jukicard/printer/ipp"
)

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`

// bus is a private system bus: ippeveprinter does not start without one, although it is
// told to advertise nothing.
func bus(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	socket, config := filepath.Join(dir, "bus"), filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, socket), 0o600); err != nil {
		t.Fatal(err)
	}
	ended, _ := Start(t, nil, Program(t, "dbus-daemon", "dbus-daemon"), "--config-file="+config, "--nofork", "--nopidfile")
	Until(t, "socket of the bus", ended, func() bool { _, err := os.Stat(socket); return err == nil })
	return []string{"DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + socket}
}

// Everywhere is OpenPrinting's ippeveprinter, the model of IPP Everywhere.
type Everywhere struct {
	URI   string // of the printer
	paper string // directory: each document printed is a file, and its attributes another
	gate  string // while this file is there, printing waits
	says  string // and these lines are the printer's state meanwhile
	spoil string // while this file is there, jobs fail
	t     *testing.T
}

// printCommand is the printer's print command: it waits at the gate and puts the document on
// "paper". The lines STATE: are ippeveprinter's way of being told of faults.
const printCommand = `#!/bin/sh
dir=$(dirname "$0")
[ -f "$dir/says" ] && cat "$dir/says" >&2
while [ -f "$dir/gate" ]; do sleep 0.02; done
[ -f "$dir/says" ] && sed 's/+/-/' "$dir/says" >&2
[ -f "$dir/spoil" ] && exit 1
n=$(ls "$dir/paper" | wc -l)
cp "$1" "$dir/paper/$n.tmp" && mv "$dir/paper/$n.tmp" "$dir/paper/$n-$IPP_JOB_NAME"
`

// NewEverywhere starts one that lives as long as the test.
func NewEverywhere(t *testing.T) *Everywhere {
	t.Helper()
	path := Program(t, "ippeveprinter", "cups-ipp-utils")
	env := bus(t)
	dir := t.TempDir()
	command := filepath.Join(dir, "print")
	for name := range map[string]bool{"paper": true, "spool": true} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(command, []byte(printCommand), 0o700); err != nil {
		t.Fatal(err)
	}
	port := FreePort(t)
	ended, _ := Start(t, env, path, "-r", "off", "-n", "localhost", "-p", fmt.Sprint(port), "-d", filepath.Join(dir, "spool"),
		"-c", command, "-f", "application/pdf,image/pwg-raster", "-v", "cardd test")
	Until(t, "port of ippeveprinter", ended, Listens(port))
	return &Everywhere{
		URI: fmt.Sprintf("ipp://localhost:%d/ipp/print", port), t: t,
		paper: filepath.Join(dir, "paper"), gate: filepath.Join(dir, "gate"), says: filepath.Join(dir, "says"), spoil: filepath.Join(dir, "spoil"),
	}
}

// Printer is the driver for it.
func (e *Everywhere) Printer() *ipp.Printer { return &ipp.Printer{URI: e.URI} }

// Hold has printing wait, with the printer in a state ("media-empty"; "" for none).
func (e *Everywhere) Hold(reasons string) {
	e.t.Helper()
	if reasons != "" {
		e.write(e.says, "STATE: +"+reasons+"\n")
	}
	e.write(e.gate, "")
}

// Release lets printing go on.
func (e *Everywhere) Release() {
	e.t.Helper()
	if err := os.Remove(e.gate); err != nil {
		e.t.Fatal(err)
	}
}

// Spoil has every job from now on fail.
func (e *Everywhere) Spoil() {
	e.t.Helper()
	e.write(e.spoil, "")
}

func (e *Everywhere) write(path, text string) {
	e.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// Printed are the documents on paper, in their order.
func (e *Everywhere) Printed() [][]byte {
	e.t.Helper()
	return Files(e.t, e.paper)
}

// Files are the contents of what lies in a directory of documents, by their names.
func Files(t *testing.T, dir string) [][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*-*"))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}
