package card

import (
	"bytes"
	"context"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/tlv"
)

// fileCard is a card with one transparent EF, current once it was read by its
// short identifier.
type fileCard struct {
	content []byte
	current bool
	reads   int
	others  int // commands but READ BINARY and SELECT by name
}

func (c *fileCard) Transmit(_ context.Context, b []byte) ([]byte, error) {
	cmd, err := apdu.ParseCommand(b)
	if err != nil {
		return nil, err
	}
	switch {
	case cmd.INS == apdu.INSSelect && cmd.P1 == 0x04:
		c.current = false
		return []byte{0x90, 0x00}, nil
	case cmd.INS != apdu.INSReadBinary:
		c.others++
		return []byte{0x6D, 0x00}, nil
	}
	c.reads++
	off := int(cmd.P1)<<8 | int(cmd.P2)
	if cmd.P1&0x80 != 0 {
		c.current, off = true, int(cmd.P2)
	}
	switch {
	case !c.current:
		return []byte{0x69, 0x86}, nil
	case off >= len(c.content):
		return []byte{0x6B, 0x00}, nil
	}
	part := c.content[off:min(off+cmd.Ne, len(c.content))]
	return append(bytes.Clone(part), 0x90, 0x00), nil
}

// TestReadObjectTakesFewCommands: no command but READ BINARY, and no more of them
// than the object has chunks.
func TestReadObjectTakesFewCommands(t *testing.T) {
	p, err := profile.Load("mynumber-1")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name     string
		value    int // bytes; the header has two to four more
		filler   int // bytes FF behind the object
		extended bool
		reads    int
	}{
		{"short, one chunk exactly", 253, 0, false, 1},
		{"short, one byte more", 254, 0, false, 2},
		{"short, a certificate", 1600, 0, false, 7},
		{"short, a certificate before filler", 1600, 444, false, 7},
		{"short, a small object", 10, 500, false, 1},
		{"extended, a certificate", 1600, 0, true, 1},
		{"extended, a certificate before filler", 1600, 444, true, 1},
		{"extended, the first command to the byte", objectHead - 4, 0, true, 1},
		{"extended, longer than the first command asks for", 15000, 9000, true, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			object := tlv.Append(nil, 0x30, bytes.Repeat([]byte{0x5A}, row.value))
			c := &fileCard{content: append(bytes.Clone(object), bytes.Repeat([]byte{0xFF}, row.filler)...)}
			got, err := New(c, p, Options{Extended: row.extended}).ReadObject(t.Context(), "jpki/auth-cert")
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, object) {
				t.Errorf("%d bytes, want the object's %d", len(got), len(object))
			}
			if c.reads != row.reads || c.others != 0 {
				t.Errorf("%d READ BINARY and %d other commands, want %d and none", c.reads, c.others, row.reads)
			}
		})
	}
}

// TestReadObjectRefusesWhatIsCutOff: a header that promises more than the file has.
func TestReadObjectRefusesWhatIsCutOff(t *testing.T) {
	p, err := profile.Load("mynumber-1")
	if err != nil {
		t.Fatal(err)
	}
	object := tlv.Append(nil, 0x30, make([]byte, 1600))
	for _, extended := range []bool{false, true} {
		c := &fileCard{content: object[:1000]}
		if got, err := New(c, p, Options{Extended: extended}).ReadObject(t.Context(), "jpki/auth-cert"); err == nil {
			t.Errorf("extended %t: %d bytes, want an error", extended, len(got))
		}
	}
}
