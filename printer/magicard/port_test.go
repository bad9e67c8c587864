package magicard_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/printer/magicard"
	"jukicard/simulator/lines"
	"jukicard/simulator/press"
	model "jukicard/simulator/press/magicard"
	"jukicard/simulator/usbbed"
)

// timed is a driver with its usual patience in the time of the mechanics. port is what
// answers the requests of the printer class, nil for a wire without them.
func timed(t *testing.T, m model.Options, port func(*model.Model) usbbed.Hearer) (*bench, *press.Virtual) {
	t.Helper()
	clock := &press.Virtual{}
	b := &bench{press: press.New(press.Config{Width: model.Width, Height: model.Height, Panels: model.Panels, Hopper: 10, Ribbon: 500, Clock: clock})}
	b.model = model.New(b.press, m)
	b.pipe = lines.NewPipe("magicard", b.model)
	dialer := b.pipe.Dialer()
	if port != nil {
		dialer = usbbed.StandIn(dialer, port(b.model))
	}
	var err error
	b.Printer, err = magicard.New(dialer, magicard.Options{Pause: func(ctx context.Context, d time.Duration) error {
		clock.Wait(d)
		return ctx.Err()
	}})
	must(t, err)
	t.Cleanup(func() {
		if err := errors.Join(b.Close(), b.pipe.Unplug()); err != nil {
			t.Errorf("the model: %v", err)
		}
	})
	return b, clock
}

func itself(m *model.Model) usbbed.Hearer { return m }

// says is a port that says the same all the time.
type says struct {
	*model.Model
	status []byte // nil stalls
}

// Control answers every request of that kind.
func (s says) Control(ctx context.Context, setup usbbed.Setup, data []byte) ([]byte, error) {
	switch {
	case setup.Request != 1:
		return s.Model.Control(ctx, setup, data)
	case s.status == nil:
		return nil, usbbed.ErrStall
	}
	return s.status, nil
}

func same(status ...byte) func(*model.Model) usbbed.Hearer {
	return func(m *model.Model) usbbed.Hearer { return says{m, status} }
}

// An order is watched until the port shows its end, and for the whole time only when
// nothing shows. Either way an error is told.
func TestThePortEndsTheWatch(t *testing.T) {
	const look, blind = 200 * time.Millisecond, 4 * time.Second
	feed := press.Typical.Feed
	for name, row := range map[string]struct {
		m        model.Options
		port     func(*model.Model) usbbed.Hearer
		empty    bool
		jam      bool
		from, to time.Duration // how long it may take
	}{
		"a card is fed":                         {port: itself, from: feed, to: feed + 2*look},
		"which answers meanwhile":               {m: model.Options{Prompt: true}, port: itself, from: feed, to: feed + 2*look},
		"a card jams":                           {port: itself, jam: true, from: feed, to: feed + 2*look},
		"which answers meanwhile, and jams":     {m: model.Options{Prompt: true}, port: itself, jam: true, from: feed, to: feed + 2*look},
		"a port that is idle for a moment":      {m: model.Options{Prompt: true}, port: blips(0x18), jam: true, from: feed, to: blind},
		"a port that stalls for a moment":       {m: model.Options{Prompt: true}, port: blips(), jam: true, from: feed, to: blind},
		"a port that is selected with an error": {m: model.Options{Prompt: true, Late: 1}, port: errs, jam: true, from: feed, to: 2 * blind},
		"there is none, which shows at once":    {port: itself, empty: true, to: 2 * time.Second},
		"no port":                               {from: blind, to: blind},
		"no port, and it answers meanwhile":     {m: model.Options{Prompt: true}, from: blind, to: blind},
		"a port that stalls":                    {port: same(), from: blind, to: blind},
		"a port that is always idle":            {port: same(0x18), from: blind, to: blind},
		"a port that is always idle, and a jam": {m: model.Options{Prompt: true}, port: same(0x18), jam: true, from: feed, to: blind},
	} {
		t.Run(name, func(t *testing.T) {
			b, clock := timed(t, row.m, row.port)
			if row.empty {
				b.press.SetSupplies(0, 500, 0, false)
			}
			if row.jam {
				b.press.Arm(press.Mishap{When: press.Feeding, Kind: press.Jam, Share: 1})
			}
			err := b.Move(t.Context(), printer.Contact)
			if failed := row.empty || row.jam; errors.As(err, new(*printer.FaultError)) != failed || !failed && err != nil {
				t.Fatalf("it ended with %v", err)
			}
			if took := clock.Now(); took < row.from || took > row.to {
				t.Errorf("it took %v, want %v to %v", took, row.from, row.to)
			}
		})
	}
}

// What a printed card is, is decided by the counter, whatever the port shows.
func TestThePortDecidesNothing(t *testing.T) {
	for name, row := range map[string]struct {
		m    model.Options
		port func(*model.Model) usbbed.Hearer
	}{
		"the port tells":              {port: itself},
		"it answers while it prints":  {m: model.Options{Prompt: true}, port: itself},
		"the port is always idle":     {m: model.Options{Prompt: true}, port: same(0x18)},
		"no port, and prompt answers": {m: model.Options{Prompt: true}},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := timed(t, row.m, row.port)
			must(t, b.Move(t.Context(), printer.Head))
			card := b.press.Inside()
			must(t, b.Print(t.Context(), face(), nil))
			must(t, b.Move(t.Context(), printer.Output))
			if b.press.Where(card) != printer.Output || card.Blank() || card.Half() || card.Twice() {
				t.Errorf("the card is at %s", b.press.Where(card))
			}
		})
	}
}

