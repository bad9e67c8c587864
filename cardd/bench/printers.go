package main

import (
	"context"
	"fmt"
	"image"
	"time"

	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/order/facecheck"
	"jukicard/printer"
	"jukicard/printer/evolis"
	"jukicard/printer/face"
	"jukicard/printer/magicard"
	"jukicard/printer/raster"
	"jukicard/printer/wire"
	"jukicard/printer/xid"
	"jukicard/simulator/lines"
	"jukicard/simulator/people"
	"jukicard/simulator/press"
	evolismodel "jukicard/simulator/press/evolis"
	magicardmodel "jukicard/simulator/press/magicard"
	xidmodel "jukicard/simulator/press/xid"
	"jukicard/simulator/usbbed"
)

// Bounds of the section. A driver may keep the mechanism waiting for a fiftieth of its
// time, and send no more than the raw planes and their frames.
const (
	printersRateMin  = 0.98 // of the mechanical limit
	printersBytesMax = 1.01 // of the raw planes
)

// printersBlindMin is the most that a Magicard printer over TCP can be asked for. Its
// answers tell neither where the card is nor whether it is at work: of the captured ones
// (pc-coholic/magicardppd) INF has counters and the last error, ERR shows 00:00 (c0300)
// when ready and 11:01 (c0201) when no card was fed, and the status of the port, which
// does tell, is a request of USB. So each order is watched for an error for 4 s, in which
// a card is fed in 2 s and moved in 1 s: of the 67 s of a card that is encoded and printed
// 5 are lost, 0.93, of the 36 s of one that is printed 2, 0.947.
const printersBlindMin = 0.92

const (
	printersCards = 10
	printersRuns  = 5
	// chipTime is how long a chip is encoded in the throughput figures: ours, in the
	// order of what a plan predicts for a real card.
	chipTime = 30 * time.Second
)

// printing is one driver with its model's shape.
type printing struct {
	name  string
	dpi   int
	shape press.Config
	raw   int // bytes of a card's planes as the printer holds them, both sides
	// port gives the wire the requests of the USB printer class.
	port bool
	// blind is a printer of which nothing tells that it has done what it was told.
	blind  bool
	model  func(*press.Press) model
	driver func(context.Context, wire.Dialer, func(context.Context, time.Duration) error) (printer.Device, error)
}

// model is a printer that counts what it hears.
type model interface {
	lines.Printer
	Received() int
}

// printings are the drivers. Raw planes: XID 8 bits a dot for each of four panels; Evolis
// and Magicard the maker's packed planes, three of 7 or 6 bits and one of resin (printer
// packages' sources).
var printings = []printing{
	{
		name: "xid8600", dpi: 600, shape: press.Config{Width: 2072, Height: 1328, Panels: "YMCK", Film: true}, raw: 2 * 4 * 2072 * 1328,
		model: func(p *press.Press) model {
			return xidmodel.New(xidmodel.Config{Type: "XID8600", Serial: "80000001", Address: [6]byte{0, 0, 0x5E, 0, 0x53, 1}, Press: p})
		},
		driver: func(ctx context.Context, d wire.Dialer, pause func(context.Context, time.Duration) error) (printer.Device, error) {
			return xid.Open(ctx, xid.Config{Dialer: d, Framing: xid.Network, Pause: pause})
		},
	},
	{
		name: "evolis", dpi: 300, shape: press.Config{Width: evolismodel.Width, Height: evolismodel.Height, Panels: evolismodel.Panels}, raw: 2 * (3*576072 + 82296),
		model: func(p *press.Press) model {
			return evolismodel.New(p, evolismodel.Options{Model: "Primacy", Serial: "10000100001", Firmware: "1701"})
		},
		driver: func(_ context.Context, d wire.Dialer, pause func(context.Context, time.Duration) error) (printer.Device, error) {
			return evolis.New(d, evolis.Options{Pause: pause})
		},
	},
	{
		name: "magicard", dpi: 300, port: true, shape: magicardShape, raw: magicardRaw, model: magicardModel, driver: magicardDriver,
	},
	{
		name: "magicard_tcp", dpi: 300, blind: true, shape: magicardShape, raw: magicardRaw, model: magicardModel, driver: magicardDriver,
	},
}

