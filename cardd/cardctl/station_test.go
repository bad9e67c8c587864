package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/api"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/station"
	"jukicard/simulator"
	"jukicard/simulator/people"
)

// console is a cardctl in this process, on a simulated desk.
type console struct {
	app
	out, err bytes.Buffer
}

func newConsole(desk *simulator.Desk) *console {
	c := &console{}
	c.in, c.app.out, c.app.err, c.readers = bytes.NewReader(nil), &c.out, &c.err, desk
	return c
}

// types sets what is typed.
func (c *console) types(text string) *console {
	c.in = bytes.NewReader([]byte(text))
	return c
}

// do runs one command line and checks its exit status.
func (c *console) do(t *testing.T, want int, args ...string) *console {
	t.Helper()
	t.Setenv("LC_ALL", "C")
	if got := c.run(t.Context(), args); got != want {
		t.Fatalf("%v: exit status %d, want %d\n%s%s", args, got, want, &c.out, &c.err)
	}
	return c
}

// serveDaemon runs a laboratory's daemon over the desk until the test ends; commands
// find it by its configuration.
func serveDaemon(t testing.TB, desk *simulator.Desk) {
	t.Helper()
	dir, err := os.MkdirTemp("", "cardctl") // short: a socket goes there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, value := range map[string]string{"CARDD_STATE_DIR": filepath.Join(dir, "state"), "CARDD_SOCKET": filepath.Join(dir, "s"), "CARDD_LAB": "true"} {
		t.(interface{ Setenv(key, value string) }).Setenv(name, value)
	}
	c, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	hub := api.NewHub()
	var server *api.Server
	d, err := daemon.Open(t.Context(), c, daemon.Options{
		Readers: desk, Log: log, Watch: hub.Tell, Lab: func(job string, l station.Lab) { server.KeepLab(job, l) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	server = api.New(ctx, d, hub, log)
	l, err := api.Listen(c.Socket)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, l, time.Minute) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serving ended with %v", err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

func blank(t testing.TB) *simulator.Card {
	t.Helper()
	return blankOf(t, generations()[0], "")
}

// blankOf is a blank card of a generation, kept in a file unless that is empty.
func blankOf(t testing.TB, p *profile.Card, file string) *simulator.Card {
	t.Helper()
	card, err := simulator.NewBlank(simulator.Options{Profile: p, LabKey: simulator.LabTestKey, Master: simulator.LabTestKey, StateFile: file})
	if err != nil {
		t.Fatal(err)
	}
	return card
}

// person writes an invented person's files and gives the folder.
func person(t testing.TB, name string) string {
	t.Helper()
	p, err := people.Get(name, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := people.Write(dir, p); err != nil {
		t.Fatal(err)
	}
	return dir
}

// issuedOnce keeps the state of one issued card for all tests, by the person it is for.
var issuedOnce = struct {
	sync.Mutex
	states map[string][]byte
}{states: map[string][]byte{}}

// issued is a card issued for the adult, each time as it was when it was done.
func issued(t *testing.T) *simulator.Card {
	t.Helper()
	return issuedFor(t, "adult")
}

// issuedFor is issued for anybody, on a card of the generation that the order names.
func issuedFor(t *testing.T, who string) *simulator.Card {
	t.Helper()
	issuedOnce.Lock()
	defer issuedOnce.Unlock()
	if issuedOnce.states[who] == nil {
		issuedOnce.states[who] = issue(t, who)
	}
	file := filepath.Join(t.TempDir(), "card")
	if err := os.WriteFile(file, issuedOnce.states[who], 0o600); err != nil {
		t.Fatal(err)
	}
	card, err := simulator.Load(file, simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return card
}

// issue issues a card for a person and gives its state.
func issue(t *testing.T, who string) []byte {
	t.Helper()
	dir := person(t, who)
	sent, err := newConsole(nil).readApplication(dir + "/order.json")
	if err != nil {
		t.Fatal(err)
	}
	defer sent.destroy()
	p, err := profile.Shared(sent.order.Profile)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "card")
	desk := simulator.NewDesk("Desk 0")
	desk.Insert(0, blankOf(t, p, file))
	serveDaemon(t, desk)
	newConsole(desk).do(t, 0, "issue", dir+"/order.json", "--pins", dir+"/pins.json")
	desk.Remove(0)
	state, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// deskWith is a desk with these cards in readers of their own.
func deskWith(cards ...simulator.ProcessingCard) *simulator.Desk {
	desk := simulator.NewDesk()
	for i, c := range cards {
		n := desk.Attach("Desk " + string(rune('0'+i)))
		if c != nil {
			desk.Insert(n, c)
		}
	}
	return desk
}