// A card that was counted may still be on its way out: what happens to it there is told.
func TestACountedCardOnItsWayOut(t *testing.T) {
	for name, row := range map[string]struct {
		looks  int
		jam    bool
		asked  bool // for its status alone, as a station asks
		opened bool // the lid, when the card is out
	}{
		"it comes out":                        {looks: 10},
		"it jams":                             {looks: 10, jam: true},
		"it never ends":                       {looks: 1 << 20},
		"it is out":                           {},
		"it comes out, by its status":         {looks: 10, asked: true},
		"it jams, by its status":              {looks: 10, jam: true, asked: true},
		"it is out, and then the lid is open": {asked: true, opened: true},
	} {
		t.Run(name, func(t *testing.T) {
			var port *lingers
			b, _ := timed(t, model.Options{}, func(m *model.Model) usbbed.Hearer {
				port = &lingers{Model: m}
				return port
			})
			must(t, b.Move(t.Context(), printer.Head))
			must(t, b.Print(t.Context(), face(), nil))
			port.looks, port.end = row.looks, func() { b.press.Cover(row.jam) }
			for row.asked {
				if st, err := b.Status(t.Context()); err != nil || !st.Busy() {
					break
				}
			}
			if row.opened {
				b.press.Cover(true)
			}
			st, err := b.Status(t.Context())
			if lost := row.asked && row.jam; err != nil || (st.Position == printer.Lost) != lost {
				t.Errorf("by its status the card is at %v, %v", st.Position, err)
			}
			var fault *printer.FaultError
			err = b.Move(t.Context(), printer.Output)
			if bad := row.jam || row.looks > 1000; errors.As(err, &fault) != bad || !bad && err != nil || bad && fault.Fault.Kind != printer.Jam {
				t.Fatalf("it ended with %v", err)
			}
			st, err = b.Status(t.Context())
			if lost := fault != nil; err != nil || (st.Position == printer.Lost) != lost {
				t.Errorf("the card is at %v, %v", st.Position, err)
			}
		})
	}
}

// lingers is a port that is at work for so many looks more, and then something happens.
type lingers struct {
	*model.Model
	looks int
	end   func()
}

// Control is that of the model but for the looks left.
func (p *lingers) Control(ctx context.Context, setup usbbed.Setup, data []byte) ([]byte, error) {
	if setup.Request != 1 || p.looks == 0 {
		return p.Model.Control(ctx, setup, data)
	}
	if p.looks--; p.looks == 0 {
		p.end()
	}
	return []byte{0x08}, nil
}

// A printer that never comes to an end is one for a person, and its card is lost.
func TestAPrinterThatNeverEnds(t *testing.T) {
	b, clock := timed(t, model.Options{}, func(m *model.Model) usbbed.Hearer { return &sticks{Model: m} })
	var fault *printer.FaultError
	if err := b.Move(t.Context(), printer.Contact); !errors.As(err, &fault) || fault.Fault.Kind != printer.Jam {
		t.Fatalf("it does not end, and the driver says %v", err)
	}
	if st, err := b.Status(t.Context()); err != nil || st.Position != printer.Lost {
		t.Errorf("the card is at %v, %v", st.Position, err)
	}
	if clock.Now() > 4*time.Minute {
		t.Errorf("it took %v to say so", clock.Now())
	}
}

// A printer that is busy is given no order.
func TestABusyPrinterIsWaitedFor(t *testing.T) {
	b, _ := timed(t, model.Options{}, same(0x08))
	var fault *printer.FaultError
	if err := b.Move(t.Context(), printer.Contact); !errors.As(err, &fault) || fault.Fault.Kind != printer.Wait || len(b.press.Cards()) != 0 {
		t.Errorf("it feeds %d cards and says %v", len(b.press.Cards()), err)
	}
}

// blip is a port that says something else the third time that it is asked at work.
type blip struct {
	says
	asked int
}

// Control is that of the model but once.
func (p *blip) Control(ctx context.Context, setup usbbed.Setup, data []byte) ([]byte, error) {
	b, err := p.Model.Control(ctx, setup, data)
	if setup.Request != 1 || b[0] != 0x08 {
		return b, err
	}
	if p.asked++; p.asked == 3 {
		return p.says.Control(ctx, setup, data)
	}
	return b, err
}

func blips(status ...byte) func(*model.Model) usbbed.Hearer {
	return func(m *model.Model) usbbed.Hearer { return &blip{says: says{m, status}} }
}

// failing is a port that tells of an error when it is selected again.
type failing struct {
	*model.Model
	worked bool
}

// Control is that of the model until it has worked.
func (p *failing) Control(ctx context.Context, setup usbbed.Setup, data []byte) ([]byte, error) {
	b, err := p.Model.Control(ctx, setup, data)
	if setup.Request != 1 {
		return b, err
	}
	p.worked = p.worked || b[0] == 0x08
	if p.worked && b[0] == 0x18 {
		return []byte{0x10}, nil
	}
	return b, err
}

func errs(m *model.Model) usbbed.Hearer { return &failing{Model: m} }

// sticks is a port that is at work for ever once anything has moved.
type sticks struct {
	*model.Model
	stuck bool
}

// Control is that of the model until it is at work.
func (p *sticks) Control(ctx context.Context, setup usbbed.Setup, data []byte) ([]byte, error) {
	b, err := p.Model.Control(ctx, setup, data)
	if setup.Request == 1 {
		p.stuck = p.stuck || b[0] == 0x08
		if p.stuck {
			return []byte{0x08}, nil
		}
	}
	return b, err
}
