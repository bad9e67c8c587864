package main

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"

	"jukicard/cardd/client"
)

// progress shows how a job goes on.
type progress interface {
	show(e client.Event)
	end() // nothing more is shown
}

// newProgress is a bar on a terminal, else a line a step; nothing beside JSON.
func (a *app) newProgress() progress {
	if a.json {
		return silent{}
	}
	if fd, ok := terminal(a.err); ok {
		return &bar{w: a.err, columns: func() int {
			n, _, err := term.GetSize(fd)
			if err != nil || n <= 0 {
				return columnsUsual
			}
			return n
		}}
	}
	return &stepLines{w: a.err}
}

type silent struct{}

func (silent) show(client.Event) {}
func (silent) end()              {}

// stepLines writes a line when a step has ended.
type stepLines struct{ w io.Writer }

func (l *stepLines) show(e client.Event) {
	if e.Step != "" && e.Result != "" {
		_, _ = fmt.Fprintf(l.w, "%3d/%d  %s: %s\n", e.Done, e.Total, e.Step, e.Result)
	}
}

func (l *stepLines) end() {}

const (
	columnsUsual = 80
	barColumns   = 24
)

// bar draws one line over and over.
type bar struct {
	w       io.Writer
	columns func() int
	drawn   bool
}

func (b *bar) show(e client.Event) {
	if e.Total == 0 {
		return
	}
	full := barColumns * e.Done / e.Total
	line := fmt.Sprintf("[%s%s] %d/%d  %s", strings.Repeat("#", full), strings.Repeat(".", barColumns-full), e.Done, e.Total, e.Step)
	if most := b.columns() - 1; len(line) > most { // steps are named in ASCII
		line = line[:most]
	}
	_, _ = fmt.Fprintf(b.w, "\r%s\x1b[K", line) // EL: to the end of the line (ECMA-48, 8.3.41)
	b.drawn = true
}

func (b *bar) end() {
	if b.drawn {
		_, _ = fmt.Fprintln(b.w)
	}
}
