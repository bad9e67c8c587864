package simulator

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
)

func TestNewBlankRefuses(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(o *Options)
		want  string
	}{
		{"no keys", func(o *Options) { o.LabKey, o.Master = secret.Bytes{}, secret.Bytes{} }, "LabKey or Master"},
		{"a laboratory key of 15 bytes", func(o *Options) { o.LabKey = secret.New(make([]byte, 15)) }, "15"},
		{"a master of 15 bytes", func(o *Options) { o.Master = secret.New(make([]byte, 15)) }, "15"},
		{"a card number of 15 digits", func(o *Options) { o.CardID = "123456789012345" }, "16 digits"},
		{"a card number of letters", func(o *Options) { o.CardID = "12345678901234AB" }, "16 digits"},
		{"no randomness", func(o *Options) { o.CardID, o.Rand = "", iotest.ErrReader(errors.New("dry")) }, "dry"},
		{"a folder that is not there", func(o *Options) { o.StateFile = t.TempDir() + "/none/card.state" }, "cannot save card"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options()
			tt.spoil(&o)
			_, err := NewBlank(o)
			if err == nil || !strings.HasPrefix(err.Error(), "cannot make card") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestCardNumbersAreInventedAndDiffer(t *testing.T) {
	o := options()
	o.CardID, o.Rand = "", nil
	a, b := newBlank(t, o), newBlank(t, o)
	if a.ID() == b.ID() {
		t.Error("two cards have one number")
	}
	for _, c := range []*Card{a, b} {
		if len(c.ID()) != 16 || !strings.HasPrefix(c.ID(), "0999") {
			t.Errorf("number %s, want 16 digits beginning 0999", c.ID())
		}
		want(t, c, "00CA004500", strings.ToUpper(hexOf([]byte(c.ID())))+"9000")
	}
	if a.diversification() == b.diversification() {
		t.Error("two cards have one diversification")
	}
}

func TestATRs(t *testing.T) {
	tests := []struct {
		name string
		o    Options
		want string
	}{
		{"contact", Options{}, "3be000ff8131fe4514"},
		{"contactless", Options{Contactless: true}, "3b888001000005e0b381a1007f"},
		{"given", Options{ATR: []byte{0x3B, 0x00}, Contactless: true}, "3b00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.LabKey, tt.o.KeyPool = LabTestKey, pool()
			c := newBlank(t, tt.o)
			if got := hexOf(c.ATR()); got != tt.want {
				t.Errorf("ATR %s, want %s", got, tt.want)
			}
			want(t, c, "00CA5F5100", "E000FF8131FE4514 9000")
		})
	}
}

func TestOnlyTheMastersKeysOnACardForTheField(t *testing.T) {
	o := options()
	o.LabKey = secret.Bytes{}
	c := newBlank(t, o)
	want(t, c, "8050010008000102030405060700", "6A88")
	if got := say(c, "8050000008000102030405060700"); got[20:22] != "30" {
		t.Errorf("default set %s, want version 30", got)
	}
}

func TestOneSelectedFileReadsWithoutAllocation(t *testing.T) {
	c := newIssued(t, "standard")
	want(t, c, selectAP(aidJPKI), "9000")
	for _, command := range []string{"00B0860010", "00B0000010", "00B08A0000", "00200098", "00A4020C020006", selectAP(aidJPKI)} {
		b := mustHex(command)
		if n := testing.AllocsPerRun(100, func() { c.Process(b) }); n != 0 {
			t.Errorf("%s: %v allocations", command, n)
		}
	}
}

func TestWhatIsNoCommandIs6700(t *testing.T) {
	c := newIssued(t, "standard")
	for _, command := range []string{"", "00", "00A4", "00A404", "00A4040C0A00", "00B0000000 00", "00B000000000000000", "00A4040C0000", "00200080000000 31"} {
		want(t, c, command, "6700")
	}
	if got := c.Process(nil); !bytes.Equal(got, []byte{0x67, 0}) {
		t.Errorf("nil: %X", got)
	}
}

func TestAGenerationWithoutExtendedLengthRefusesIt(t *testing.T) {
	p, err := profile.Load(DefaultProfile)
	if err != nil {
		t.Fatal(err)
	}
	p.Limits.Extended = false
	o := options()
	o.Profile = p
	c := newBlank(t, o)
	want(t, c, selectAP(aidJPKI), "9000")
	want(t, c, "00B08600000000", "6700")
	want(t, c, "00B0860001", "4A9000")
}

// Trap: 00B0 on a file of another application must not remember the one before.
func TestPowerOffForgetsEverything(t *testing.T) {
	for name, off := range map[string]func(*Card){"power off": (*Card).PowerOff, "reset": (*Card).Reset} {
		t.Run(name, func(t *testing.T) {
			c := newIssued(t, "standard")
			want(t, c, selectAP(aidText), "9000")
			want(t, c, verifyAPDU(0x11, textPIN), "9000")
			say(c, "802A0000010110") // leaves an answer waiting
			off(c)
			if c.verified != 0 || c.app != c.domain || c.ef != nil || len(c.pending) != 0 || c.channel.Open() {
				t.Errorf("session %+v", c.verified)
			}
			if slices.ContainsFunc(c.pending[:cap(c.pending)], func(b byte) bool { return b != 0 }) {
				t.Error("what waited is still in memory")
			}
			want(t, c, "00C0000000", "6985")
			want(t, c, "00A40000", "6A86")
		})
	}
}
