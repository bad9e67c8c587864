package printertest

import (
	"context"
	"errors"
	"image"
	"sync/atomic"
	"testing"

	"jukicard/printer"
	"jukicard/printer/wire"
	"jukicard/simulator/press"
)

// bare is a driver without a wire: it works the mechanics by their own calls, as well as
// can be done, or with one lie. The judge must let the one pass and find the other.
type bare struct {
	p        *press.Press
	cut      *atomic.Bool
	stranger *atomic.Bool
	lie      string
	guessed  uint64 // of the lie "guesses the counter"
}

const barePlane = 240 // a plane is so many dots each way

var errGone = &wire.Error{Op: "read", Name: "bare", Kind: wire.Gone, Err: errors.New("no device")}

// linked is nil while the link holds.
func (b *bare) linked() error {
	if b.cut.Load() || b.stranger.Load() && b.lie != "takes strangers" {
		return errGone
	}
	return nil
}

// try does one thing, and tells its trouble if the link still holds then.
func (b *bare) try(op string, do func() *press.Trouble) error {
	if err := b.linked(); err != nil {
		return err
	}
	t := do()
	if err := b.linked(); err != nil || t == nil {
		return err
	}
	kind := printer.Operator
	switch t.Why {
	case press.NoPower:
		return errGone
	case press.Jammed:
		kind = printer.Jam
	case press.Occupied, press.NoCard, press.Unreachable, press.NotLoaded:
		kind = printer.Refused
	}
	return &printer.FaultError{Op: op, Fault: printer.Fault{Code: t.Why.String(), Kind: kind, Text: t.Error()}}
}

func (b *bare) Status(context.Context) (printer.Status, error) {
	if err := b.linked(); err != nil {
		return printer.Status{}, err
	}
	s := b.p.Snapshot()
	st := printer.Status{Position: s.At, CardsPrinted: s.Cards + b.guessed, Supplies: []printer.Supply{
		{Name: "cards", Remaining: min(s.Hopper, 1)}, {Name: "ribbon", Remaining: s.Ribbon}, {Name: "film", Remaining: s.FilmLeft},
	}}
	if s.Jam != nil {
		st.Position = printer.Lost
	}
	if s.Cover || s.RejectFull || s.WrongRibbon {
		st.Faults = append(st.Faults, printer.Fault{Kind: printer.Operator})
	}
	return st, nil
}

func (b *bare) Move(_ context.Context, to printer.Position) error {
	at := b.p.Snapshot().At
	err := b.try("move", func() *press.Trouble {
		switch {
		case at == to:
			return nil
		case at == printer.Hopper && to != printer.Output && to != printer.Reject:
			return b.p.Feed(to)
		}
		return b.p.Move(to)
	})
	if err == nil && to == printer.Contact {
		err = b.try("engage", func() *press.Trouble { return b.p.Engage(to) })
	}
	var fault *printer.FaultError
	if b.lie == "hides jams" && errors.As(err, &fault) && fault.Fault.Kind == printer.Jam {
		return nil
	}
	return err
}

// step is one part of a print, and what is known of the card while it runs and after it.
type step struct {
	during, after printer.Surface
	do            func() *press.Trouble
}

func (b *bare) Print(_ context.Context, f printer.Face, mark printer.Mark) error {
	surface := printer.SurfaceBlank
	err := b.run(&surface, b.before(f))
	if err == nil {
		err = errors.Join(mark.Tell(printer.PlanesSent), mark.Tell(printer.CommitSent))
	}
	if err == nil {
		err = b.run(&surface, b.commit())
	}
	switch {
	case err == nil:
		return mark.Tell(printer.CommitDone)
	case b.lie == "claims blank":
		surface = printer.SurfaceBlank
	case b.lie == "claims printed" && surface != printer.SurfaceBlank:
		surface = printer.SurfacePrinted
	case b.lie == "guesses the counter" && surface == printer.SurfaceUnknown:
		b.guessed = 1
	}
	return &printer.PrintError{Surface: surface, Err: err}
}

func (b *bare) run(surface *printer.Surface, steps []step) error {
	for _, s := range steps {
		*surface = s.during
		if err := b.try("print", s.do); err != nil {
			return err
		}
		*surface = s.after
	}
	return nil
}

