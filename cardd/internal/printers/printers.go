// Package printers opens the card printers that the configuration names, each by its kind
// and its address, and keeps one printer for one owner at a time.
//
// A printer that is switched off is no reason not to start: it is dialled when it is first
// needed, and again after its link failed. Which printer it is its serial number says.
package printers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// Spec is one printer as it is configured.
type Spec struct {
	Name    string
	Kind    string // one of Kinds
	Address string // see Address
	Ribbon  string // the maker's letters; empty for the kind's usual one
}

// Printer is a configured printer. Its methods may be called by several goroutines, and
// are carried out one after the other.
type Printer struct {
	Spec
	open func(context.Context) (printer.Device, error)

	mu     sync.Mutex
	device printer.Device // nil until it is needed, and after Close

	last     sync.Mutex
	status   printer.Status // the latest, for whoever asks while it is at work
	observed bool
}

// New is a printer; nothing is dialled. Its error names what is wrong with the spec.
func New(s Spec) (*Printer, error) {
	k, ok := kinds[s.Kind]
	if !ok {
		return nil, fmt.Errorf("cannot use the printer %s: its kind is none of %v", s.Name, Kinds())
	}
	a, err := ParseAddress(s.Address)
	if err != nil {
		return nil, fmt.Errorf("cannot use the printer %s: %w", s.Name, err)
	}
	d, err := a.Dialer(k.usb, k.port)
	if err != nil {
		return nil, fmt.Errorf("cannot use the printer %s at %s: %w", s.Name, s.Address, err)
	}
	return &Printer{Spec: s, open: func(ctx context.Context) (printer.Device, error) { return k.open(ctx, d, a, s) }}, nil
}

// Over is a printer that is opened by open, for what is no kind of the configuration.
func Over(s Spec, open func(context.Context) (printer.Device, error)) *Printer {
	return &Printer{Spec: s, open: open}
}

// Kinds are the kinds of printer there are, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// Found is a printer on the USB bus.
type Found struct {
	Kind, Address string // as the configuration would write them
	Name          string // as it calls itself
}

// Attached lists the printers on the USB bus whose kind is known.
func Attached(ctx context.Context) ([]Found, error) {
	all, err := wire.List(ctx)
	var found []Found
	for _, at := range all {
		for _, name := range Kinds() {
			k := kinds[name]
			if k.usb.Vendor != at.Vendor || k.usb.Product != 0 && k.usb.Product != at.Product {
				continue
			}
			address := "usb"
			if at.Serial != "" {
				address += ":" + at.Serial
			}
			found = append(found, Found{Kind: name, Address: address, Name: at.Name})
		}
	}
	return found, err
}

// use lends the open printer to f.
func (p *Printer) use(ctx context.Context, f func(printer.Device) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.device == nil {
		d, err := p.open(ctx)
		if err != nil {
			return err
		}
		p.device = d
	}
	return f(p.device)
}

// Status implements printer.Device.
func (p *Printer) Status(ctx context.Context) (st printer.Status, err error) {
	err = p.use(ctx, func(d printer.Device) error {
		st, err = d.Status(ctx)
		return err
	})
	if err == nil {
		p.last.Lock()
		p.status, p.observed = st, true
		p.last.Unlock()
	}
	return st, err
}

// Glance is Status for who must not wait: while the printer is at work it is the latest
// known, with a fault of the kind Wait that says so.
func (p *Printer) Glance(ctx context.Context) (printer.Status, error) {
	if p.mu.TryLock() {
		p.mu.Unlock()
		return p.Status(ctx)
	}
	p.last.Lock()
	defer p.last.Unlock()
	st := printer.Status{Position: printer.Lost}
	if p.observed {
		st = p.status
	}
	st.Faults = append(slices.Clone(st.Faults), printer.Fault{Code: "BUSY", Kind: printer.Wait, Text: "the printer is at work"})
	return st, nil
}

// Move implements printer.Device.
func (p *Printer) Move(ctx context.Context, to printer.Position) error {
	return p.use(ctx, func(d printer.Device) error { return d.Move(ctx, to) })
}

// Print implements printer.Device.
func (p *Printer) Print(ctx context.Context, f printer.Face, mark printer.Mark) error {
	err := p.use(ctx, func(d printer.Device) error { return d.Print(ctx, f, mark) })
	var print *printer.PrintError
	if err != nil && !errors.As(err, &print) { // it could not even be opened
		err = &printer.PrintError{Surface: printer.SurfaceBlank, Err: err}
	}
	return err
}

// Surface implements printer.Judge: by the driver where it knows more than its counter.
func (p *Printer) Surface(ctx context.Context, before uint64) (s printer.Surface, err error) {
	err = p.use(ctx, func(d printer.Device) error {
		if judge, ok := d.(printer.Judge); ok {
			s, err = judge.Surface(ctx, before)
			return err
		}
		st, err := d.Status(ctx)
		s = st.Since(before)
		return err
	})
	if err != nil {
		return printer.SurfaceUnknown, err
	}
	return s, nil
}

// TakenOut implements printer.Emptied, for printers that see by themselves that no card is
// inside it does nothing.
func (p *Printer) TakenOut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.device.(printer.Emptied); ok {
		e.TakenOut()
	}
}

// Identity implements printer.Identifier.
func (p *Printer) Identity(ctx context.Context) (id printer.Identity, err error) {
	err = p.use(ctx, func(d printer.Device) error {
		who, ok := d.(printer.Identifier)
		if !ok {
			return p.lacks("say which printer it is")
		}
		id, err = who.Identity(ctx)
		return err
	})
	return id, err
}

// Clean implements printer.Maintainer.
func (p *Printer) Clean(ctx context.Context) error {
	return p.maintain("run its cleaning cycle", func(m printer.Maintainer) error { return m.Clean(ctx) }, ctx)
}

// PrintTest implements printer.Maintainer.
func (p *Printer) PrintTest(ctx context.Context) error {
	return p.maintain("print its own test card", func(m printer.Maintainer) error { return m.PrintTest(ctx) }, ctx)
}

func (p *Printer) maintain(what string, f func(printer.Maintainer) error, ctx context.Context) error {
	return p.use(ctx, func(d printer.Device) error {
		m, ok := d.(printer.Maintainer)
		if !ok {
			return p.lacks(what)
		}
		return f(m)
	})
}

// lacks is a printer that has no command for something.
func (p *Printer) lacks(what string) error {
	return &printer.FaultError{Op: what, Fault: printer.Fault{
		Code: "NO-COMMAND", Kind: printer.Refused, Text: "no command for it is known for this kind of printer: use the printer's own menu or button",
	}}
}

// Close lets go of the printer. The card inside stays where it is.
func (p *Printer) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.device.(io.Closer)
	p.device = nil
	if ok {
		return c.Close()
	}
	return nil
}
