package magicard_test

import (
	"context"
	"errors"
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/printer/magicard"
	"jukicard/printer/printertest"
	"jukicard/simulator/lines"
	"jukicard/simulator/press"
	model "jukicard/simulator/press/magicard"
)

// bench is a driver before a model in the same process.
type bench struct {
	*magicard.Printer
	press *press.Press
	model *model.Model
	pipe  *lines.Pipe
}

// quick is timing for models, which answer at once or never, on a machine that may be busy.
var quick = magicard.Timing{
	Reply: 20 * time.Second, Job: 20 * time.Second, Move: 2 * time.Millisecond, Print: 20 * time.Millisecond, Poll: time.Millisecond, Drain: time.Millisecond,
}

// short is for models that do not answer.
var short = magicard.Timing{
	Reply: time.Second, Job: time.Second, Move: 2 * time.Millisecond, Print: 20 * time.Millisecond, Poll: time.Millisecond, Drain: time.Millisecond,
}

func noPause(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func set(t *testing.T, m model.Options, o magicard.Options) *bench {
	t.Helper()
	c := press.Config{Width: model.Width, Height: model.Height, Panels: model.Panels, Hopper: 10, Ribbon: 500}
	if o.Family == "alto" {
		c.Width = model.NarrowWidth
	}
	b := &bench{press: press.New(c)}
	b.model = model.New(b.press, m)
	b.pipe = lines.NewPipe("magicard", b.model)
	if o.Pause = noPause; o.Timing == (magicard.Timing{}) {
		o.Timing = quick
	}
	o.Now = func() time.Time { return time.Unix(0x5362E668, 0) }
	p, err := magicard.New(b.pipe.Dialer(), o)
	if err != nil {
		t.Fatal(err)
	}
	b.Printer = p
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), b.pipe.Unplug()); err != nil {
			t.Errorf("the model: %v", err)
		}
	})
	return b
}

func side(c color.Color) image.Image { return printertest.Marked(1000, 638, c) }

var red, green = color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}

