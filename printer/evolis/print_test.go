package evolis_test

import (
	"context"
	"errors"
	"image/color"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/printer/evolis"
	"jukicard/printer/printertest"
	"jukicard/simulator/lines"
	"jukicard/simulator/press"
	model "jukicard/simulator/press/evolis"
)

// bench is a driver before a model in the same process.
type bench struct {
	*evolis.Printer
	press *press.Press
	model *model.Model
	pipe  *lines.Pipe
}

// quick is timing for models, which answer at once or never, on a machine that may be busy.
var quick = evolis.Timing{
	Reply: 20 * time.Second, Plane: 20 * time.Second, Move: 20 * time.Second, Print: 20 * time.Second,
	Settle: 20 * time.Millisecond, Poll: 200 * time.Millisecond,
}

// short is for models that do not answer.
var short = evolis.Timing{Reply: time.Second, Plane: time.Second, Move: time.Second, Print: time.Second, Settle: 20 * time.Millisecond, Poll: 10 * time.Millisecond}

func noPause(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func set(t *testing.T, c press.Config, m model.Options, o evolis.Options) *bench {
	t.Helper()
	c.Width, c.Height, c.Panels = model.Width, model.Height, model.Panels
	if c.Hopper == 0 {
		c.Hopper = 10
	}
	if c.Ribbon == 0 {
		c.Ribbon = 100
	}
	b := &bench{press: press.New(c)}
	b.model = model.New(b.press, m)
	b.pipe = lines.NewPipe("evolis", b.model)
	if o.Pause = noPause; o.Timing == (evolis.Timing{}) {
		o.Timing = quick
	}
	p, err := evolis.New(b.pipe.Dialer(), o)
	if err != nil {
		t.Fatal(err)
	}
	b.Printer = p
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), b.pipe.Unplug()); err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("the model: %v", err)
		}
	})
	return b
}

