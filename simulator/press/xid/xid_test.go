package xid

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"jukicard/printer"
	"jukicard/simulator/press"
	"jukicard/simulator/usbbed"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err)
	}
	return b
}

// machine has planes of 8 × 4 dots.
func machine(kind string) (*Printer, *press.Press, *press.Virtual) {
	clock := &press.Virtual{}
	p := press.New(press.Config{
		Width: 8, Height: 4, Panels: "YMCK", Film: true, Hopper: 3, Printed: 157, Clock: clock,
		Ribbon: 740, RibbonMax: 750, FilmShots: 700, FilmMax: 1000,
	})
	return New(Config{Type: kind, Serial: "80000001", Address: [6]byte{0x90, 0x3D, 0x68, 0x02, 0x58, 0xC3}, Press: p, Clock: clock, WarmUp: time.Second, Retry: 1}), p, clock
}

// order sends a command over USB and gives its data and whether it passed.
func order(t *testing.T, p *Printer, in int, cdb string, out []byte) ([]byte, bool) {
	t.Helper()
	block := unhex(cdb)
	wrapper := make([]byte, 31)
	copy(wrapper, "USBC")
	wrapper[4] = 7
	binary.LittleEndian.PutUint32(wrapper[8:], uint32(max(in, len(out))))
	if in > 0 {
		wrapper[12] = 0x80
	}
	wrapper[14] = byte(len(block))
	copy(wrapper[15:], block)
	for _, transfer := range [][]byte{wrapper, out} {
		if len(transfer) == 0 {
			continue
		}
		if n, err := p.Out(t.Context(), 2, transfer); err != nil || n != len(transfer) {
			t.Fatalf("%s: %d bytes taken, %v", cdb, n, err)
		}
	}
	var data []byte
	if in > 0 {
		got, err := p.In(t.Context(), 1, 512)
		if err != nil && !errors.Is(err, usbbed.ErrStall) {
			t.Fatal(err)
		}
		data = got
	}
	status, err := p.In(t.Context(), 1, 512)
	if err != nil || len(status) != 13 || string(status[:5]) != "USBS\a" {
		t.Fatalf("%s: status % x, %v", cdb, status, err)
	}
	if residue := int(binary.LittleEndian.Uint32(status[8:])); in > 0 && residue != in-len(data) {
		t.Errorf("%s: residue %d of %d bytes", cdb, residue, in)
	}
	return data, status[12] == 0
}

// code is what REQUEST SENSE gives.
func code(t *testing.T, p *Printer) uint32 {
	t.Helper()
	b, ok := order(t, p, 20, "030000001400", nil)
	if !ok || len(b) != 20 {
		t.Fatalf("sense % x", b)
	}
	return uint32(b[2])<<16 | uint32(b[12])<<8
}

