package escpos

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"

	"jukicard/printer/wire"
	"jukicard/simulator/lines"
)

// talk has a host with a printer, bytes against bytes.
func talk(t *testing.T, o Options, do func(t *testing.T, m *Model, say func(send, want string))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := New(o)
		c := lines.NewPipe("slips", m)
		w, err := c.Dialer().Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		do(t, m, func(send, want string) { t.Helper(); exchange(t, w, send, want) })
		_ = w.Close() // Unplug tells
		if err := c.Unplug(); err != nil {
			t.Error(err)
		}
	})
}

// exchange sends and compares all that comes back.
func exchange(t *testing.T, w wire.Wire, send, want string) {
	t.Helper()
	if _, err := w.Write(t.Context(), []byte(send)); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	var got []byte
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 1)
		b := make([]byte, 512)
		n, err := w.Read(ctx, b)
		cancel()
		if err != nil {
			break
		}
		got = append(got, b[:n]...)
	}
	if string(got) != want {
		t.Errorf("to % X got % X, want % X", send, got, want)
	}
}

const row8 = "\x1Dv0\x00\x01\x00\x01\x00" // one row of one byte follows

func TestCommands(t *testing.T) {
	rows := []struct {
		name, send, want string
		rows, noise      int
	}{
		{"initialise", "\x1B@", "", 0, 0},
		{"status", "\x10\x04\x01\x10\x04\x04", "\x12\x12", 0, 0},
		{"status of no number", "\x10\x04\x09", "", 0, 3},
		{"a row", row8 + "\xAA", "", 1, 0},
		{"two lines of feed", "\x1Bd\x02", "", 2 * lineHeight, 0},
		{"identifier after a row", row8 + "\xAA\x1D(H\x06\x0000P123", "7\x22P123\x00", 1, 0},
		{"paper from the queue", "\x1Dr\x01", "\x00", 0, 0},
		{"half a command waits", "\x1Dv", "", 0, 0},
		{"noise", "hello", "", 0, 5},
		{"double width is not known", "\x1Dv0\x01\x01\x00\x01\x00", "", 0, 1},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			talk(t, Options{Dots: 8}, func(t *testing.T, m *Model, say func(send, want string)) {
				say(row.send, row.want)
				if m.Rows() != row.rows || m.Noise() != row.noise {
					t.Errorf("%d rows and %d bytes of noise, want %d and %d", m.Rows(), m.Noise(), row.rows, row.noise)
				}
			})
		})
	}
}

// TestRealTimeInPicture: a picture that holds DLE EOT 1 is answered and spoilt.
func TestRealTimeInPicture(t *testing.T) {
	talk(t, Options{Dots: 32}, func(t *testing.T, m *Model, say func(send, want string)) {
		say("\x1Dv0\x00\x04\x00\x01\x00\xAA\x10\x04\x01", "\x12")
		if m.Rows() != 0 {
			t.Error("the row came out although it is short of three bytes")
		}
	})
}

// TestClear forgets the rest of a picture; a plain printer goes on with it.
func TestClear(t *testing.T) {
	for plain, want := range map[bool]string{false: "7%\x00", true: ""} {
		talk(t, Options{Dots: 8, Plain: plain}, func(t *testing.T, m *Model, say func(send, want string)) {
			say("\x1Dv0\x00\x01\x00\x03\x00\xAA", "")
			say("\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08", want)
			say("\x1B@", "")
			if got := m.Rows(); got != map[bool]int{false: 1, true: 3}[plain] || m.Noise() > 0 {
				t.Errorf("plain %v: %d rows, %d bytes of noise", plain, got, m.Noise())
			}
		})
	}
}

func TestStates(t *testing.T) {
	rows := []struct {
		name string
		do   func(m *Model)
		want string // answers to DLE EOT 1 to 4
	}{
		{"ready", func(*Model) {}, "\x12\x12\x12\x12"},
		{"cover", func(m *Model) { m.Cover(true) }, "\x1A\x16\x12\x12"},
		{"near end", func(m *Model) { m.NearEnd(true) }, "\x12\x12\x12\x1E"},
		{"end", func(m *Model) { m.PaperAfter(0) }, "\x1A\x32\x12\x7E"},
		{"hot", func(m *Model) { m.Heat(true) }, "\x1A\x52\x52\x12"},
		{"broken", (*Model).Break, "\x1A\x52\x32\x12"},
		{"mended", func(m *Model) { m.PaperAfter(0); m.Cover(true); m.Roll(); m.Cover(false) }, "\x12\x12\x12\x12"},
		{"broken, off and on", func(m *Model) { m.Break(); m.Power() }, "\x12\x12\x12\x12"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			talk(t, Options{}, func(t *testing.T, m *Model, say func(send, want string)) {
				row.do(m)
				say("\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04", row.want)
			})
		})
	}
}

// TestCutter: it sticks, does not mind being asked to go on, and goes on when freed.
func TestCutter(t *testing.T) {
	talk(t, Options{Dots: 8}, func(t *testing.T, m *Model, say func(send, want string)) {
		m.StickCutter()
		say(row8+"\xFF\x1DVB\x00", "")
		say("\x10\x04\x03", "\x1A")
		say("\x10\x05\x01\x10\x04\x03", "\x1A")
		m.FreeCutter()
		say("\x10\x05\x01\x10\x04\x03", "\x12")
		if s := m.Slips(); len(s) != 1 || !bytes.Equal(s[0].Pix, make([]byte, 8)) {
			t.Errorf("slips %v", s)
		}
		m.StickCutter()
		say(row8+"\xFF\x1DVB\x00", "")
		m.FreeCutter()
		say("\x10\x05\x02", "")
		if s := m.Slips(); len(s) != 1 || m.Uncut().Rect.Dy() != 1 {
			t.Errorf("%d slips, %d rows uncut; the cut was to be forgotten", len(s), m.Uncut().Rect.Dy())
		}
	})
}

func TestTrim(t *testing.T) {
	m := New(Options{Dots: 8})
	for _, bits := range []byte{0x01, 0, 0xFF, 0, 0} {
		m.row([]byte{bits})
	}
	if got := Trim(m.roll).Rect.Dy(); got != 3 {
		t.Errorf("%d rows, want 3", got)
	}
	var b bytes.Buffer
	if err := PNG(&b, m.roll); err != nil || !bytes.HasPrefix(b.Bytes(), []byte("\x89PNG")) {
		t.Errorf("%v", err)
	}
}