func face() printer.Face {
	return printer.Face{
		Front: printertest.Marked(1016, 648, color.RGBA{255, 0, 0, 255}), Back: printertest.Marked(1016, 648, color.RGBA{0, 255, 0, 255}), DPI: 300,
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestACardGoesThroughThePrinter(t *testing.T) {
	for name, row := range map[string]struct {
		m model.Options
		o evolis.Options
	}{
		"a Primacy, colour on both sides": {},
		"resin on the back":               {o: evolis.Options{Ribbon: "ymckok"}},
		"without compression":             {o: evolis.Options{Plain: true, Shades: evolis.Levels64}},
		"a printer that counts panels":    {m: model.Options{CountsPanels: true}, o: evolis.Options{Counter: evolis.CountsPanels, Shades: evolis.Levels32}},
		"an older one":                    {m: model.Options{Old: true}, o: evolis.Options{Ribbon: "k"}},
		"a ribbon that answers OK":        {m: model.Options{OddRibbon: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			b, ctx := set(t, press.Config{}, row.m, row.o), t.Context()
			for _, to := range []printer.Position{printer.Contact, printer.Contactless, printer.Head} {
				must(t, b.Move(ctx, to))
				if st, err := b.Status(ctx); err != nil || st.Position != to || len(st.Faults) > 0 {
					t.Fatalf("at %s: %+v, %v", to, st, err)
				}
			}
			var told []printer.Stage
			must(t, b.Print(ctx, face(), func(s printer.Stage) error { told = append(told, s); return nil }))
			if want := []printer.Stage{printer.PlanesSent, printer.CommitSent, printer.CommitDone}; !slices.Equal(told, want) {
				t.Errorf("told %v, want %v", told, want)
			}
			must(t, b.Move(ctx, printer.Output))
			card := b.press.Cards()[0]
			if card.Half() || card.Twice() || b.press.Where(card) != printer.Output {
				t.Errorf("the card: half %t, twice %t, at %s", card.Half(), card.Twice(), b.press.Where(card))
			}
			if got := b.press.Snapshot().Cards; got != 1 {
				t.Errorf("the printer counts %d", got)
			}
		})
	}
}

// The face arrives as it was drawn, the right way round, on both sides.
func TestTheFaceIsTheFace(t *testing.T) {
	b, ctx := set(t, press.Config{}, model.Options{}, evolis.Options{Ribbon: "ymckok"}), t.Context()
	must(t, b.Move(ctx, printer.Head))
	must(t, b.Print(ctx, face(), nil))
	card := b.press.Inside()
	printertest.Look(t, b.press, card, []printertest.Dot{
		{Name: "text in a corner", Side: 0, X: 3, Y: 3, Inks: "K"},
		{Name: "red", Side: 0, X: 150, Y: 150, Inks: "YM"},
		{Name: "red in the other corner", Side: 0, X: 1015, Y: 647, Inks: "YM"},
		{Name: "a thin stroke", Side: 0, X: 400, Y: 499, Inks: "K"},
		{Name: "beside it", Side: 0, X: 401, Y: 499, Inks: ""},
		{Name: "green in resin", Side: 1, X: 150, Y: 150, Inks: "K"},
		{Name: "white", Side: 1, X: 700, Y: 50, Inks: ""},
	})
	if card.Side(0).Ink['O'][5] != 255 {
		t.Error("the overlay does not cover the card")
	}
}

func TestFaultsSayWhatToDo(t *testing.T) {
	for name, row := range map[string]struct {
		c    press.Config
		set  func(*press.Press)
		to   printer.Position
		kind printer.FaultKind
		text string
		fed  int
	}{
		"the feeder is empty":    {set: func(p *press.Press) { p.SetSupplies(0, 9, 0, false) }, kind: printer.Operator, text: "put cards in"},
		"the cover is open":      {set: func(p *press.Press) { p.Cover(true) }, kind: printer.Operator, text: "close it"},
		"the ribbon is spent":    {set: func(p *press.Press) { p.SetSupplies(5, 0, 0, false) }, kind: printer.Operator, text: "used up"},
		"the ribbon is short":    {set: func(p *press.Press) { p.SetSupplies(5, 1, 0, false) }, kind: printer.Operator, text: "both sides"},
		"the ribbon is foreign":  {set: func(p *press.Press) { p.SetSupplies(5, 9, 0, true) }, kind: printer.Operator, text: "zone 19"},
		"the reject box is full": {set: func(p *press.Press) { p.FillReject() }, kind: printer.Operator, text: "empty it"},
		"a jam":                  {set: func(p *press.Press) { p.Arm(press.Mishap{When: press.Feeding, Kind: press.Jam, Share: 1}) }, kind: printer.Jam, text: "by hand", fed: 1},
		"the cover opens":        {set: func(p *press.Press) { p.Arm(press.Mishap{When: press.Feeding, Kind: press.CoverOpens, Share: 1}) }, kind: printer.Operator, text: "close it", fed: 1},
		"nothing to deliver":     {set: func(*press.Press) {}, to: printer.Output, kind: printer.Refused, text: "none inside"},
		"no such place":          {set: func(*press.Press) {}, to: printer.Hopper, kind: printer.Refused, text: "none inside"},
	} {
		t.Run(name, func(t *testing.T) {
			b, ctx := set(t, row.c, model.Options{}, evolis.Options{}), t.Context()
			row.set(b.press)
			to := printer.Contact
			if row.to != to && row.kind == printer.Refused {
				to = row.to
			}
			err := b.Move(ctx, to)
			var fault *printer.FaultError
			if !errors.As(err, &fault) || fault.Fault.Kind != row.kind || !strings.Contains(fault.Fault.Text, row.text) {
				t.Fatalf("got %v, want %s with %q", err, row.kind, row.text)
			}
			if got := len(b.press.Cards()); got != row.fed {
				t.Errorf("%d cards were fed, want %d", got, row.fed)
			}
		})
	}
}

func TestAPrintThatFails(t *testing.T) {
	for name, row := range map[string]struct {
		mishaps []press.Mishap
		m       model.Options
		o       evolis.Options
		surface printer.Surface
		says    bool
		kind    printer.FaultKind
	}{
		"the ribbon ends in the front":    {mishaps: []press.Mishap{{When: press.Inking, Nth: 2, Kind: press.RibbonEnds, Share: 0.5}}, surface: printer.SurfaceSpoilt, says: true, kind: printer.Operator},
		"the card jams under the head":    {mishaps: []press.Mishap{{When: press.Inking, Nth: 2, Kind: press.Jam, Share: 0.5}}, surface: printer.SurfaceUnknown, says: true, kind: printer.Jam},
		"it jams when it is turned":       {mishaps: []press.Mishap{{When: press.Flipping, Kind: press.Jam, Share: 0.5}}, m: model.Options{CountsPanels: true}, o: evolis.Options{Counter: evolis.CountsPanels}, surface: printer.SurfaceSpoilt, says: true, kind: printer.Jam},
		"the power fails in the planes":   {mishaps: []press.Mishap{{When: press.Receiving, Nth: 3, Kind: press.PowerCut}}, surface: printer.SurfaceBlank},
		"the power fails in the ink":      {mishaps: []press.Mishap{{When: press.Inking, Nth: 2, Kind: press.PowerCut, Share: 0.5}}, surface: printer.SurfaceUnknown},
		"it stops reading in the planes":  {mishaps: []press.Mishap{{When: press.Receiving, Nth: 3, Kind: press.Deafens}}, o: evolis.Options{Timing: short}, surface: printer.SurfaceBlank},
		"it counts otherwise than we say": {m: model.Options{CountsPanels: true}, surface: printer.SurfaceUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			b, ctx := set(t, press.Config{}, row.m, row.o), t.Context()
			must(t, b.Move(ctx, printer.Head))
			b.press.Arm(row.mishaps...)
			err := b.Print(ctx, face(), nil)
			var pe *printer.PrintError
			if !errors.As(err, &pe) || pe.Surface != row.surface {
				t.Fatalf("got %v, want a card that is %s", err, row.surface)
			}
			var fault *printer.FaultError
			if errors.As(err, &fault) != row.says || row.says && fault.Fault.Kind != row.kind {
				t.Errorf("got %v, want the printer's word %t, %s", err, row.says, row.kind)
			}
			if n := len(b.press.Cards()); n != 1 {
				t.Errorf("%d cards were fed", n)
			}
		})
	}
}

// The host hangs up in the middle of a plane; the printer still waits for its end.
func TestHalfAPlaneIsFilledUp(t *testing.T) {
	for name, stubborn := range map[string]bool{"a printer that forgets": false, "one that waits": true} {
		t.Run(name, func(t *testing.T) {
			b := set(t, press.Config{}, model.Options{Stubborn: stubborn}, evolis.Options{Plain: true, Timing: short})
			must(t, b.Move(t.Context(), printer.Head))
			d := b.pipe.Dialer()
			must(t, b.Close())
			w, err := d.Dial(t.Context())
			must(t, err)
			half := append([]byte("\x1bSs\r\x1bDb;y;128;"), make([]byte, 100_000)...)
			_, err = w.Write(t.Context(), half)
			must(t, err)
			must(t, w.Close())
			must(t, b.Print(t.Context(), face(), nil))
			if card := b.press.Inside(); card.Twice() || card.Half() {
				t.Error("the card was not printed once and whole")
			}
		})
	}
}

func TestAnotherPrinterIsRefused(t *testing.T) {
	b := set(t, press.Config{}, model.Options{}, evolis.Options{Serial: "10000999999"})
	err := b.Move(t.Context(), printer.Head)
	var fault *printer.FaultError
	if !errors.As(err, &fault) || fault.Fault.Kind != printer.Refused || !strings.Contains(fault.Fault.Text, "10000123456") {
		t.Fatalf("got %v", err)
	}
	if len(b.press.Cards()) != 0 {
		t.Error("it moved a card all the same")
	}
}