func face() printer.Face { return printer.Face{Front: side(red), Back: side(green), DPI: 300} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestACardGoesThroughThePrinter(t *testing.T) {
	for name, row := range map[string]struct {
		m model.Options
		o magicard.Options
	}{
		"an Enduro":                        {},
		"with its head low":                {m: model.Options{HeadAt: 35}},
		"with its head high":               {m: model.Options{HeadAt: 65}},
		"an Enduro with a straight head":   {m: model.Options{Head: 1, Straight: true}},
		"resin on the back":                {o: magicard.Options{ResinBack: true}},
		"a Rio 2":                          {m: model.Options{Straight: true}, o: magicard.Options{Family: "rio2"}},
		"an Alto, which has fewer columns": {o: magicard.Options{Family: "alto"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, ctx := set(t, row.m, row.o), t.Context()
			for _, to := range []printer.Position{printer.Contact, printer.Head} {
				must(t, b.Move(ctx, to))
				if st, err := b.Status(ctx); err != nil || st.Position != to || len(st.Faults) > 0 {
					t.Fatalf("at %s: %+v, %v", to, st, err)
				}
			}
			card := b.press.Inside()
			var told []printer.Stage
			must(t, b.Print(ctx, face(), func(s printer.Stage) error {
				if told = append(told, s); card.Blank() == (s == printer.CommitDone) {
					t.Errorf("at %s the card is blank: %t", s, card.Blank())
				}
				return nil
			}))
			if want := []printer.Stage{printer.PlanesSent, printer.CommitSent, printer.CommitDone}; !slices.Equal(told, want) {
				t.Errorf("told %v, want %v", told, want)
			}
			must(t, b.Move(ctx, printer.Output))
			if card.Half() || card.Twice() || b.press.Where(card) != printer.Output || b.press.Snapshot().Cards != 1 {
				t.Errorf("half %t, twice %t, at %s, counted %d", card.Half(), card.Twice(), b.press.Where(card), b.press.Snapshot().Cards)
			}
			looks(t, b, card, row.o.ResinBack)
		})
	}
}

// looks for marks where the face has them.
func looks(t *testing.T, b *bench, card *press.Card, resinBack bool) {
	t.Helper()
	width, _ := b.press.Size()
	left, top := (width-1000)/2, (642-638)/2
	green := map[bool]string{true: "K", false: "YC"}[resinBack]
	printertest.Look(t, b.press, card, []printertest.Dot{
		{Name: "text in the upper left corner", Side: 0, X: left, Y: top, Inks: "K"},
		{Name: "red", Side: 0, X: left + 150, Y: top + 150, Inks: "YM"},
		{Name: "red in the lower right corner", Side: 0, X: left + 999, Y: top + 637, Inks: "YM"},
		{Name: "a thin stroke", Side: 0, X: left + 400, Y: top + 499, Inks: "K"},
		{Name: "beside it", Side: 0, X: left + 401, Y: top + 499, Inks: ""},
		{Name: "green", Side: 1, X: left + 150, Y: top + 150, Inks: green},
		{Name: "white", Side: 1, X: left + 700, Y: top + 50, Inks: ""},
	})
}

func TestFaultsSayWhatToDo(t *testing.T) {
	for name, row := range map[string]struct {
		set  func(*press.Press)
		m    model.Options
		to   printer.Position
		kind printer.FaultKind
		text string
		fed  int
		o    magicard.Options
	}{
		"the hopper is empty":       {set: func(p *press.Press) { p.SetSupplies(0, 9, 0, false) }, to: printer.Contact, kind: printer.Operator, text: "put cards"},
		"the film is used up":       {set: func(p *press.Press) { p.SetSupplies(5, 0, 0, false) }, to: printer.Contact, kind: printer.Operator, text: "put a new one in"},
		"the printer's own words":   {set: func(p *press.Press) { p.Cover(true) }, to: printer.Contact, kind: printer.Operator, text: "CLOSE THE LID"},
		"a printer without words":   {set: func(p *press.Press) { p.Cover(true) }, m: model.Options{Mute: true}, o: magicard.Options{Timing: short}, to: printer.Head, kind: printer.Operator, text: "no public list"},
		"a jam":                     {set: func(p *press.Press) { p.Arm(press.Mishap{When: press.Feeding, Kind: press.Jam, Share: 1}) }, to: printer.Contact, kind: printer.Jam, text: "by hand", fed: 1},
		"nothing to deliver":        {to: printer.Output, kind: printer.Refused, text: "no way"},
		"no contactless station":    {to: printer.Contactless, kind: printer.Refused, text: "no way"},
		"an error that shows later": {set: func(p *press.Press) { p.SetSupplies(0, 9, 0, false) }, m: model.Options{Late: 1}, to: printer.Contact, kind: printer.Operator, text: "put cards"},
	} {
		t.Run(name, func(t *testing.T) {
			b := set(t, row.m, row.o)
			if row.set != nil {
				row.set(b.press)
			}
			err := b.Move(t.Context(), row.to)
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
		o       magicard.Options
		surface printer.Surface
		says    bool
		at      printer.Position
	}{
		"the film ends in the front":     {mishaps: []press.Mishap{{When: press.Inking, Nth: 2, Kind: press.RibbonEnds, Share: 0.5}}, surface: printer.SurfaceSpoilt, says: true, at: printer.Lost},
		"and shows late":                 {mishaps: []press.Mishap{{When: press.Inking, Nth: 2, Kind: press.RibbonEnds, Share: 0.5}}, m: model.Options{Late: 9}, surface: printer.SurfaceSpoilt, says: true, at: printer.Lost},
		"the card jams under the head":   {mishaps: []press.Mishap{{When: press.Inking, Nth: 2, Kind: press.Jam, Share: 0.5}}, surface: printer.SurfaceUnknown, says: true, at: printer.Lost},
		"it jams when it is turned":      {mishaps: []press.Mishap{{When: press.Flipping, Kind: press.Jam, Share: 0.5}}, surface: printer.SurfaceSpoilt, says: true, at: printer.Lost},
		"the power fails in the planes":  {mishaps: []press.Mishap{{When: press.Receiving, Nth: 3, Kind: press.PowerCut}}, surface: printer.SurfaceBlank, at: printer.Lost},
		"the power fails in the ink":     {mishaps: []press.Mishap{{When: press.Inking, Nth: 2, Kind: press.PowerCut, Share: 0.5}}, surface: printer.SurfaceUnknown, at: printer.Lost},
		"it stops reading in the planes": {mishaps: []press.Mishap{{When: press.Receiving, Nth: 3, Kind: press.Deafens}}, o: magicard.Options{Timing: short}, surface: printer.SurfaceBlank, at: printer.Lost},
	} {
		t.Run(name, func(t *testing.T) {
			b, ctx := set(t, row.m, row.o), t.Context()
			must(t, b.Move(ctx, printer.Head))
			b.press.Arm(row.mishaps...)
			err := b.Print(ctx, face(), nil)
			var pe *printer.PrintError
			if !errors.As(err, &pe) || pe.Surface != row.surface {
				t.Fatalf("got %v, want a card that is %s", err, row.surface)
			}
			var fault *printer.FaultError
			if errors.As(err, &fault) != row.says {
				t.Errorf("got %v, want the printer's word: %t", err, row.says)
			}
			b.press.PowerOn()
			b.press.Hear()
			if st, err := b.Status(ctx); err == nil && st.Position != row.at {
				t.Errorf("the card is at %s, want %s", st.Position, row.at)
			}
			b.TakenOut()
			if st, err := b.Status(ctx); err == nil && st.Position != printer.Hopper {
				t.Errorf("taken out it is at %s", st.Position)
			}
		})
	}
}

// A mark that fails leaves half a job in the printer; the next one begins afresh, and the
// card takes its face once.
func TestHalfAJobIsDropped(t *testing.T) {
	b, ctx := set(t, model.Options{}, magicard.Options{}), t.Context()
	must(t, b.Move(ctx, printer.Head))
	card, full := b.press.Inside(), errors.New("the disk is full")
	for _, at := range []printer.Stage{printer.PlanesSent, printer.CommitSent} {
		err := b.Print(ctx, face(), func(s printer.Stage) error {
			if s == at {
				return full
			}
			return nil
		})
		var pe *printer.PrintError
		if !errors.As(err, &pe) || !errors.Is(err, full) || pe.Surface != printer.SurfaceBlank || !card.Blank() {
			t.Fatalf("at %s: %v, blank %t", at, err, card.Blank())
		}
	}
	must(t, b.Print(ctx, face(), nil))
	if card.Twice() || card.Half() || card.Blank() {
		t.Error("the card was not printed once and whole")
	}
}

func TestFacesThatDoNotFit(t *testing.T) {
	white := image.NewRGBA(image.Rect(0, 0, 1000, 638))
	for name, f := range map[string]printer.Face{
		"another resolution": {Front: side(red), DPI: 600},
		"too large":          {Front: image.NewRGBA(image.Rect(0, 0, 2022, 1275)), DPI: 300},
		"no front":           {Back: side(red), DPI: 300},
		"nothing on it":      {Front: white, DPI: 300},
	} {
		t.Run(name, func(t *testing.T) {
			b := set(t, model.Options{}, magicard.Options{})
			must(t, b.Move(t.Context(), printer.Head))
			sent := b.model.Received()
			err := b.Print(t.Context(), f, nil)
			var pe *printer.PrintError
			if !errors.As(err, &pe) || pe.Surface != printer.SurfaceBlank || b.model.Received() != sent {
				t.Errorf("got %v after %d bytes", err, b.model.Received()-sent)
			}
		})
	}
}

func TestMaintenance(t *testing.T) {
	b, ctx := set(t, model.Options{}, magicard.Options{}), t.Context()
	must(t, b.Clean(ctx))
	must(t, b.PrintTest(ctx))
	if s := b.press.Snapshot(); s.Cleanings != 1 || s.Output != 1 || s.Cards != 1 {
		t.Errorf("%+v", s)
	}
	must(t, b.Move(ctx, printer.Head))
	var fault *printer.FaultError
	if err := b.Clean(ctx); !errors.As(err, &fault) || fault.Fault.Kind != printer.Refused {
		t.Errorf("cleaning over a card: %v", err)
	}
	must(t, b.Move(ctx, printer.Reject))
	if n := b.press.Snapshot().Rejected; n != 1 {
		t.Errorf("%d cards are rejected", n)
	}
}

func TestAnotherPrinterIsRefused(t *testing.T) {
	b := set(t, model.Options{}, magicard.Options{Serial: "61E9999"})
	var fault *printer.FaultError
	if err := b.Move(t.Context(), printer.Head); !errors.As(err, &fault) || fault.Fault.Kind != printer.Refused || !strings.Contains(fault.Fault.Text, "61E0042") {
		t.Fatalf("got %v", err)
	}
	if len(b.press.Cards()) != 0 {
		t.Error("it moved a card all the same")
	}
}

// A card that is inside when the link fails may have left the printer, which tells nobody:
// no job may follow that would feed another one.
func TestACardIsLostWithTheLink(t *testing.T) {
	b, ctx := set(t, model.Options{}, magicard.Options{}), t.Context()
	must(t, b.Move(ctx, printer.Head))
	must(t, b.pipe.Unplug())
	if _, err := b.Status(ctx); err == nil {
		t.Fatal("it answers without a cable")
	}
	must(t, b.pipe.Plug())
	var fault *printer.FaultError
	if err := b.Print(ctx, face(), nil); !errors.As(err, &fault) || fault.Fault.Kind != printer.Jam {
		t.Fatalf("it prints all the same: %v", err)
	}
	if err := b.Move(ctx, printer.Head); !errors.As(err, &fault) || fault.Fault.Kind != printer.Jam {
		t.Errorf("it moves all the same: %v", err)
	}
	b.press.TakeOut()
	b.TakenOut()
	must(t, b.Move(ctx, printer.Head))
	must(t, b.Print(ctx, face(), nil))
}

// The counter moves and then the card hangs on its way out: it is printed, and not there.
func TestAPrintedCardThatHangs(t *testing.T) {
	b, ctx := set(t, model.Options{}, magicard.Options{}), t.Context()
	must(t, b.Move(ctx, printer.Head))
	b.press.Arm(press.Mishap{When: press.Ejecting, Kind: press.Jam, Share: 0.5})
	must(t, b.Print(ctx, face(), nil))
	var fault *printer.FaultError
	if err := b.Move(ctx, printer.Output); !errors.As(err, &fault) || !strings.Contains(fault.Fault.Text, "CARD JAM") {
		t.Errorf("it says it is out: %v", err)
	}
}