var magicardShape = press.Config{Width: magicardmodel.Width, Height: magicardmodel.Height, Panels: magicardmodel.Panels}

const magicardRaw = 2 * (3*585216 + 97536)

func magicardModel(p *press.Press) model {
	return magicardmodel.New(p, magicardmodel.Options{Serial: "61E0001", Firmware: "1.24"})
}

func magicardDriver(_ context.Context, d wire.Dialer, pause func(context.Context, time.Duration) error) (printer.Device, error) {
	return magicard.New(d, magicard.Options{Pause: pause})
}

// measurePrinters times what a face costs the host, counts what each driver sends, and
// has each print cards in its mechanism's own, virtual time.
func measurePrinters(ctx context.Context, r *report) error {
	return withDir(func(dir string) error {
		draw, err := drawer(dir)
		if err != nil {
			return err
		}
		if err := measureSides(r, draw); err != nil {
			return err
		}
		for _, p := range printings {
			if err := p.measure(ctx, r, draw); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
		return nil
	})
}

// drawer draws the adult's card at a resolution.
func drawer(dir string) (func(dpi int) (printer.Face, error), error) {
	p, err := people.Get("adult", time.Time{})
	if err != nil {
		return nil, err
	}
	if err := people.Write(dir, p); err != nil {
		return nil, err
	}
	wire, err := order.Inline(dir, p.Order)
	if err != nil {
		return nil, err
	}
	o, err := order.Parse(wire, nil, order.Checks{})
	if err != nil {
		return nil, err
	}
	data, err := facecheck.Data(o)
	if err != nil {
		return nil, err
	}
	data.CardID = "0999000000000001"
	fonts, err := face.LoadFonts()
	if err != nil {
		return nil, err
	}
	return func(dpi int) (printer.Face, error) { return fonts.Render(face.DefaultLayout.At(dpi), data) }, nil
}

// measureSides times drawing and separating both sides.
func measureSides(r *report, draw func(int) (printer.Face, error)) error {
	for _, dpi := range []int{300, 600} {
		f, err := draw(dpi)
		if err != nil {
			return err
		}
		took, err := lasting(printersRuns, func() error { _, err := draw(dpi); return err })
		if err != nil {
			return err
		}
		r.add(fmt.Sprintf("face_render_%d", dpi), micro(took)/1e3, "ms", none)
		took, err = lasting(printersRuns, func() error {
			for _, side := range []image.Image{f.Front, f.Back} {
				raster.Separate(side)
			}
			return nil
		})
		if err != nil {
			return err
		}
		r.add(fmt.Sprintf("face_separate_%d", dpi), micro(took)/1e3, "ms", none)
	}
	return nil
}

// shift is one printer at work, in its own time.
type shift struct {
	clock    *press.Virtual
	press    *press.Press
	device   printer.Device
	received func() int
	done     func() // lets go of the cable
	moved    time.Duration
}

// start switches a printer on whose mechanism's times are summed as they are spent.
func (p printing) start(ctx context.Context) (*shift, error) {
	s := &shift{clock: &press.Virtual{}}
	cfg, t := p.shape, press.Typical
	cfg.Hopper, cfg.Ribbon, cfg.FilmShots, cfg.Clock, cfg.Times = 2*printersCards, 500, 750, s.clock, t
	spent := map[press.Moment]time.Duration{
		press.Feeding: t.Feed, press.Moving: t.Move, press.Flipping: t.Flip, press.Heating: t.Panel, press.Ejecting: t.Eject, press.Inking: t.Panel,
	}
	if cfg.Film {
		spent[press.Inking] = t.Transfer
	}
	cfg.Moment = func(m press.Moment, after bool) {
		if after {
			s.moved += spent[m]
		}
	}
	s.press = press.New(cfg)
	m := p.model(s.press)
	cable := lines.NewPipe(p.name, m)
	s.received, s.done = m.Received, func() { _ = cable.Unplug() }
	dialer := cable.Dialer()
	if h, ok := m.(usbbed.Hearer); ok && p.port {
		dialer = usbbed.StandIn(dialer, h)
	}
	pause := func(ctx context.Context, d time.Duration) error {
		s.clock.Wait(d)
		return ctx.Err()
	}
	var err error
	if s.device, err = p.driver(ctx, dialer, pause); err != nil {
		s.done()
	}
	return s, err
}

// card takes one card from the hopper to the output, its chip encoded for that long, or
// only printed.
func (s *shift) card(ctx context.Context, f printer.Face, chip time.Duration) error {
	if chip > 0 {
		if err := s.device.Move(ctx, printer.Contact); err != nil {
			return err
		}
		s.clock.Wait(chip)
	}
	if err := s.device.Move(ctx, printer.Head); err != nil {
		return err
	}
	if err := s.device.Print(ctx, f, nil); err != nil {
		return err
	}
	return s.device.Move(ctx, printer.Output)
}

// run prints cards one after the other and tells how long that took of virtual time.
func (p printing) run(ctx context.Context, f printer.Face, cards int, chip time.Duration) (*shift, time.Duration, error) {
	s, err := p.start(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer s.done()
	began := s.clock.Now()
	s.moved = 0
	for range cards {
		if err := s.card(ctx, f, chip); err != nil {
			return nil, 0, err
		}
	}
	s.press.Settle()
	return s, s.clock.Now() - began, nil
}

// measure prints with one driver. The mechanical limit is the sum of what the mechanism
// did; whatever the clock shows beyond it, the driver kept it waiting.
func (p printing) measure(ctx context.Context, r *report, draw func(int) (printer.Face, error)) error {
	f, err := draw(p.dpi)
	if err != nil {
		return err
	}
	began := cpuTime()
	s, took, err := p.run(ctx, f, printersCards, 0)
	if err != nil {
		return err
	}
	name := "printer_" + p.name
	r.add(name+"_cpu", (cpuTime()-began).Seconds()*1e3/printersCards, "ms/card", none)
	r.count(name+"_wire_bytes", s.received()/printersCards, "B/card", none)
	r.add(name+"_wire_ratio", float64(s.received())/float64(printersCards*p.raw), unitRatio, atMost(printersBytesMax))
	r.add(name+"_hourly", hourly(printersCards, took), "card/h", none)
	r.add(name+"_limit_ratio", s.moved.Seconds()/took.Seconds(), unitRatio, p.limit())
	return p.measureOverlap(ctx, r, f)
}

func (p printing) limit() bound {
	if p.blind {
		return atLeast(printersBlindMin)
	}
	return atLeast(printersRateMin)
}

// measureOverlap sets one printer that encodes and prints in turns beside two of them,
// of which one prints while the other encodes: each then has half of the cards. The limit
// is what mechanism and chip take.
func (p printing) measureOverlap(ctx context.Context, r *report, f printer.Face) error {
	for _, row := range []struct {
		name  string
		cards int // of each printer
	}{{"_encoding", printersCards}, {"_encoding_two", printersCards / 2}} {
		s, took, err := p.run(ctx, f, row.cards, chipTime)
		if err != nil {
			return err
		}
		name, least := "printer_"+p.name+row.name, s.moved+time.Duration(row.cards)*chipTime
		r.add(name+"_hourly", hourly(printersCards, took), "card/h", none)
		r.add(name+"_limit_ratio", least.Seconds()/took.Seconds(), unitRatio, p.limit())
	}
	return nil
}

func hourly(cards int, took time.Duration) float64 { return float64(cards) / took.Hours() }
