package faults

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"sync"

	"jukicard/printer"
	"jukicard/printer/face"
)

// painter draws each person once with the real fonts and hands the drawing out again:
// a face takes longer than all the rest of an issue. Every printed face is labelled
// with whose it is and for which card, so that the press can tell.
type painter struct {
	fonts *face.Fonts

	mu    sync.Mutex
	chips map[string]face.ChipImages
	cards map[string]printer.Face
	known map[string]error // answers of Check
}

func newPainter() (*painter, error) {
	fonts, err := face.LoadFonts()
	if err != nil {
		return nil, err
	}
	return &painter{fonts: fonts, chips: map[string]face.ChipImages{}, cards: map[string]printer.Face{}, known: map[string]error{}}, nil
}

// subject is all that is drawn of a person but the card's number.
func subject(d face.Data) string {
	return strings.Join(append([]string{
		d.Name, d.Address, d.BirthText, d.SexText, d.MyNumber, d.SecurityCode, d.ExpiryText, d.Mayor, fmt.Sprint(d.Photo != nil),
	}, d.Remarks...), "\x00")
}

// ChipImages draws a person's images for the chip once.
func (p *painter) ChipImages(d face.Data) (face.ChipImages, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := subject(d)
	if made, ok := p.chips[key]; ok {
		return made, nil
	}
	made, err := p.fonts.ChipImages(d)
	if err == nil {
		p.chips[key] = made
	}
	return made, err
}

// label is one side of a face that says whose it is.
type label struct {
	image.Image
	card, number string // of the card, and the 個人番号 printed on it
}

// Render draws a person's face once and labels it anew.
func (p *painter) Render(l *face.Layout, d face.Data) (printer.Face, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := subject(d)
	made, ok := p.cards[key]
	if !ok {
		var err error
		if made, err = p.fonts.Render(l, d); err != nil {
			return made, err
		}
		p.cards[key] = made
	}
	made.Front = label{made.Front, d.CardID, d.MyNumber}
	return made, nil
}

// Check asks the fonts once about each text.
func (p *painter) Check(field, text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := field + "\x00" + text
	answer, ok := p.known[key]
	if !ok {
		answer = p.fonts.Check(field, text)
		p.known[key] = answer
	}
	return answer
}

// Jam is what goes wrong with one print.
type Jam uint8

// The jams: the device fails before it printed or after; and, blind, its counter
// cannot be read either until somebody has been at it.
const (
	NoJam Jam = iota
	JamBefore
	JamAfter
	BlindBefore
	BlindAfter
	jams
)

var jamNames = [...]string{"no jam", "jam before", "jam after", "blind before", "blind after"}

// String is the jam in two words.
func (j Jam) String() string { return jamNames[j] }

// press is a printer with a card under its head. It notes which face came on which
// card: a face is wrong on any card but its own, and wrong twice.
type press struct {
	mu    sync.Mutex
	total uint64              // the counter
	card  string              // number of the card under the head
	faces map[string][]string // by the card's number, the 個人番号 on each face printed on it
	wrong []string            // faces on a card that is not theirs
	jams  []Jam               // of the prints to come, in turn
	blind bool
}

var errJam = errors.New("the printer stopped with fault 0002D100")

func newPress() *press { return &press{faces: map[string][]string{}} }

// Status tells the counter, unless the printer is blind.
func (p *press) Status(context.Context) (printer.Status, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.blind {
		return printer.Status{}, errJam
	}
	return printer.Status{Position: printer.Head, CardsPrinted: p.total}, nil
}

// Move does nothing: the card is under the head.
func (p *press) Move(context.Context, printer.Position) error { return nil }

// Surface implements printer.Judge: a card and the counter take a face together.
func (p *press) Surface(ctx context.Context, before uint64) (printer.Surface, error) {
	st, err := p.Status(ctx)
	switch {
	case err != nil:
		return printer.SurfaceUnknown, err
	case st.CardsPrinted == before:
		return printer.SurfaceBlank, nil
	}
	return st.Since(before), nil
}

// Print prints, or jams as it is its turn.
func (p *press) Print(_ context.Context, f printer.Face, mark printer.Mark) error {
	jam := p.turn()
	if err := mark.Tell(printer.PlanesSent); err != nil {
		return err
	}
	if jam == JamBefore {
		return errJam
	}
	if err := mark.Tell(printer.CommitSent); err != nil {
		return err
	}
	p.end(f, jam)
	if jam != NoJam {
		return errJam
	}
	return mark.Tell(printer.CommitDone)
}

// turn is the jam of this print.
func (p *press) turn() Jam {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.jams) == 0 {
		return NoJam
	}
	jam := p.jams[0]
	p.jams = p.jams[1:]
	return jam
}

// end prints the face, or not, and leaves the printer blind or not.
func (p *press) end(f printer.Face, jam Jam) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blind = jam == BlindBefore || jam == BlindAfter
	if jam != BlindBefore {
		p.commit(f)
	}
}

func (p *press) commit(f printer.Face) {
	p.total++
	of, ok := f.Front.(label)
	if !ok || of.card != p.card {
		p.wrong = append(p.wrong, fmt.Sprintf("the face of card %s on card %s", of.card, p.card))
	}
	p.faces[p.card] = append(p.faces[p.card], of.number)
}

// under lays a card under the head.
func (p *press) under(card string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.card = card
}

// expect sets what the prints to come will meet, in turn.
func (p *press) expect(jams []Jam) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.jams, p.blind = slices.Clone(jams), false
}

// mend is somebody at the printer.
func (p *press) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blind = false
}

// on is what is printed on a card, for whoever looks at it.
func (p *press) on(card string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.faces[card])
}

// misprints are the faces that came on a card not theirs, told once.
func (p *press) misprints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	wrong := p.wrong
	p.wrong = nil
	return wrong
}

// forget drops what is known of a card that has left the house.
func (p *press) forget(card string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.faces, card)
}
