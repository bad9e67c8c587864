// Package pngfile is a card printer that prints into PNG files, one pair a card:
// for previews, for laboratories, for stations whose cards are printed elsewhere
// from the files. It has no mechanics: a card is always under the head.
//
// Its counter is durable and moves before the print is told done, like a real
// printer's: it decides after a crash whether a face was printed.
package pngfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"jukicard/durable"
	"jukicard/printer"
	"jukicard/printer/raster"
)

// Printer keeps faces in a directory: front-00001.png, back-00001.png, and counter.
type Printer struct {
	dir string
	mu  sync.Mutex
}

const counterFile = "counter"

// Open uses dir, which it makes (mode 0700: faces are personal data).
func Open(dir string) (*Printer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot open printer directory: %w", err)
	}
	return &Printer{dir: dir}, nil
}

// Status tells the counter.
func (p *Printer) Status(context.Context) (printer.Status, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.count()
	return printer.Status{Position: printer.Head, CardsPrinted: n}, err
}

// Move does nothing: there is no card to move.
func (p *Printer) Move(context.Context, printer.Position) error { return nil }

// Print writes both sides, makes them durable, and moves the counter last: the
// commit point is the counter's rename.
func (p *Printer) Print(_ context.Context, f printer.Face, mark printer.Mark) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.print(f, mark); err != nil {
		return &printer.PrintError{Surface: printer.SurfaceBlank, Err: err}
	}
	if err := mark.Tell(printer.CommitDone); err != nil {
		return &printer.PrintError{Surface: printer.SurfacePrinted, Err: err}
	}
	return nil
}

// quick compresses little: a file that is looked at and thrown away need not be small, and
// a print took longer than all the other steps of a card together.
var quick = png.Encoder{CompressionLevel: png.BestSpeed}

func (p *Printer) print(f printer.Face, mark printer.Mark) error {
	n, err := p.count()
	if err != nil {
		return err
	}
	n++
	for name, side := range map[string]image.Image{"front": f.Front, "back": f.Back} {
		if side == nil {
			return fmt.Errorf("cannot print: the face has no %s", name)
		}
		var picture bytes.Buffer
		if err := quick.Encode(&picture, raster.Look(side)); err != nil {
			return fmt.Errorf("cannot print: %w", err)
		}
		if err := p.write(fmt.Sprintf("%s-%05d.png", name, n), picture.Bytes()); err != nil {
			return err
		}
	}
	for _, stage := range []printer.Stage{printer.PlanesSent, printer.CommitSent} {
		if err := mark.Tell(stage); err != nil {
			return err
		}
	}
	return p.write(counterFile, fmt.Appendln(nil, n))
}

// Surface implements printer.Judge: the counter's rename is the commit, so a counter that
// has not moved means that nothing was printed.
func (p *Printer) Surface(ctx context.Context, before uint64) (printer.Surface, error) {
	st, err := p.Status(ctx)
	switch {
	case err != nil:
		return printer.SurfaceUnknown, err
	case st.CardsPrinted == before:
		return printer.SurfaceBlank, nil
	}
	return st.Since(before), nil
}

// Front and Back are the paths of the n-th card's sides, n from 1.
func (p *Printer) Front(n uint64) string {
	return filepath.Join(p.dir, fmt.Sprintf("front-%05d.png", n))
}

// Back is the path of the n-th card's back.
func (p *Printer) Back(n uint64) string { return filepath.Join(p.dir, fmt.Sprintf("back-%05d.png", n)) }

func (p *Printer) count() (uint64, error) {
	b, err := os.ReadFile(filepath.Join(p.dir, counterFile))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("cannot read the printer's counter: %w", err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("cannot read the printer's counter: the file %s holds no number; mend it by hand", counterFile)
	}
	return n, nil
}

// write puts a file there whole and durable.
func (p *Printer) write(name string, content []byte) error {
	if err := durable.WriteFile(filepath.Join(p.dir, name), content, durable.Mode); err != nil {
		return fmt.Errorf("cannot print: %w", err)
	}
	return nil
}
