package main

import (
	"bytes"
	"strings"
	"testing"

	"jukicard/cardd/client"
)

var steps = []client.Event{
	{State: "running", Total: 3},
	{State: "running", Step: "open text", Total: 3},
	{State: "running", Step: "open text", Result: "ok", Done: 1, Total: 3},
	{State: "running", Step: "update text/number", Result: "ok", Done: 2, Total: 3},
	{State: "held", Done: 2, Total: 3},
}

func TestStepLines(t *testing.T) {
	var b bytes.Buffer
	p := &stepLines{w: &b}
	for _, e := range steps {
		p.show(e)
	}
	p.end()
	if want := "  1/3  open text: ok\n  2/3  update text/number: ok\n"; b.String() != want {
		t.Errorf("%q, want %q", &b, want)
	}
}

func TestBar(t *testing.T) {
	var b bytes.Buffer
	p := &bar{w: &b, columns: func() int { return 40 }}
	p.show(client.Event{})
	if b.Len() > 0 {
		t.Error("a bar without steps")
	}
	for _, e := range steps {
		p.show(e)
	}
	p.end()
	lines := strings.Split(b.String(), "\r")
	if got := lines[4]; got != "[################........] 2/3  update \x1b[K" {
		t.Errorf("%q", got)
	}
	for _, l := range lines {
		if n := len(strings.TrimSuffix(strings.TrimRight(l, "\n"), "\x1b[K")); n >= 40 {
			t.Errorf("%d columns in %q", n, l)
		}
	}
	if !strings.HasSuffix(b.String(), "\n") {
		t.Error("the bar's line is not ended")
	}
}

func TestProgressBesideJSON(t *testing.T) {
	c := newConsole(nil)
	c.json = true
	p := c.newProgress()
	p.show(steps[2])
	p.end()
	if c.err.Len()+c.out.Len() > 0 {
		t.Errorf("%s%s", &c.err, &c.out)
	}
}