// before is what leaves the card blank: both sides in memory, the front on film.
func (b *bare) before(f printer.Face) []step {
	load := func(buffer int, side image.Image) step {
		planes := Separated(side, barePlane, barePlane, false)
		if b.lie == "turns planes over" {
			for i, k := 0, planes['K']; i < len(k)/2; i++ {
				k[i], k[len(k)-1-i] = k[len(k)-1-i], k[i]
			}
		}
		return step{do: func() *press.Trouble {
			if t := b.p.Receive(); t != nil || b.p.Deaf() {
				return &press.Trouble{Why: press.NoPower} // whatever it was, nobody answers
			}
			b.p.Load(buffer, 'K', planes['K'])
			return nil
		}}
	}
	steps := []step{load(0, f.Front), load(1, f.Back), {do: func() *press.Trouble { return b.p.PrintFilm(0, "K") }}}
	for i := range steps {
		steps[i].during, steps[i].after = printer.SurfaceBlank, printer.SurfaceBlank
	}
	return steps
}

// commit is what puts ink on the card.
func (b *bare) commit() []step {
	const unknown, spoilt = printer.SurfaceUnknown, printer.SurfaceSpoilt
	steps := []step{
		{unknown, spoilt, func() *press.Trouble { return b.p.Transfer(true) }},
		{spoilt, spoilt, func() *press.Trouble { return b.p.PrintFilm(1, "K") }},
		{unknown, unknown, func() *press.Trouble {
			t := b.p.Transfer(false)
			if t == nil {
				t = b.p.Commit() // the printer's own doing, with or without a link
			}
			return t
		}},
	}
	if b.lie == "prints again" {
		steps = append(steps, steps[1], step{unknown, unknown, func() *press.Trouble { return b.p.Transfer(false) }})
	}
	return steps
}

func bareRig(lie string) Rig {
	return Rig{
		Name: "bare" + lie, Identity: printer.Identity{DPI: 300}, Film: true,
		Planes: func(side image.Image, w, h int) press.Planes { return Separated(side, w, h, false) },
		Start: func(_ testing.TB, o Options) *Bed {
			var cut, stranger atomic.Bool
			cfg := press.Config{Width: barePlane, Height: barePlane, Film: true, Power: func(on bool) { cut.Store(!on) }}
			o.Press(&cfg)
			p := press.New(cfg)
			return &Bed{
				Press: p, Cut: func() { cut.Store(true) }, Received: func() int { return 0 },
				Restore: func(other bool) {
					stranger.Store(other)
					cut.Store(false)
				},
				Open: func(context.Context) (printer.Device, error) {
					return &bare{p: p, cut: &cut, stranger: &stranger, lie: lie}, nil
				},
			}
		},
	}
}

// TestJudgeFindsLies: an honest driver passes every row, and each lie fails the rows that
// are there for it.
func TestJudgeFindsLies(t *testing.T) {
	for _, row := range []struct {
		lie   string
		found string // a row that must find it; empty: none may
	}{
		{"", ""},
		{"prints again", "nothing wrong"},
		{"claims blank", "jam in the ink"},
		{"claims blank", "unplugged in the commit"},
		{"claims printed", "power lost in the back's ink"},
		{"claims printed", "ribbon out on the back"},
		{"guesses the counter", "power lost before the count"},
		{"hides jams", "jam on the way to the head"},
		{"takes strangers", "another printer after a break"},
		{"turns planes over", "nothing wrong"},
	} {
		t.Run(row.lie+"/"+row.found, func(t *testing.T) {
			rig := bareRig(row.lie)
			seen := 0
			for _, r := range Rows() {
				if r.want(rig) == (Want{}) || row.found != "" && r.Name != row.found {
					continue
				}
				seen++
				twice, wrong := rig.judge(t, r)
				if (wrong != nil) != (row.found != "") || twice && row.found == "" {
					t.Errorf("%s: %v, twice %v", r.Name, wrong, twice)
				}
			}
			if seen == 0 {
				t.Error("no such row")
			}
		})
	}
}
