package inline

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/api"
	"jukicard/cardd/internal/journal"
)

func (s *shop) socket() string { return filepath.Join(s.dir, "cardd.sock") }

// serve puts the shop's daemon behind a socket.
func (s *shop) serve(t *testing.T) *client.Client {
	t.Helper()
	socket := s.socket()
	ctx, stop := context.WithCancel(context.Background())
	server := api.New(ctx, s.Daemon, s.hub, slog.New(slog.NewTextHandler(io.Discard, nil)))
	l, err := api.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, l, time.Minute) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return client.New(socket)
}

// TestTheClerksView: a card is issued at a printer by its name, and the printer is looked
// at, over the socket.
func TestTheClerksView(t *testing.T) {
	s := newShop(t, machines[0])
	c := s.serve(t)
	a := s.apply()
	job, err := c.At(at).Issue(t.Context(), a.wire, a.pins, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Watch(t.Context(), job.ID, func(e client.Event) bool { return e.State == journal.Running }); err != nil {
		t.Fatal(err)
	}
	if job, err = c.Job(t.Context(), job.ID); err != nil || job.State != journal.Done || job.Station != at {
		t.Fatalf("job %+v: %v", job, err)
	}
	all, err := c.Printers(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v: %v", all, err)
	}
	p := all[0]
	if p.Name != at || p.Model != "XID580" || p.Printed != 1 || p.Position != "hopper" || p.Error != nil || p.Reader != in {
		t.Errorf("the printer is %+v", p)
	}
	s.press.SetSupplies(6, 3, 750, false)
	if one, err := c.Printer(t.Context(), at); err != nil || len(one.Warnings) == 0 || !strings.Contains(one.Warnings[0], "ribbon") {
		t.Errorf("a ribbon near its end is not warned of: %+v %v", one, err)
	}
	s.unplug()
	if one, err := c.Printer(t.Context(), at); err != nil || one.Error == nil || one.Error.Code != "PRINTER-LINK" {
		t.Errorf("a printer that is not there: %+v %v", one, err)
	}
	for name, do := range map[string]func() error{
		"an order for a printer that is none": func() error { _, err := c.At("window9").Issue(t.Context(), a.wire, a.pins, false); return err },
		"a printer that is none":              func() error { _, err := c.Printer(t.Context(), "window9"); return err },
		"the test card of one that is none":   func() error { _, err := c.Maintain(t.Context(), "window9", "test-card"); return err },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "PRINTER-UNKNOWN") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.judge(t)
}

// TestMaintenanceWaitsForTheCard: what a technician asks of a printer is refused while
// somebody's card is inside.
func TestMaintenanceWaitsForTheCard(t *testing.T) {
	s := newShop(t, machines[0])
	c := s.serve(t)
	if _, err := s.submit(s.apply()); err != nil { // its card stands at the chip station
		t.Fatal(err)
	}
	if _, err := c.Maintain(t.Context(), at, "test-card"); err == nil || !strings.Contains(err.Error(), "PRINTER-FAULT") {
		t.Errorf("a test card beside a resident's: %v", err)
	}
}

// TestACardctlAtTheWindow: the program itself issues a card inside the printer, and says
// what the printer will soon want while the clerk still stands there.
func TestACardctlAtTheWindow(t *testing.T) {
	program := filepath.Join(t.TempDir(), "cardctl")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, "../cardctl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := newShop(t, machines[0])
	s.serve(t)
	s.press.SetSupplies(6, 3, 750, false)
	a := s.apply()
	orderFile, pinsFile := filepath.Join(s.dir, "order.json"), filepath.Join(s.dir, "pins.json")
	for name, b := range map[string][]byte{orderFile: a.wire, pinsFile: a.pins} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said, err := s.say(t, program, "issue", orderFile, "--pins", pinsFile, "--station", at)
	if err != nil || !strings.Contains(said, "is issued and proven") || !strings.Contains(said, at+": ") || !strings.Contains(said, "ribbon") {
		t.Errorf("%v\n%s", err, said)
	}
	for _, row := range []struct{ command, want string }{
		{"printers", at}, {"printer status " + at, "warning"}, {"printer test-card " + at, "connect it by USB"}, {"printer clean " + at, "no command is known for it"},
	} {
		if said, err = s.say(t, program, strings.Fields(row.command)...); !strings.Contains(said, row.want) {
			t.Errorf("%s: %v\n%s", row.command, err, said)
		}
	}
	s.judge(t)
}

// say runs cardctl against the shop and gives all that it said.
func (s *shop) say(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, args...)
	c.Env = append(os.Environ(), "CARDD_SOCKET="+s.socket(), "LC_ALL=C")
	out, err := c.CombinedOutput()
	return string(out), err
}
