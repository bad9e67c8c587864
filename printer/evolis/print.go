package evolis

import (
	"context"
	"errors"
	"fmt"
	"image"

	"jukicard/printer"
	"jukicard/printer/raster"
)

// side is one side's panels in the printer's own form.
type side struct {
	begin  order // Sr or Sv
	panels string
	planes raster.Planes
}

// Print downloads both sides, which the printer keeps in its memory, and prints them with
// Se. The counter decides: it is read before the first plane and after Se.
func (p *Printer) Print(ctx context.Context, f printer.Face, mark printer.Mark) error {
	blank := func(err error) error { return &printer.PrintError{Surface: printer.SurfaceBlank, Err: err} }
	sides, err := p.sides(f)
	if err != nil {
		return blank(err)
	}
	before, err := p.begin(ctx)
	if err != nil {
		return blank(err)
	}
	for _, s := range sides {
		if err := p.download(ctx, s); err != nil {
			return blank(err)
		}
	}
	if err := mark.Tell(printer.PlanesSent); err != nil {
		return blank(err)
	}
	if err := p.stillThere(ctx); err != nil {
		return blank(err)
	}
	if err := mark.Tell(printer.CommitSent); err != nil {
		return blank(err)
	}
	if err := p.commit(ctx, before, p.strokes(sides)); err != nil {
		return err
	}
	if err := mark.Tell(printer.CommitDone); err != nil {
		return &printer.PrintError{Surface: printer.SurfacePrinted, Err: err}
	}
	return nil
}

// strokes is by how much the counter must move.
func (p *Printer) strokes(sides []side) uint64 {
	if p.opt.Counter == CountsCards {
		return 1
	}
	n := 0
	for _, s := range sides {
		n += len(s.panels)
	}
	return uint64(n)
}

// unfit is a face that cannot be printed, found before anything is sent.
func unfit(format string, a ...any) error {
	return &printer.FaultError{Op: "print the face", Fault: printer.Fault{Code: "face", Kind: printer.Refused, Text: fmt.Sprintf(format, a...)}}
}

// sides turns a face into what the ribbon prints. A side without ink is left out. It
// refuses what does not fit before anything is sent.
func (p *Printer) sides(f printer.Face) ([]side, error) {
	if f.DPI != DPI {
		return nil, unfit("it has %d dpi and this printer %d: render it again", f.DPI, DPI)
	}
	var out []side
	for _, s := range []struct {
		begin  order
		panels string
		art    image.Image
	}{{"Sr", p.set.front, f.Front}, {"Sv", p.set.back, f.Back}} {
		if s.art == nil {
			continue
		}
		planes, err := fit(s.art)
		if err != nil {
			return nil, err
		}
		if !planes.Inked() {
			continue
		}
		if planes, err = shaded(planes, s.panels, p.opt.Shades); err != nil {
			return nil, err
		}
		out = append(out, side{s.begin, s.panels, upright(planes)})
	}
	if len(out) == 0 {
		return nil, unfit("neither side has anything on it: render it again")
	}
	return out, nil
}

// fit lays a side in the middle of the printer's bitmap, which is a little larger than
// the card: 1016 x 648 for 1011 x 638. Its colours go on over the edge.
func fit(art image.Image) (raster.Planes, error) {
	b := art.Bounds()
	if b.Dx() > lines || b.Dy() > pixels {
		return raster.Planes{}, unfit("a side has %d x %d dots and the bitmap %d x %d: render it again", b.Dx(), b.Dy(), lines, pixels)
	}
	return raster.Separate(art).Fit(lines, pixels, raster.Bleed)
}

// begin makes sure that a card is at the head and that nothing speaks against printing,
// reads the counter and begins a session with an empty memory.
func (p *Printer) begin(ctx context.Context) (uint64, error) {
	const op = "begin to print"
	st, err := p.Status(ctx)
	if err != nil {
		return 0, err
	}
	if st.Position != printer.Head {
		if st.Position == printer.Lost {
			return 0, &printer.FaultError{Op: op, Fault: p.lost()}
		}
		return 0, wrong(op, st.Position, "move it to the head first")
	}
	for _, f := range st.Faults {
		if f.Kind != printer.Wait && f.Kind != printer.Restarted {
			return 0, &printer.FaultError{Op: op, Fault: f}
		}
	}
	if err := p.setUp(ctx); err != nil {
		return 0, err
	}
	for _, o := range []order{
		order("Pr;" + p.opt.Ribbon), order(fmt.Sprintf("Pc;k;=;%d", p.opt.Contrast)), "Ss",
	} {
		if err := p.must(ctx, op, o); err != nil {
			return 0, err
		}
	}
	return p.counter(ctx)
}

// download brings a side's panels into the printer's memory. A broken link ends the
// session: the printer keeps what it has, prints none of it, and the next Ss drops it.
func (p *Printer) download(ctx context.Context, s side) error {
	const op = "send the face"
	if err := p.same(ctx, op, s.begin, nil); err != nil {
		return err
	}
	for i := range len(s.panels) {
		o, data := order("Wcb;o;255"), []byte(nil) // the overlay covers the whole card
		if which := s.panels[i]; which != overlay {
			o, data = panel(s.planes, which, p.opt.Shades).download(which, p.opt.Plain)
		}
		if err := p.same(ctx, op, o, data); err != nil {
			return err
		}
	}
	return nil
}

// errHungUp is a session whose link was lost in between.
var errHungUp = errors.New("cannot go on with the face: the link was lost in between")

// same gives an order on the connection that there is: a new one would have a new session.
func (p *Printer) same(ctx context.Context, op string, o order, data []byte) error {
	if p.link.Wire == nil {
		return errHungUp
	}
	r, err := p.link.exchange(ctx, p.opt.Timing.Plane, o, data)
	if err == nil && !r.ok() {
		return p.why(ctx, op, r)
	}
	return err
}

// stillThere asks once more, before ink: a printer that lost its power between the
// planes and Se has an empty memory and would eject the card unprinted.
func (p *Printer) stillThere(ctx context.Context) error {
	const op = "print the face"
	if p.link.Wire == nil {
		return errHungUp
	}
	r, err := p.ask(ctx, "Rem")
	if err != nil {
		return err
	}
	if forgot(r) {
		p.forgot = true
		return &printer.FaultError{Op: op, Fault: restarted()}
	}
	at, err := p.position(ctx)
	if err == nil && at != printer.Head {
		return wrong(op, at, "it has left the head")
	}
	return err
}
