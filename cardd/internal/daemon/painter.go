package daemon

import (
	"fmt"
	"os"
	"sync"

	"jukicard/printer"
	"jukicard/printer/face"
)

// painter reads the fonts when the first face is drawn: a daemon that comes up to
// finish a card needs none, and they take a third of a second.
type painter struct {
	fonts func() (*face.Fonts, error)
}

// newPainter only looks whether the files are there.
func newPainter(paths []string) (*painter, error) {
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			return nil, fmt.Errorf("cannot find font: %w; install fonts-ipamj-mincho or set fonts.paths", err)
		}
	}
	return &painter{sync.OnceValues(func() (*face.Fonts, error) { return face.LoadFonts(paths...) })}, nil
}

// ChipImages implements station.Painter.
func (p *painter) ChipImages(d face.Data) (face.ChipImages, error) {
	f, err := p.fonts()
	if err != nil {
		return face.ChipImages{}, err
	}
	return f.ChipImages(d)
}

// Render implements station.Painter.
func (p *painter) Render(l *face.Layout, d face.Data) (printer.Face, error) {
	f, err := p.fonts()
	if err != nil {
		return printer.Face{}, err
	}
	return f.Render(l, d)
}

// Panel implements station.Enterer.
func (p *painter) Panel(l *face.Layout, d face.Data) (face.Panel, error) {
	f, err := p.fonts()
	if err != nil {
		return face.Panel{}, err
	}
	return f.Panel(l, d)
}

// Endorse implements station.Enterer.
func (p *painter) Endorse(l *face.Layout, on face.Panel, e face.Entry) (face.Overlay, error) {
	f, err := p.fonts()
	if err != nil {
		return face.Overlay{}, err
	}
	return f.Endorse(l, on, e)
}

// Check implements station.Painter.
func (p *painter) Check(field, text string) error {
	f, err := p.fonts()
	if err != nil {
		return err
	}
	return f.Check(field, text)
}
