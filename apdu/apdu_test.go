package apdu

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// filled is n bytes of EE.
func filled(n int) []byte { return bytes.Repeat([]byte{0xEE}, n) }

// commandForms are the cases of ISO/IEC 7816-4:2020, 5.2; N stands for n bytes EE.
var commandForms = []struct {
	name string
	c    Command
	cas  int
	head string // the bytes before the data
	tail string
}{
	{"1", Command{CLA: 0x00, INS: 0x20, P2: 0x80}, 1, "00200080", ""},
	{"2S", Command{INS: 0xB0, Ne: 16}, 2, "00B0000010", ""},
	{"2S most", Command{INS: 0xB0, Ne: 256}, 2, "00B0000000", ""},
	{"3S", Command{INS: 0x20, P2: 0x80, Data: filled(4)}, 3, "0020008004", ""},
	{"3S most", Command{INS: 0xD6, P1: 0x7F, P2: 0xFF, Data: filled(255)}, 3, "00D67FFFFF", ""},
	{"4S", Command{CLA: 0x80, INS: 0x2A, P2: 0x80, Data: filled(51), Ne: 256}, 4, "802A008033", "00"},
	{"2E", Command{INS: 0xB0, Ne: 257}, 2, "00B00000000101", ""},
	{"2E most", Command{INS: 0xB0, Ne: 65536}, 2, "00B00000000000", ""},
	{"2E by wish", Command{INS: 0xB0, Ne: 16, Extended: true}, 2, "00B00000000010", ""},
	{"3E", Command{INS: 0xD6, Data: filled(256)}, 3, "00D60000000100", ""},
	{"3E most", Command{INS: 0xD6, Data: filled(65535)}, 3, "00D6000000FFFF", ""},
	{"3E by wish", Command{INS: 0xD6, Data: filled(1), Extended: true}, 3, "00D60000000001", ""},
	{"4E", Command{INS: 0x2A, Data: filled(256), Ne: 256}, 4, "002A0000000100", "0100"},
	{"4E most", Command{INS: 0x2A, Data: filled(65535), Ne: 65536}, 4, "002A000000FFFF", "0000"},
	{"4E for Ne", Command{INS: 0x2A, Data: filled(1), Ne: 1000}, 4, "002A0000000001", "03E8"},
}

func TestCommandForms(t *testing.T) {
	for _, row := range commandForms {
		want := append(append(unhex(t, row.head), row.c.Data...), unhex(t, row.tail)...)
		got, err := row.c.Bytes()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %.12X… of %d bytes, %v", row.name, got, len(got), err)
		}
		if row.c.Case() != row.cas {
			t.Errorf("%s: case %d", row.name, row.c.Case())
		}
		parsed, err := ParseCommand(want)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		extended := strings.Contains(row.name, "E")
		if !sameCommand(parsed, row.c) || parsed.Extended != extended || parsed.NeedsExtended() != extended {
			t.Errorf("%s: parsed to %v, extended %v", row.name, parsed, parsed.Extended)
		}
	}
}

func sameCommand(a, b Command) bool {
	return a.CLA == b.CLA && a.INS == b.INS && a.P1 == b.P1 && a.P2 == b.P2 && bytes.Equal(a.Data, b.Data) && a.Ne == b.Ne
}

func TestCommandOutOfBounds(t *testing.T) {
	for name, c := range map[string]Command{
		"data":        {Data: make([]byte, 65536)},
		"Ne":          {Ne: 65537},
		"negative Ne": {Ne: -1},
	} {
		kept := []byte{0xAA}
		if got, err := c.Append(kept); err == nil || !bytes.Equal(got, kept) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Send(t.Context(), TransportFunc(nil), c); err == nil {
			t.Errorf("%s is sent", name)
		}
	}
}

func TestParseCommandRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":                  "",
		"half a header":            "00A404",
		"data cut off":             "0020008004 3132",
		"bytes behind Le":          "0020008001 31 00 00",
		"extended length cut off":  "00B0000000 01",
		"extended Lc 0":            "00D60000 000000 0000",
		"extended data cut off":    "00D60000 000100 31",
		"one byte of extended Le":  "00D60000 000001 31 00",
		"bytes behind extended Le": "00D60000 000001 31 0000 00",
	} {
		if c, err := ParseCommand(unhex(t, in)); err == nil {
			t.Errorf("%s is taken for %v", name, c)
		} else if !strings.HasPrefix(err.Error(), "cannot parse command: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDataCannotGrowIntoLe(t *testing.T) {
	for _, row := range commandForms {
		b, err := row.c.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseCommand(b)
		if err != nil {
			t.Fatal(err)
		}
		_ = append(c.Data, 0xAA, 0xAA)
		if again, _ := row.c.Bytes(); !bytes.Equal(again, b) {
			t.Errorf("%s: appending to Data changed Le", row.name)
		}
	}
}

// No verb shows a command's data or a response's, however deep they sit. %p alone, which
// vet refuses on these types, goes past every method and cannot be helped here.
func TestNoVerbShowsData(t *testing.T) {
	c := Command{INS: INSVerify, P2: 0x80, Data: []byte("7391"), Ne: 256}
	r := Response{Data: []byte("7391"), SW: SWOK}
	e := &StatusError{Command: c, SW: SWSecurityStatus}
	for name, v := range map[string]any{
		"command": c, "command pointer": &c, "response": r, "response pointer": &r,
		"exported fields": struct {
			C Command
			R *Response
		}{c, &r},
		"error": e, "slice": []Command{c}, "map": map[string]Response{"r": r},
	} {
		for _, verb := range "vsqxXdobcUeft" {
			for _, flag := range []string{"", "+", "#", " ", "0"} {
				out := fmt.Sprintf("%"+flag+string(verb), v)
				for _, leak := range []string{"7391", "37333931", "37 33 39 31", "55 51 57 49", "0x37"} {
					if strings.Contains(out, leak) {
						t.Errorf("%s under %%%s%c: %s", name, flag, verb, out)
					}
				}
			}
		}
	}
	if got, want := fmt.Sprintf("%x|%#v", c, r), "VERIFY 00200080 Lc=4 Ne=256|4 bytes 9000 (success)"; got != want {
		t.Errorf("%s", got)
	}
}

func TestParseResponse(t *testing.T) {
	r, err := ParseResponse(unhex(t, "CAFE 63C2"))
	if err != nil || !bytes.Equal(r.Data, unhex(t, "CAFE")) || r.SW != 0x63C2 {
		t.Errorf("%v %v", r, err)
	}
	if got := r.Append([]byte{1}); !bytes.Equal(got, unhex(t, "01 CAFE 63C2")) {
		t.Errorf("%X", got)
	}
	for _, n := range []int{0, 1, MaxResponse + 1} {
		if _, err := ParseResponse(make([]byte, n)); err == nil {
			t.Errorf("%d bytes are taken for an answer", n)
		}
	}
	if _, err := ParseResponse(make([]byte, MaxResponse)); err != nil {
		t.Errorf("%d bytes: %v", MaxResponse, err)
	}
}

func TestResponseErr(t *testing.T) {
	c := Command{INS: INSUpdateBinary, Data: []byte{1}}
	if err := (Response{SW: SWOK}).Err(c, "jpki/sign-cert"); err != nil {
		t.Errorf("9000: %v", err)
	}
	err := (Response{SW: SWSecurityStatus}).Err(c, "jpki/sign-cert")
	if want := "UPDATE BINARY on jpki/sign-cert: 6982 (security status not satisfied)"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	var status *StatusError
	if !errors.As(err, &status) || status.Command.Data != nil || !errors.Is(err, SWSecurityStatus) || errors.Is(err, SWFileNotFound) {
		t.Errorf("%#v", status)
	}
	if got := (&StatusError{Command: Command{INS: 0x77}, SW: 0x6F42}).Error(); got != "INS 77: 6F42 (unknown status)" {
		t.Errorf("%s", got)
	}
}

func TestSW(t *testing.T) {
	for _, row := range []struct {
		sw      SW
		text    string
		retries int
		ok      bool
	}{
		{0x63C0, "63C0 (verification failed, 0 tries left)", 0, true},
		{0x63CF, "63CF (verification failed, 15 tries left)", 15, true},
		{0x6300, "6300 (verification failed)", 0, false},
		{0x63D1, "63D1 (unknown status)", 0, false},
		{0x6110, "6110 (16 bytes of response wait)", 0, false},
		{0x6100, "6100 (256 or more bytes of response wait)", 0, false},
		{0x6C10, "6C10 (wrong Le, 16 is right)", 0, false},
		{0x6C00, "6C00 (wrong Le, 256 is right)", 0, false},
		{0x9000, "9000 (success)", 0, false},
	} {
		n, ok := row.sw.Retries()
		if row.sw.Error() != row.text || n != row.retries || ok != row.ok {
			t.Errorf("%s, %d %v, want %s", row.sw.Error(), n, ok, row.text)
		}
		if row.sw.SW1() != byte(row.sw>>8) || row.sw.SW2() != byte(row.sw) {
			t.Errorf("%04X splits into %02X %02X", uint16(row.sw), row.sw.SW1(), row.sw.SW2())
		}
	}
}

func TestInstructionNames(t *testing.T) {
	for ins, want := range map[Instruction]string{INSSelect: "SELECT", INSPutDataBERTLV: "PUT DATA", 0x00: "INS 00", 0xFF: "INS FF"} {
		if ins.String() != want {
			t.Errorf("%02X is %s", byte(ins), ins)
		}
	}
}

func TestWrapOrder(t *testing.T) {
	var order []string
	layer := func(name string) Wrapper {
		return func(t Transport) Transport {
			return TransportFunc(func(ctx context.Context, command []byte) ([]byte, error) {
				order = append(order, name)
				return t.Transmit(ctx, command)
			})
		}
	}
	card := TransportFunc(func(context.Context, []byte) ([]byte, error) { return []byte{0x90, 0}, nil })
	if _, err := Wrap(card, layer("inner"), layer("outer")).Transmit(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, " "); got != "outer inner" {
		t.Errorf("%s", got)
	}
}

func TestSend(t *testing.T) {
	var sent []byte
	card := TransportFunc(func(_ context.Context, command []byte) ([]byte, error) {
		sent = command
		if len(command) != 9 {
			t.Errorf("%X", command)
		}
		return []byte{0x63, 0xC1}, nil
	})
	r, err := Send(t.Context(), card, Command{INS: INSVerify, P2: 0x80, Data: []byte("1234")})
	if err != nil || r.SW != 0x63C1 {
		t.Errorf("%v %v", r, err)
	}
	if !bytes.Equal(sent, make([]byte, 9)) {
		t.Error("the buffer that carried a PIN was not cleared")
	}
	lost := errors.New("cannot transmit")
	broken := TransportFunc(func(context.Context, []byte) ([]byte, error) { return nil, lost })
	if _, err := Send(t.Context(), broken, Command{}); err != lost {
		t.Errorf("%v", err)
	}
	short := TransportFunc(func(context.Context, []byte) ([]byte, error) { return []byte{0x90}, nil })
	if _, err := Send(t.Context(), short, Command{}); err == nil {
		t.Error("one byte is taken for an answer")
	}
}

func FuzzCommand(f *testing.F) {
	for _, row := range commandForms {
		if b, err := row.c.Bytes(); err == nil && len(b) < 600 {
			f.Add(b)
		}
	}
	f.Add(unhex(f, "00D60000000001310000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCommand(b)
		if err != nil {
			return
		}
		again, err := c.Bytes()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%X came back as %X, %v", b, again, err)
		}
	})
}

func FuzzResponse(f *testing.F) {
	f.Add(unhex(f, "9000"))
	f.Add(unhex(f, "CAFE6282"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseResponse(b)
		if (err == nil) != (len(b) >= 2 && len(b) <= MaxResponse) {
			t.Fatalf("%d bytes: %v", len(b), err)
		}
		if err == nil && !bytes.Equal(r.Append(nil), b) {
			t.Fatalf("%X came back as %X", b, r.Append(nil))
		}
	})
}

func BenchmarkCommandAppend(b *testing.B) {
	c := Command{INS: INSUpdateBinary, Data: make([]byte, 239), Ne: 256}
	buf := make([]byte, 0, 300)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = c.Append(buf[:0])
	}
}

func BenchmarkParseCommand(b *testing.B) {
	buf, _ := Command{INS: INSUpdateBinary, Data: make([]byte, 239), Ne: 256}.Bytes()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseCommand(buf); err != nil {
			b.Fatal(err)
		}
	}
}
