package evolis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"jukicard/printer"
)

// commit prints what lies in the memory and finds out what became of the card.
func (p *Printer) commit(ctx context.Context, before, strokes uint64) error {
	r, err := p.link.exchange(ctx, p.opt.Timing.Print, "Se", nil)
	window := p.opt.Timing.Settle
	if err != nil {
		window = p.opt.Timing.Print // it may have been printing when the link broke
	}
	after, ask := p.settled(ctx, window, before, strokes)
	if ask != nil {
		return doubt(cause(err, ask))
	}
	if after == before+strokes {
		if err == nil && !r.ok() {
			p.hangs = hanging(r) // printed, and then it hung
		}
		return nil
	}
	return p.unprinted(ctx, r, err, before, after)
}

// cause is the first of two errors.
func cause(first, then error) error {
	if first != nil {
		return first
	}
	return then
}

func doubt(err error) error { return &printer.PrintError{Surface: printer.SurfaceUnknown, Err: err} }

// settled reads the counter until it has moved as far as it must, or has been asked for
// so long. When no answer came at all, the last reason is given.
func (p *Printer) settled(ctx context.Context, window time.Duration, before, strokes uint64) (uint64, error) {
	var last uint64
	var failed error
	known := false
	for range max(window/p.opt.Timing.Poll, 1) {
		n, err := p.counter(ctx)
		if err == nil {
			last, known = n, true
		} else {
			failed = err
		}
		if last >= before+strokes || p.opt.Pause(ctx, p.opt.Timing.Poll) != nil {
			break
		}
	}
	if known {
		return last, nil
	}
	return 0, failed
}

// unprinted says what is known of a card when the counter has not moved by what was
// printed. Ink may have reached it: Se had been sent. A ribbon that ended meanwhile has
// left it half printed, and so has a counter of panels that stopped between; everything
// else only an eye can decide.
func (p *Printer) unprinted(ctx context.Context, r reply, link error, before, after uint64) error {
	st, err := p.Status(ctx)
	switch {
	case link != nil:
		return doubt(link)
	case err != nil:
		return doubt(err)
	case r.ok():
		return doubt(fmt.Errorf("the printer says it has printed, and its counter went from %d to %d: look at the card; if it counts panels, say so in the configuration", before, after))
	}
	f := stops(st.Faults)
	if f == nil {
		f = hanging(r)
		p.hangs = f
	}
	fault := &printer.FaultError{Op: "print the face", Fault: printer.Fault{Code: string(r), Kind: f.Kind, Text: f.Text}}
	if p.opt.Counter == CountsPanels && after > before || ribbonOut(st) {
		return &printer.PrintError{Surface: printer.SurfaceSpoilt, Err: fault}
	}
	return doubt(fault)
}

// ribbonOut is whether the ribbon has ended.
func ribbonOut(st printer.Status) bool {
	return slices.ContainsFunc(st.Faults, func(f printer.Fault) bool { return strings.HasPrefix(f.Code, "Rrt") })
}
