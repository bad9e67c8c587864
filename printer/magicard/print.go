package magicard

import (
	"context"
	"errors"
	"fmt"
	"image"

	"jukicard/printer"
	"jukicard/printer/raster"
	"jukicard/printer/wire"
)

// before is what the printer said before a job.
type before struct {
	printed uint64
	used    int
}

// Print sends the job but for its closing 03, tells the stages, sends the 03 and asks
// until the counter moves or an error shows. The printer delivers the card by itself.
func (p *Printer) Print(ctx context.Context, f printer.Face, mark printer.Mark) error {
	blank := func(err error) error { return &printer.PrintError{Surface: printer.SurfaceBlank, Err: err} }
	sides, err := fit(f, p.family.lines)
	if err != nil {
		return blank(err)
	}
	was, held, rest, err := p.job(ctx, sides)
	if err != nil {
		return blank(err)
	}
	if err := p.hold(ctx, held); err != nil {
		return blank(err)
	}
	if err := mark.Tell(printer.PlanesSent); err != nil {
		return blank(p.abandon(err))
	}
	if err := mark.Tell(printer.CommitSent); err != nil {
		return blank(p.abandon(err))
	}
	if err := p.commit(ctx, was, rest); err != nil {
		return err
	}
	if err := mark.Tell(printer.CommitDone); err != nil {
		return &printer.PrintError{Surface: printer.SurfacePrinted, Err: err}
	}
	return nil
}

// abandon hangs up in the middle of a job: the printer must not take what comes next for
// its end.
func (p *Printer) abandon(err error) error {
	p.owed = true
	return errors.Join(err, p.link.Close())
}

// unfit is a face that cannot be printed, found before anything is sent.
func unfit(format string, a ...any) error {
	return &printer.FaultError{Op: "print the face", Fault: printer.Fault{Code: "face", Kind: printer.Refused, Text: fmt.Sprintf(format, a...)}}
}

// sideOf is a side laid in the middle of the image. The printer wants a front.
type sideOf struct {
	raster.Planes
	back bool
}

// fit separates the sides and lays them in the middle of the image. A back without ink is
// left out.
func fit(f printer.Face, width int) ([]sideOf, error) {
	if f.DPI != DPI {
		return nil, unfit("it has %d dpi and this printer %d: render it again", f.DPI, DPI)
	}
	if f.Front == nil {
		return nil, unfit("it has no front: render it again")
	}
	var out []sideOf
	some := false
	for n, art := range []image.Image{f.Front, f.Back} {
		if art == nil {
			continue
		}
		if b := art.Bounds(); b.Dx() > 1016 || b.Dy() > rows {
			return nil, unfit("a side has %d x %d dots and the image %d x %d: render it again", b.Dx(), b.Dy(), width, rows)
		}
		p, err := raster.Separate(art).Fit(width, rows, raster.Bleed)
		if err != nil {
			return nil, unfit("%v", err)
		}
		has := p.Inked()
		if some = some || has; n == 0 || has {
			out = append(out, sideOf{p, n == 1})
		}
	}
	if !some {
		return nil, unfit("neither side has anything on it: render it again")
	}
	return out, nil
}

// job makes sure that the printer can print now, and makes the frames: held up to the
// first closing 03, rest from there on.
func (p *Printer) job(ctx context.Context, sides []sideOf) (was before, held, rest []byte, err error) {
	const op = "begin to print"
	p.doubtPlace()
	if p.at != printer.Head {
		fault := printer.Fault{Code: "no card", Kind: printer.Refused, Text: fmt.Sprintf("the card is at %s: move it to the head first", p.at)}
		if p.at == printer.Lost {
			fault = lost()
		}
		return was, nil, nil, &printer.FaultError{Op: op, Fault: fault}
	}
	if err := p.clear(ctx, op, true); err != nil {
		return was, nil, nil, err
	}
	i, err := p.info(ctx)
	if err != nil {
		return was, nil, nil, err
	}
	was = before{i.printed(), i.count(infoUsed)}
	f, head, err := p.family.of(i)
	if err != nil {
		return was, nil, nil, err
	}
	pages := make([]page, len(sides))
	for n, s := range sides {
		if pages[n], err = f.newPage(s.Planes, s.back && p.opt.ResinBack, head); err != nil {
			return was, nil, nil, err
		}
	}
	stamp := p.opt.Now().Unix()
	if len(pages) == 1 {
		return was, f.frame(pages[0], 1, nil, stamp), []byte{end}, nil
	}
	rest = append([]byte{end}, f.frame(pages[1], 2, nil, stamp)...)
	return was, f.frame(pages[0], 1, &pages[1], stamp), append(rest, end), nil
}

// hold sends what the printer keeps without printing it.
func (p *Printer) hold(ctx context.Context, b []byte) error {
	p.owed = true
	return p.link.send(ctx, p.opt.Timing.Job, b)
}

// commit sends the rest and finds out what became of the card.
func (p *Printer) commit(ctx context.Context, was before, rest []byte) error {
	p.judging = true
	defer func() { p.judging = false }()
	p.place(printer.Lost)
	err := p.link.send(ctx, p.opt.Timing.Job, rest)
	if err == nil {
		p.owed = false
	}
	i, t, ask := p.watch(ctx, was)
	switch {
	case i != nil && i.printed() == was.printed+1:
		p.owed = false
		if t.none() {
			p.at, p.delivered, p.leaving = printer.Hopper, true, true // else printed, and stuck on its way out
		}
		return nil
	case err != nil:
		return doubt(err)
	case ask != nil:
		return doubt(ask)
	case t.none():
		return doubt(fmt.Errorf("the printer shows no error, and its counter went from %d to %d: look at the card", was.printed, i.printed()))
	}
	return p.spoilt(t, i, was)
}

func doubt(err error) error { return &printer.PrintError{Surface: printer.SurfaceUnknown, Err: err} }

// watch asks until the counter moves, an error shows or it has asked for so long; that
// the port shows an end does not end it. Of the answers the last one is given; with none,
// why.
func (p *Printer) watch(ctx context.Context, was before) (last info, t trouble, failed error) {
	for range max(p.opt.Timing.Print/p.opt.Timing.Poll, 1) {
		var link *wire.Error
		if _, err := p.rest(ctx, p.opt.Timing.Poll); err != nil && !errors.As(err, &link) {
			return last, t, err
		}
		i, err := p.info(ctx)
		if err == nil {
			last = i
			t, err = p.trouble(ctx, i)
		}
		if err == nil && (last.printed() != was.printed || !t.none()) {
			return last, t, nil
		}
		if err != nil {
			failed = err
		}
	}
	if last != nil {
		return last, t, nil
	}
	return nil, t, failed
}

// spoilt says what an error after the commit leaves of the face. When no card was fed no
// ink was used; when film was used up and no card counted, ink is on this one; everything
// else only an eye can decide.
func (p *Printer) spoilt(t trouble, i info, was before) error {
	err := &printer.FaultError{Op: "print the face", Fault: t.fault(true)}
	used := i.count(infoUsed)
	switch {
	case i.printed() != was.printed:
		return doubt(err)
	case t.notFed():
		p.at = printer.Hopper
		return &printer.PrintError{Surface: printer.SurfaceBlank, Err: err}
	case used >= 0 && was.used >= 0 && used > was.used:
		return &printer.PrintError{Surface: printer.SurfaceSpoilt, Err: err}
	}
	return doubt(err)
}
