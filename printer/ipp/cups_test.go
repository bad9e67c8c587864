//go:build linux

package ipp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/OpenPrinting/goipp"

	"jukicard/printer"
	"jukicard/printer/ipp"
	"jukicard/printer/ipp/ipptest"
)

const cupsdConf = `Listen 127.0.0.1:%d
LogLevel info
DefaultAuthType None
WebInterface No
Browsing No
JobRetryInterval 1
<Location />
  Order allow,deny
  Allow 127.0.0.1
</Location>
<Policy default>
  <Limit All>
    Order deny,allow
  </Limit>
</Policy>
`

const cupsFilesConf = `ServerRoot %[1]s/root
StateDir %[1]s/state
RequestRoot %[1]s/spool
TempDir %[1]s/spool/tmp
CacheDir %[1]s/cache
AccessLog %[1]s/access
ErrorLog stderr
PageLog %[1]s/page
SystemGroup root
`

// cups is a private CUPS with one raw queue, letters, to a port of ours.
func cups(t *testing.T, device string) *ipp.Printer {
	t.Helper()
	cupsd, lpadmin := ipptest.Program(t, "cupsd", "cups"), ipptest.Program(t, "lpadmin", "cups-client")
	// Not below the test's own directory, which only root may enter: the backends
	// run as lp.
	dir, err := os.MkdirTemp("", "cups")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	port := ipptest.FreePort(t)
	for _, d := range []string{"root", "state", "spool/tmp", "cache"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	conf, files := filepath.Join(dir, "cupsd.conf"), filepath.Join(dir, "cups-files.conf")
	if err := errors.Join(os.WriteFile(conf, fmt.Appendf(nil, cupsdConf, port), 0o644), os.WriteFile(files, fmt.Appendf(nil, cupsFilesConf, dir), 0o644)); err != nil {
		t.Fatal(err)
	}
	ended, _ := ipptest.Start(t, nil, cupsd, "-f", "-c", conf, "-s", files)
	ipptest.Until(t, "port of cupsd", ended, ipptest.Listens(port))
	server := fmt.Sprintf("127.0.0.1:%d", port)
	if out, err := exec.CommandContext(within(t), lpadmin, "-h", server, "-p", "letters", "-E", "-v", device).CombinedOutput(); err != nil {
		t.Fatalf("lpadmin: %v: %s", err, out)
	}
	return &ipp.Printer{URI: "ipp://" + server + "/printers/letters"}
}

// sink takes what is sent to a port, as a printer on port 9100 does.
func sink(t *testing.T, port int) <-chan []byte {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	came, done := make(chan []byte, 10), make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b, err := io.ReadAll(c)
			_ = c.Close()
			if err == nil && len(b) > 0 {
				came <- b
			}
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return came
}

// TestRawQueueOfCUPS: the raster arrives byte for byte at the far end, once, although
// the answer was lost.
func TestRawQueueOfCUPS(t *testing.T) {
	port := ipptest.FreePort(t)
	came := sink(t, port)
	p := cups(t, fmt.Sprintf("socket://127.0.0.1:%d", port))
	s, err := p.Status(within(t))
	if err != nil || s.State != ipp.Idle || !s.Accepting || len(s.Faults) > 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	p.Transport = &loss{op: goipp.OpSendDocument, answer: true}
	j := job(t, "raster")
	j.Media, j.Sides = "", "" // a raw queue knows none
	for range 2 {
		if err := p.Print(within(t), j); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-came; !bytes.Equal(got, j.Document) {
		t.Errorf("%d bytes came, and not those of the raster", len(got))
	}
	j.Name = "next"
	if err := p.Print(within(t), j); err != nil {
		t.Fatal(err)
	}
	<-came
	if len(came) > 0 {
		t.Error("something came twice")
	}
}

// TestPrinterOfCUPSIsOff: the queue takes the job and waits; when the printer comes it
// is printed, by the same name, once.
func TestPrinterOfCUPSIsOff(t *testing.T) {
	port := ipptest.FreePort(t)
	p := cups(t, fmt.Sprintf("socket://127.0.0.1:%d/?contimeout=60", port))
	j := job(t, "waits")
	j.Media, j.Sides = "", ""
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := p.Print(ctx, j)
	is(t, err, printer.SurfaceUnknown)
	if errors.As(err, new(*ipp.LinkError)) || errors.As(err, new(*ipp.StatusError)) {
		t.Errorf("got %v", err)
	}
	if err := p.Cancel(within(t), j.Name); err != nil {
		t.Fatal(err)
	}
	if err := p.Print(within(t), j); err == nil {
		t.Error("a canceled job was sent again")
	}
	came := sink(t, port)
	j.Name = "another"
	if err := p.Print(within(t), j); err != nil {
		t.Fatal(err)
	}
	if got := <-came; !bytes.Equal(got, j.Document) || len(came) > 0 {
		t.Errorf("%d bytes came, and %d jobs more", len(got), len(came))
	}
}

func TestNoQueue(t *testing.T) {
	port := ipptest.FreePort(t)
	p := &ipp.Printer{URI: fmt.Sprintf("ipp://127.0.0.1:%d/ipp/print", port)}
	_, err := p.Status(within(t))
	if !errors.As(err, new(*ipp.LinkError)) {
		t.Errorf("got %v", err)
	}
	is(t, p.Print(within(t), job(t, "nowhere")), printer.SurfaceUnknown)
}