// TestUSBConversation is a card from the hopper to the output as the dumps have it, with
// what is asked and told between.
func TestUSBConversation(t *testing.T) {
	p, mechanics, clock := machine("XID8600")
	plane := make([]byte, 32)
	plane[0] = 255 // the last dot of the card: the plane is upside down
	for _, row := range []struct {
		cdb  string
		in   int
		out  []byte
		data string // the beginning of what it gives
		code uint32
	}{
		{cdb: "000000000000", code: warming},
		{cdb: "120000006000", in: 96, data: "02 00 00 00 5b 00 00 00" + hex.EncodeToString([]byte("GPRINTECXID8600\x0080000001"))},
		{cdb: "1a0068004000", in: 64, data: "2f 00 10 00 28 3a 00 00 0258 0258"},
		{cdb: "1a0063002c00", in: 44, data: "2b 00 10 00 23 26 00 00 02ee 0000 464332323231"},
		{cdb: "1a0099002c00", in: 44, code: badCommand},
		{cdb: "4d007800000000003400", in: 52, data: "38000020 00000004 0000009d 00010004"},
		{cdb: "4d007900000000004c00", in: 76, code: badCommand},
		{cdb: "34000000000000000000", in: 8, data: "04000000 00000000"},
		{cdb: "31010000000000040000", code: cannot},
		{cdb: "31010000000000050000", code: cannot},
		{cdb: "310b0000000000000000", code: wrongPosition},
		{cdb: "31010000000000010000"},
		{cdb: "34000000000000000000", in: 8, data: "00000000 00000001"},
		{cdb: "32040000000000000000", code: wrongPosition},
		{cdb: "32000000000000000000"},
		{cdb: "32010000000000000000"},
		{cdb: "32090000000000000000", code: badCommand},
		{cdb: "310b0000000000000000"},
		{cdb: "31090000000000000000", code: cannot},
		{cdb: "2a000000000000002000", out: plane},
		{cdb: "2a000000000000001000", out: plane[:16], code: cannot},
		{cdb: "2a000400000000002000", out: plane, code: cannot},
		{cdb: "31080400000000000000"},
		{cdb: "310a0000000000000000"},
		{cdb: "4d007800000000003400", in: 52, data: "38000020 00000004 0000009d"},
		{cdb: "31080400000000000000"},
		{cdb: "31090000000000000000"},
		{cdb: "4d007800000000003400", in: 52, data: "38000020 00000004 0000009e"},
		{cdb: "34000000000000000000", in: 8, data: "04000000 00000000"},
		{cdb: "15102a000a00", out: unhex("2a08ffffffffff00ffff")},
		{cdb: "15102a000a00", out: unhex("2a07ffffffffff00ffff"), code: cannot},
		{cdb: "1d0001000a00"},
		{cdb: "010000000000"},
		{cdb: "ff0000000000", code: badCommand},
		{cdb: "31ff0000000000000000", code: badCommand},
		{cdb: "000000000000"},
	} {
		data, passed := order(t, p, row.in, row.cdb, row.out)
		if got := code(t, p); got != row.code || passed != (row.code == fine) {
			t.Errorf("%s: the code is %08X, want %08X", row.cdb, got, row.code)
		}
		if !strings.HasPrefix(hex.EncodeToString(data), strings.ReplaceAll(row.data, " ", "")) {
			t.Errorf("%s: it gives %x, want %s", row.cdb, data, row.data)
		}
		clock.Wait(time.Second)
	}
	card := mechanics.Cards()[0]
	if dots := card.Sides[0].Ink['K']; len(dots) != 32 || dots[31] != 255 || dots[0] != 0 || mechanics.Where(card) != printer.Output {
		t.Errorf("the front took %v, and the card is at %s", dots, mechanics.Where(card))
	}
	if p.Retry() != 0 || mechanics.Snapshot().Output != 2 {
		t.Errorf("retry count %d, %d cards out", p.Retry(), mechanics.Snapshot().Output)
	}
}

// TestAWrapperThatIsNone stalls everything until a reset.
func TestAWrapperThatIsNone(t *testing.T) {
	p, _, _ := machine("XID580")
	for _, bad := range [][]byte{make([]byte, 31), []byte("USBC")} {
		for range 2 {
			if _, err := p.Out(t.Context(), 2, bad); !errors.Is(err, usbbed.ErrStall) {
				t.Errorf("% x is taken: %v", bad, err)
			}
		}
		if _, err := p.Control(t.Context(), usbbed.Setup{Type: 0xA1, Request: 0xFE}, nil); !errors.Is(err, usbbed.ErrStall) {
			t.Errorf("another request: %v", err)
		}
		if _, err := p.Control(t.Context(), usbbed.Setup{Type: 0x21, Request: 0xFF}, nil); err != nil {
			t.Errorf("the reset: %v", err)
		}
		if _, ok := order(t, p, 96, "120000006000", nil); !ok {
			t.Error("after the reset it does not say its name")
		}
	}
	if d := p.Device(); d.Vendor != 0x2166 || d.Product != 0x701D || d.Serial != "80000001" {
		t.Errorf("on the bus it is %+v", d)
	}
}

