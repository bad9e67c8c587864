package xid

import (
	"context"
	"errors"
	"fmt"
	"image"

	"jukicard/printer"
	"jukicard/printer/raster"
)

// side is one side's planes as the printer takes them.
type side struct {
	planes [panels][]byte
	print  []panel // those that are printed; none of a side without ink
}

// printing is one card on its way.
type printing struct {
	p       *Printer
	sides   []side // those with ink, front first
	turn    bool   // the front has none: the card is turned over first
	mark    printer.Mark
	before  uint64
	surface printer.Surface // what is known of the card as it goes on
}

// Print prints the card at the head. The package comment says what its stages are.
func (p *Printer) Print(ctx context.Context, f printer.Face, mark printer.Mark) error {
	job := &printing{p: p, mark: mark, surface: printer.SurfaceBlank}
	if err := job.run(ctx, f); err != nil {
		return &printer.PrintError{Surface: job.surface, Err: err}
	}
	return nil
}

func (j *printing) run(ctx context.Context, f printer.Face) error {
	if err := j.p.connect(ctx); err != nil { // its model says the size
		return err
	}
	if err := j.separate(f); err != nil {
		return err
	}
	if err := j.check(ctx); err != nil {
		return err
	}
	if err := j.prepare(ctx); err != nil {
		return err
	}
	for _, s := range []printer.Stage{printer.PlanesSent, printer.CommitSent} {
		if err := j.mark.Tell(s); err != nil {
			return err
		}
	}
	if err := j.commit(ctx); err != nil {
		return err
	}
	j.surface = printer.SurfacePrinted
	return j.mark.Tell(printer.CommitDone)
}

// separate makes the planes.
func (j *printing) separate(f printer.Face) error {
	const op = "print the face"
	m := j.p.model
	if f.DPI != m.dpi {
		return refusal(op, fmt.Sprintf("it is drawn at %d dpi: this printer has %d", f.DPI, m.dpi))
	}
	for i, img := range []image.Image{f.Front, f.Back} {
		s, err := m.side(img)
		if err != nil {
			return refusal(op, err.Error())
		}
		if s.print == nil {
			j.turn = j.turn || i == 0
			continue
		}
		j.sides = append(j.sides, s)
	}
	if len(j.sides) == 0 {
		return refusal(op, "neither side has any ink")
	}
	return nil
}

// side separates an image. Yellow, magenta and cyan are printed all three or none: over
// USB they are one set, and a plane that was not sent would be another card's.
func (m model) side(img image.Image) (side, error) {
	if img == nil {
		return side{}, nil
	}
	// The film is larger than the card, so that ink reaches its edges.
	fitted, err := raster.Separate(img).Fit(m.plane.width, m.plane.height, raster.Bleed)
	if err != nil {
		return side{}, err
	}
	if m.turned {
		fitted = fitted.Rotate180()
	}
	s := side{planes: [panels][]byte{yellow: fitted.Y, magenta: fitted.M, cyan: fitted.C, black: fitted.K}}
	if raster.Inked(fitted.Y) || raster.Inked(fitted.M) || raster.Inked(fitted.C) {
		s.print = append(s.print, yellow, magenta, cyan)
	}
	if raster.Inked(fitted.K) {
		s.print = append(s.print, black)
	}
	return s, nil
}

// check looks before anything is sent: the card's place, the ribbon, the counter.
func (j *printing) check(ctx context.Context) error {
	const op = "print the face"
	if err := j.p.settle(ctx, op, false); err != nil {
		return err
	}
	at, why, err := j.p.position(ctx)
	switch {
	case err != nil:
		return err
	case why != nil:
		return &printer.FaultError{Op: op, Fault: why.Fault}
	case at != printer.Head:
		return refusal(op, fmt.Sprintf("the card is at %s and not under the head", at))
	}
	left, err := j.p.ask(ctx, "read the supplies", order{op: opSupplies})
	if err != nil {
		return err
	}
	if f, lacks := left.ribbon.lacks(); lacks {
		return &printer.FaultError{Op: op, Fault: f}
	}
	count, err := j.p.ask(ctx, "read the counters", order{op: opCounters})
	j.before = count.total
	return err
}

// lacks is what of ribbon and film would stop a print.
func (r ribbon) lacks() (printer.Fault, bool) {
	switch {
	case r.kind == ribbonUnknown:
		return fault(0x0003B000), true
	case r.left == 0:
		return fault(0x0003B200), true
	case r.film == 0:
		return fault(0x0003A100), true
	}
	return printer.Fault{}, false
}

// prepare brings the first side onto the film and the second into the printer's memory.
// The card takes no ink.
func (j *printing) prepare(ctx context.Context) error {
	if j.turn {
		if err := j.p.drive(ctx, "turn the card over", order{op: opMove, place: atHead, flip: true}); err != nil {
			return err
		}
	}
	if err := j.send(ctx, j.sides[0]); err != nil {
		return err
	}
	if err := j.film(ctx, j.sides[0]); err != nil {
		return err
	}
	if len(j.sides) > 1 {
		return j.send(ctx, j.sides[1])
	}
	return nil
}

func (j *printing) send(ctx context.Context, s side) error {
	for _, panel := range s.print {
		if _, err := j.p.ask(ctx, "send a plane", order{op: opPlane, panel: panel, data: s.planes[panel]}); err != nil {
			return err
		}
	}
	_, err := j.p.ask(ctx, "send the planes", order{op: opPlanes})
	return err
}

func (j *printing) film(ctx context.Context, s side) error {
	return j.p.drive(ctx, "print on film", order{op: opFilm, print: s.print})
}

// commit transfers what is on the film, and the second side after it.
func (j *printing) commit(ctx context.Context) error {
	if len(j.sides) > 1 {
		if err := j.transfer(ctx, thenFlip); err != nil {
			return err
		}
		j.surface = printer.SurfaceSpoilt
		if err := j.counts(ctx, 0); err != nil {
			return err
		}
		if err := j.film(ctx, j.sides[1]); err != nil {
			return err
		}
	}
	if err := j.transfer(ctx, thenReturn); err != nil {
		return err
	}
	return j.counts(ctx, 1)
}

// transfer brings film to the card. What the printer refuses with a code of the class 0005
// it has not begun; of any other failure nobody knows how far it came.
func (j *printing) transfer(ctx context.Context, then then) error {
	const op = "transfer the film to the card"
	if err := j.p.settle(ctx, op, false); err != nil {
		return err
	}
	before := j.surface
	j.surface = printer.SurfaceUnknown
	_, err := j.p.ask(ctx, op, order{op: opTransfer, then: then})
	var refused *printer.FaultError
	if errors.As(err, &refused) && refused.Fault.Kind == printer.Refused {
		j.surface = before
	}
	if err != nil {
		return err
	}
	return j.p.settle(ctx, op, false)
}

// counts reads the counter, which must have moved by so many since the print was begun.
func (j *printing) counts(ctx context.Context, moved uint64) error {
	a, err := j.p.ask(ctx, "read the counters", order{op: opCounters})
	if err != nil {
		return err
	}
	if a.total == j.before+moved {
		return nil
	}
	return &printer.FaultError{Op: "print the face", Fault: printer.Fault{
		Code: "-", Kind: printer.Broken,
		Text: fmt.Sprintf("its counter went from %d to %d where it should have moved by %d: look at the card, and report the printer's model and firmware", j.before, a.total, moved),
	}}
}
