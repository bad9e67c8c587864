//go:build linux

package escpos_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"jukicard/printer"
	"jukicard/printer/escpos"
	"jukicard/printer/wire"
	model "jukicard/simulator/escpos"
	"jukicard/simulator/lines"
	"jukicard/simulator/usbbed"
)

func TestMain(m *testing.M) { os.Exit(usbbed.Main(m)) }

// slip is a picture with frame, diagonal and speckles, of the dots and rows given.
func slip(dots, rows int) *image.Gray {
	g := image.NewGray(image.Rect(0, 0, dots, rows))
	rnd := rand.New(rand.NewPCG(1, uint64(rows)))
	for y := range rows {
		for x := range dots {
			dark := x == 0 || y == 0 || x == dots-1 || y == rows-1 || x == y || rnd.IntN(50) == 0
			if !dark {
				g.SetGray(x, y, color.Gray{Y: 0xFF})
			}
		}
	}
	return g
}

// differences are the dots that are missing on paper and those that are too many.
func differences(want, paper *image.Gray) (missing, extra int) {
	for y := range max(want.Rect.Dy(), paper.Rect.Dy()) {
		for x := range max(want.Rect.Dx(), paper.Rect.Dx()) {
			w, p := dark(want, x, y), dark(paper, x, y)
			if w && !p {
				missing++
			} else if p && !w {
				extra++
			}
		}
	}
	return missing, extra
}

func dark(g *image.Gray, x, y int) bool {
	return image.Pt(x, y).In(g.Rect) && g.GrayAt(x, y).Y < 0xB0
}

// whole checks that a slip is on paper, with no dots more than those that break up the
// picture's bytes 10 04, 10 05 and 10 14.
func whole(t *testing.T, want, paper *image.Gray) {
	t.Helper()
	var picture []byte
	for y := range want.Rect.Dy() {
		for x := 0; x < paper.Rect.Dx(); x += 8 {
			var b byte
			for i := range 8 {
				if dark(want, x+i, y) {
					b |= 0x80 >> i
				}
			}
			picture = append(picture, b)
		}
	}
	broken := bytes.Count(picture, []byte{0x10, 0x04}) + bytes.Count(picture, []byte{0x10, 0x05}) + bytes.Count(picture, []byte{0x10, 0x14})
	if missing, extra := differences(want, paper); missing > 0 || extra != broken {
		t.Errorf("%d dots missing, %d too many, want none and %d", missing, extra, broken)
	}
}