// TestNobodyAnswersWithoutPower: neither data nor status.
func TestNobodyAnswersWithoutPower(t *testing.T) {
	p, mechanics, _ := machine("XID580")
	mechanics.PowerOff()
	wrapper := append([]byte("USBC\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x06"), make([]byte, 16)...)
	if _, err := p.Out(t.Context(), 2, wrapper); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if b, err := p.In(ctx, 1, 512); !errors.Is(err, context.Canceled) {
		t.Errorf("it answers % x, %v", b, err)
	}
}

// TestTroublesInTheMachinesCodes: what the mechanics say, and where a jam is.
func TestTroublesInTheMachinesCodes(t *testing.T) {
	for _, row := range []struct {
		set  func(*press.Press)
		want uint32
	}{
		{func(m *press.Press) {}, fine},
		{func(m *press.Press) { m.SetSupplies(0, 1, 1, false) }, noCards},
		{func(m *press.Press) { m.Cover(true) }, doorOpen},
		{func(m *press.Press) { m.PowerOff(); m.PowerOn() }, resetAttention},
		{func(m *press.Press) { jam(m, press.Feeding) }, jamHopper},
		{func(m *press.Press) { jam(m, press.Moving) }, jamTransfer},
		{func(m *press.Press) { jam(m, press.Flipping) }, jamTurnOver},
		{func(m *press.Press) { jam(m, press.Ejecting) }, jamDischarge},
		{func(m *press.Press) { jam(m, press.Heating) }, jamRetransfer},
	} {
		p, m, clock := machine("XID580")
		clock.Wait(time.Hour)
		row.set(m)
		m.Settle()
		if got := p.state(); got != row.want {
			t.Errorf("the code is %08X, want %08X", got, row.want)
		}
	}
	p, m, clock := machine("XID580")
	clock.Wait(time.Hour)
	jam(m, press.Heating)
	if _, _, got := p.where(); got != jamRetransfer {
		t.Errorf("the position is told with %08X over a jam", got)
	}
	m.TakeOut()
	if m.Feed(printer.Contact) != nil || p.state() != busyPrinting {
		t.Error("it is not busy while it feeds")
	}
	m.PowerOff()
	m.PowerOn()
	m.Settle()
	if first, second := p.state(), p.state(); first != resetAttention || second != powerCut {
		t.Errorf("a card left over says %08X, then %08X", first, second)
	}
	if _, _, got := p.where(); got != powerCut {
		t.Errorf("a lost card's place is told: %08X", got)
	}
}

// jam sends a card through everything until it sticks.
func jam(m *press.Press, at press.Moment) {
	m.Arm(press.Mishap{When: at, Kind: press.Jam, Share: 0.5})
	m.Load(0, 'K', make([]byte, 32))
	for _, do := range []func() *press.Trouble{
		func() *press.Trouble { return m.Feed(printer.Head) }, func() *press.Trouble { return m.Move(printer.Head) },
		m.Flip, func() *press.Trouble { return m.PrintFilm(0, "K") }, func() *press.Trouble { return m.Move(printer.Output) },
	} {
		if do() != nil {
			return
		}
	}
}

// TestNetworkConversation is that of the dumps (eth.txt), with this machine's numbers.
func TestNetworkConversation(t *testing.T) {
	p, mechanics, clock := machine("XID8600")
	clock.Wait(time.Hour)
	host, end := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- p.Serve(t.Context(), end) }()
	say := func(words string) {
		t.Helper()
		if _, err := host.Write(unhex(words)); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(want string) {
		t.Helper()
		got := make([]byte, len(unhex(want)))
		if _, err := io.ReadFull(host, got); err != nil || hex.EncodeToString(got) != hex.EncodeToString(unhex(want)) {
			t.Fatalf("it says %x, want %s (%v)", got, want, err)
		}
	}
	hear(`f3000200 0000001c 00000000 00000000 00000000 00000000 0000 0000 0000 5052 494e 5445 5230 3100
		0000 0000 0000 0000 0000 0000 0000 0000 5849 4438 3630 3020 2020 2020 2020 2020
		fe80 0000 0000 0000 923d 68ff fe02 58c3 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000`)
	say("f2000300 00000003 00000002 99999999 00000000")
	hear("f3000400 00000002 00000000 99999999")
	plane := "f0000200 0000000d 00000000 %s 08000000 00000024 00000020" + strings.Repeat("ff", 32)
	for i, row := range []struct{ ask, want string }{
		{"f0000100 00000003 00000000 # 01020000", "f1000100 00000002 00000000 #"},
		{"f0000100 00000003 00000000 # 02020000", "f1000300 00000003 00000000 # 01020400"},
		{"f0000100 00000003 00000000 # 04020004", "f1000200 00000002 00052a00 #"},
		{"f0000100 00000003 00000000 # 04020002", "f1000100 00000002 00000000 #"},
		{"f0000100 00000003 00000000 # 02020000", "f1000300 00000003 00000000 # 01020002"},
		{"f0000100 00000003 00000000 # 0a021000", "f1000100 00000002 00000000 #"},
		{"f0000100 00000003 00000000 # 0a025000", "f1000100 00000002 00000000 #"},
		{"f0000100 00000003 00000000 # 05021000", "f1000100 00000002 00000000 #"},
		{strings.ReplaceAll(plane, "%s", "#"), "f1000100 00000002 00000000 #"},
		{"f0000200 00000003 00000000 # 08000000", "f1000200 00000002 00052000 #"},
		{"f0000100 00000003 00000000 # 06020008", "f1000100 00000002 00000000 #"},
		{"f0000100 00000004 00000000 # 07060000 00000000", "f1000100 00000002 00000000 #"},
		{"f0000600 00000005 00000000 # 1f000000 21000000 77000000", "f1000600 00000006 00000000 # 1f06040000009e00 2106040000000100"},
		{"f0000600 00000005 00000000 # 0a000000 0c000000 0e000000", "f1000600 00000006 00000000 # 0a020100 0c020107 0e060202ee000000"},
		{"f0000400 00000003 00000000 # 28000000", "f1000400 00000003 00000000 # 28020101"},
		{"f0000100 00000004 00000000 # 07060005 00000000", "f1000200 00000002 00052a00 #"},
		{"f0000100 00000003 00000000 # 05020005", "f1000100 00000002 00000000 #"},
		{"f0000100 00000003 00000000 # 03020000", "f1000100 00000002 00000000 #"},
		{"f0000100 00000003 00000000 # 0f020000", "f1000200 00000002 00052000 #"},
		{"f0009900 00000002 00000000 #", "f1000200 00000002 00052000 #"},
	} {
		seq := hex.EncodeToString(binary.BigEndian.AppendUint32(nil, uint32(i)))
		say(strings.ReplaceAll(row.ask, "#", seq))
		hear(strings.ReplaceAll(row.want, "#", seq))
	}
	card := mechanics.Cards()[0]
	if mechanics.Where(card) != printer.Output || !card.Has(1, press.Planes{'K': unhex(strings.Repeat("ff", 32))}) {
		t.Errorf("the card is at %s with %v", mechanics.Where(card), card.Sides)
	}
	_ = host.Close()
	if err := <-done; err == nil {
		t.Error("it serves a host that is gone")
	}
}

// TestHostsThatAreNone are hung up on.
func TestHostsThatAreNone(t *testing.T) {
	for name, words := range map[string]string{
		"a command before its document": "f0000100 00000003 00000000 00000000 01020000",
		"a message without end":         "f2000300 7fffffff 00000000 99999999",
		"a message that is too short":   "f2000300 00000000 00000000 99999999",
	} {
		t.Run(name, func(t *testing.T) {
			p, _, _ := machine("XID580")
			host, end := net.Pipe()
			go func() {
				_, _ = io.CopyN(io.Discard, host, 120)
				_, _ = host.Write(unhex(words))
			}()
			if err := p.Serve(t.Context(), end); err == nil || !strings.HasPrefix(err.Error(), "cannot") {
				t.Errorf("it ends with %v", err)
			}
			_ = host.Close()
		})
	}
}