// cables hang a model on each wire.
var cables = map[string]func(t *testing.T, m *model.Model) (lines.Cable, error){
	"pipe": func(_ *testing.T, m *model.Model) (lines.Cable, error) { return lines.NewPipe("slips", m), nil },
	"tcp":  func(_ *testing.T, m *model.Model) (lines.Cable, error) { return lines.NewTCP(m) },
	"pty":  func(t *testing.T, m *model.Model) (lines.Cable, error) { return lines.NewPty(t.TempDir(), m) },
	"usb": func(t *testing.T, m *model.Model) (lines.Cable, error) {
		return usbbed.For(t).Plug(usbbed.Printer(0x04B8, 0x0202, t.Name(), 1, 2), usbbed.Stream(m))
	},
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestSlipOnEveryWire prints two slips each: the second finds the printer as the first
// left it.
func TestSlipOnEveryWire(t *testing.T) {
	for name, hang := range cables {
		t.Run(name, func(t *testing.T) {
			m := model.New(model.Options{})
			c, err := hang(t, m)
			if err != nil {
				t.Fatal(err)
			}
			p := escpos.Printer{Dialer: c.Dialer()}
			for i, rows := range []int{300, 128} {
				want := slip(escpos.DotsDefault, rows)
				if err := p.Print(within(t), want); err != nil {
					t.Fatal(err)
				}
				slips := m.Slips()
				if len(slips) != i+1 {
					t.Fatalf("%d slips, want %d", len(slips), i+1)
				}
				whole(t, want, slips[i])
			}
			s, err := p.Status(within(t))
			if err != nil || !s.Online || len(s.Faults) > 0 || m.Noise() > 0 {
				t.Errorf("%+v, %v; %d bytes of noise", s, err, m.Noise())
			}
			if err := c.Unplug(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSlipAsPNG: what came out can be looked at.
func TestSlipAsPNG(t *testing.T) {
	m := model.New(model.Options{Dots: 64})
	c := lines.NewPipe("slips", m)
	want := slip(64, 40)
	if err := (&escpos.Printer{Dialer: c.Dialer(), Dots: 64}).Print(within(t), want); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := model.PNG(&b, model.Trim(m.Slips()[0])); err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(&b)
	if err != nil || got.Bounds() != want.Rect {
		t.Fatalf("%v, %v", got, err)
	}
	whole(t, want, got.(*image.Gray))
}

// TestPictureFullOfCommands has bytes that would ask, clear, or open a drawer.
func TestPictureFullOfCommands(t *testing.T) {
	pattern := []byte{0x10, 0x04, 0x01, 0x10, 0x05, 0x02, 0x10, 0x14, 0x08, 0x01, 0x03, 0x14, 0x01, 0x06, 0x02, 0x08}
	want := image.NewGray(image.Rect(0, 0, 8*len(pattern), 200))
	for y := range 200 {
		for x := range want.Rect.Dx() {
			if pattern[(x/8+y)%len(pattern)]&(0x80>>(x%8)) == 0 {
				want.SetGray(x, y, color.Gray{Y: 0xFF})
			}
		}
	}
	m := model.New(model.Options{Dots: want.Rect.Dx()})
	c := lines.NewPipe("slips", m)
	if err := (&escpos.Printer{Dialer: c.Dialer(), Dots: want.Rect.Dx()}).Print(within(t), want); err != nil {
		t.Fatal(err)
	}
	whole(t, want, m.Slips()[0])
	if m.Noise() > 0 {
		t.Errorf("%d bytes of noise", m.Noise())
	}
}

// bench is a model in a pipe in virtual time.
type bench struct {
	*testing.T
	model   *model.Model
	cable   *lines.Pipe
	printer *escpos.Printer
}

func virtual(t *testing.T, o model.Options, do func(b bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := model.New(o)
		c := lines.NewPipe("slips", m)
		do(bench{t, m, c, &escpos.Printer{Dialer: c.Dialer()}})
		if err := c.Unplug(); err != nil {
			t.Error(err)
		}
		if m.Noise() > 0 {
			t.Errorf("%d bytes that are no command", m.Noise())
		}
	})
}

// fails checks a failure: what is known of the slip, and the fault or link behind it.
func (b bench) fails(err error, slip printer.Surface, code string, link wire.Kind) {
	b.Helper()
	var s *escpos.SlipError
	if !errors.As(err, &s) || s.Slip != slip {
		b.Errorf("got %v, want a slip that is %v", err, slip)
	}
	var f *printer.FaultError
	var w *wire.Error
	switch {
	case code != "":
		if !errors.As(err, &f) || f.Fault.Code != code {
			b.Errorf("got %v, want fault %s", err, code)
		}
	case !errors.As(err, &w) || w.Kind != link:
		b.Errorf("got %v, want a link that is %v", err, link)
	}
}

// slips checks how many came out, and that the last is whole.
func (b bench) slips(n int, last *image.Gray) {
	b.Helper()
	got := b.model.Slips()
	if len(got) != n {
		b.Fatalf("%d slips, want %d", len(got), n)
	}
	whole(b.T, last, got[n-1])
}

func TestNotReady(t *testing.T) {
	rows := []struct {
		name string
		do   func(m *model.Model)
		code string
	}{
		{"cover open", func(m *model.Model) { m.Cover(true) }, "DLE EOT 2.2"},
		{"paper out", func(m *model.Model) { m.PaperAfter(0) }, "DLE EOT 4.5"},
		{"hot", func(m *model.Model) { m.Heat(true) }, "DLE EOT 3.6"},
		{"broken", (*model.Model).Break, "DLE EOT 3.5"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			virtual(t, model.Options{}, func(b bench) {
				row.do(b.model)
				b.fails(b.printer.Print(b.Context(), slip(64, 64)), printer.SurfaceBlank, row.code, 0)
				if b.model.Rows() > 0 {
					b.Errorf("%d rows printed", b.model.Rows())
				}
				s, err := b.printer.Status(b.Context())
				if err != nil || s.Online || len(s.Faults) != 1 || s.Faults[0].Code != row.code {
					b.Errorf("status %+v, %v", s, err)
				}
			})
		})
	}
}

func TestNearEndIsNoFault(t *testing.T) {
	virtual(t, model.Options{}, func(b bench) {
		b.model.NearEnd(true)
		want := slip(64, 64)
		if err := b.printer.Print(b.Context(), want); err != nil {
			b.Error(err)
		}
		if s, err := b.printer.Status(b.Context()); err != nil || s.Paper != escpos.PaperNearEnd {
			b.Errorf("%+v, %v", s, err)
		}
		b.slips(1, want)
	})
}

// TestPaperIsPutIn: somebody comes in time, and it is one whole slip.
func TestPaperIsPutIn(t *testing.T) {
	virtual(t, model.Options{Buffer: 64 << 10}, func(b bench) {
		b.model.PaperAfter(100)
		time.AfterFunc(3*time.Minute, b.model.Roll)
		want := slip(escpos.DotsDefault, 400)
		start := time.Now()
		if err := b.printer.Print(b.Context(), want); err != nil {
			b.Error(err)
		}
		if d := time.Since(start); d < 3*time.Minute {
			b.Errorf("it was out after %v", d)
		}
		b.slips(1, want)
	})
}

// TestNobodyComes: the slip is given up, and no half of it comes out later.
func TestNobodyComes(t *testing.T) {
	virtual(t, model.Options{Buffer: 64 << 10}, func(b bench) {
		b.model.PaperAfter(100)
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		defer cancel()
		b.fails(b.printer.Print(ctx, slip(escpos.DotsDefault, 400)), printer.SurfaceUnknown, "DLE EOT 4.5", 0)
		b.model.Roll()
		synctest.Wait()
		if b.model.Rows() != 100 || len(b.model.Slips()) > 0 {
			b.Errorf("%d rows and %d slips, want 100 and none", b.model.Rows(), len(b.model.Slips()))
		}
	})
}

// TestStopsReading: the buffer is small, the paper ends, and the host's write stands.
func TestStopsReading(t *testing.T) {
	virtual(t, model.Options{}, func(b bench) {
		b.model.PaperAfter(50)
		b.fails(b.printer.Print(b.Context(), slip(escpos.DotsDefault, 4000)), printer.SurfaceSpoilt, "DLE EOT 4.5", 0)
		b.model.Roll()
		synctest.Wait()
		if len(b.model.Slips()) > 0 {
			b.Error("a half slip came out")
		}
	})
}

func TestDeaf(t *testing.T) {
	virtual(t, model.Options{}, func(b bench) {
		b.model.Deafen(true)
		var e *wire.Error
		if _, err := b.printer.Status(b.Context()); !errors.As(err, &e) || e.Kind != wire.Timeout {
			b.Errorf("status: %v", err)
		}
		b.fails(b.printer.Print(b.Context(), slip(64, 64)), printer.SurfaceBlank, "", wire.Timeout)
	})
}

func TestCutterSticks(t *testing.T) {
	virtual(t, model.Options{}, func(b bench) {
		b.model.StickCutter()
		want := slip(64, 64)
		b.fails(b.printer.Print(b.Context(), want), printer.SurfacePrinted, "DLE EOT 3.3", 0)
		var f *printer.FaultError
		if err := b.printer.Recover(b.Context()); !errors.As(err, &f) || f.Fault.Kind != printer.Jam {
			b.Errorf("recovered with the paper in the way: %v", err)
		}
		b.model.FreeCutter()
		if err := b.printer.Recover(b.Context()); err != nil {
			b.Error(err)
		}
		if missing, _ := differences(want, b.model.Uncut()); missing > 0 {
			b.Error("it was not printed whole, but said to be")
		}
	})
}

// TestPlain is a printer that knows no identifiers: the queue and the sensors tell.
func TestPlain(t *testing.T) {
	for _, silent := range []bool{false, true} {
		virtual(t, model.Options{Plain: true}, func(b bench) {
			b.printer.NoProcessID = silent
			want := slip(escpos.DotsDefault, 200)
			if err := b.printer.Print(b.Context(), want); err != nil {
				b.Fatal(err)
			}
			b.slips(1, want)
			b.model.StickCutter()
			b.fails(b.printer.Print(b.Context(), want), printer.SurfaceUnknown, "DLE EOT 3.3", 0)
		})
	}
}

// TestUnpluggedInTheMiddle: the printer is left inside a picture; the next slip is whole.
func TestUnpluggedInTheMiddle(t *testing.T) {
	for _, plain := range []bool{false, true} {
		virtual(t, model.Options{Plain: plain}, func(b bench) {
			b.model.PaperAfter(150)
			time.AfterFunc(5*time.Second, func() {
				if err := b.cable.Unplug(); err != nil {
					b.Error(err)
				}
			})
			b.fails(b.printer.Print(b.Context(), slip(escpos.DotsDefault, 4000)), printer.SurfaceSpoilt, "", wire.Gone)
			b.model.Roll()
			if err := b.cable.Plug(); err != nil {
				b.Fatal(err)
			}
			want := slip(escpos.DotsDefault, 128)
			if err := b.printer.Print(b.Context(), want); err != nil {
				b.Fatal(err)
			}
			got := b.model.Slips()
			if len(got) != 1 {
				b.Fatalf("%d slips, want 1", len(got))
			}
			// What was printed before hangs on the same paper, above.
			paper := model.Trim(got[0])
			tail := image.NewGray(image.Rect(0, 0, escpos.DotsDefault, 128))
			copy(tail.Pix, paper.Pix[(paper.Rect.Dy()-128)*paper.Stride:])
			whole(b.T, want, tail)
		})
	}
}

// TestPowerLost while the slip is in the buffer.
func TestPowerLost(t *testing.T) {
	virtual(t, model.Options{Buffer: 64 << 10}, func(b bench) {
		b.model.PaperAfter(100)
		time.AfterFunc(5*time.Second, func() {
			b.model.Power()
			b.model.Roll()
		})
		b.fails(b.printer.Print(b.Context(), slip(escpos.DotsDefault, 400)), printer.SurfaceUnknown, "", wire.Timeout)
		if len(b.model.Slips()) > 0 {
			b.Error("a slip came out")
		}
	})
}

func TestNotThere(t *testing.T) {
	virtual(t, model.Options{}, func(b bench) {
		if err := b.cable.Unplug(); err != nil {
			b.Fatal(err)
		}
		b.fails(b.printer.Print(b.Context(), slip(64, 64)), printer.SurfaceBlank, "", wire.Gone)
		var e *wire.Error
		if err := b.printer.Recover(b.Context()); !errors.As(err, &e) || e.Kind != wire.Gone {
			b.Errorf("recover: %v", err)
		}
		err := b.printer.Print(b.Context(), image.NewGray(image.Rect(0, 0, 5000, 1)))
		var s *escpos.SlipError
		if !errors.As(err, &s) || s.Slip != printer.SurfaceBlank {
			b.Errorf("got %v", err)
		}
	})
}
