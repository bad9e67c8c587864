package card

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/tlv"
)

// Read reads n bytes of a transparent EF from off; fewer come when the file ends
// before, none of an empty one. READ BINARY with the short EF identifier first, then by offset
// (ISO/IEC 7816-4:2020, 11.3.3).
func (s *Session) Read(ctx context.Context, path string, off, n int) ([]byte, error) {
	_, f, err := s.p.File(path)
	if err != nil {
		return nil, err
	}
	if err := s.enter(ctx, path); err != nil {
		return nil, err
	}
	return s.read(ctx, f, path, off, n, false)
}

// read is Read in the application that is selected; current says that the EF is
// the current one already, because the last command read it.
func (s *Session) read(ctx context.Context, f *profile.File, path string, off, n int, current bool) ([]byte, error) {
	var out []byte
	for len(out) < n {
		want := min(n-len(out), s.readChunk(s.o.Extended))
		c, err := s.readCommand(ctx, f, path, off+len(out), want, len(out) == 0 && !current)
		if err != nil {
			return out, err
		}
		part, err := s.send(ctx, c, path)
		if errors.Is(err, apdu.SWWrongP1P2) && (len(out) > 0 || off == 0 || current) {
			return out, nil // the file ended with the last chunk, or is empty
		}
		if err != nil {
			return out, err
		}
		if len(part) > want {
			return out, fmt.Errorf("cannot read %s: %w: %d bytes where %d were asked for", path, ErrAnswer, len(part), want)
		}
		out = append(out, part...)
		if len(part) < want {
			return out, nil
		}
	}
	return out, nil
}

// readCommand addresses by short identifier while the offset fits its 8 bits and
// it is the first command; a file without one is selected.
func (s *Session) readCommand(ctx context.Context, f *profile.File, path string, off, n int, first bool) (apdu.Command, error) {
	c := apdu.Command{INS: apdu.INSReadBinary, P1: byte(off >> 8), P2: byte(off), Ne: n}
	if off > readMax {
		return c, fmt.Errorf("cannot read %s at %d: READ BINARY reaches %d", path, off, readMax)
	}
	switch sfi := f.ID.SFI(); {
	case first && sfi != 0 && off <= 0xFF:
		c.P1 = 0x80 | sfi
	case first:
		return c, s.selectEF(ctx, f.ID, path)
	}
	return c, nil
}

func (s *Session) selectEF(ctx context.Context, id profile.FileID, path string) error {
	c := apdu.Command{INS: apdu.INSSelect, P1: 0x02, P2: 0x0C, Data: []byte{byte(id >> 8), byte(id)}}
	_, err := s.send(ctx, c, path)
	return err
}

// ReadAll reads a transparent EF to its end, filler and all, or a record EF's
// first record.
func (s *Session) ReadAll(ctx context.Context, path string) ([]byte, error) {
	_, f, err := s.p.File(path)
	if err != nil {
		return nil, err
	}
	if f.Kind == profile.Record {
		return s.ReadRecord(ctx, path, 1)
	}
	return s.Read(ctx, path, 0, readMax)
}

// objectHead is what the first extended READ BINARY of ReadObject asks for: more
// than any certificate on a card has, so that one command reads it whole, and
// little beside the 20 KB of an EF that is mostly filler.
const objectHead = 2048

// ReadObject reads the one BER-TLV or DER object a file holds and leaves the
// filler behind it. A file that is empty or all filler gives no bytes. In short form it takes as many
// commands as the object has chunks; in extended form one, or two for an object
// longer than objectHead.
func (s *Session) ReadObject(ctx context.Context, path string) ([]byte, error) {
	_, f, err := s.p.File(path)
	if err != nil {
		return nil, err
	}
	if err := s.enter(ctx, path); err != nil {
		return nil, err
	}
	first := s.readChunk(false)
	if s.o.Extended {
		first = objectHead
	}
	head, err := s.read(ctx, f, path, 0, first, false)
	if err != nil {
		return nil, err
	}
	if len(tlv.SkipFiller(head)) == 0 {
		return nil, nil
	}
	n, err := tlv.Size(head)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: it does not hold a TLV object: %v", path, err)
	}
	if n <= len(head) {
		return head[:n], nil
	}
	var tail []byte
	if len(head) == first {
		if tail, err = s.read(ctx, f, path, len(head), n-len(head), true); err != nil {
			return nil, err
		}
	}
	if len(head)+len(tail) < n {
		return nil, fmt.Errorf("cannot read %s: its object says %d bytes and the file ends at %d", path, n, len(head)+len(tail))
	}
	return append(head, tail...), nil
}

// ReadRecord reads one record by number (ISO/IEC 7816-4:2020, 11.4.3).
func (s *Session) ReadRecord(ctx context.Context, path string, record byte) ([]byte, error) {
	_, f, err := s.p.File(path)
	if err != nil {
		return nil, err
	}
	if err := s.enter(ctx, path); err != nil {
		return nil, err
	}
	ne := s.readChunk(false)
	if s.channel != nil && f.Size > 0 {
		ne = f.Size
	}
	b, err := s.send(ctx, apdu.Command{INS: apdu.INSReadRecord, P1: record, P2: f.ID.SFI()<<3 | 4, Ne: ne}, path)
	return bytes.Clone(b), err
}

// Update writes content from off on, in the largest chunks the channel takes, which
// must be open on the file's application (ErrNoChannel). A record EF gets its first
// record whole, whatever off. progress, where not nil, is told the bytes written so
// far after each command. UPDATE BINARY and UPDATE RECORD (ISO/IEC 7816-4:2020,
// 11.3.5 and 11.4.5).
func (s *Session) Update(ctx context.Context, path string, content []byte, off int, progress func(written int)) error {
	_, f, err := s.p.File(path)
	if err != nil {
		return err
	}
	if err := s.inChannel(path); err != nil {
		return err
	}
	if off < 0 || len(content) > readMax+1 {
		return fmt.Errorf("cannot write %s: %d bytes from %d on, 15 bits of offset reach %d", path, len(content), off, readMax)
	}
	if f.Kind == profile.Record {
		return s.updateRecord(ctx, f, path, content)
	}
	for first := true; off < len(content); first = false {
		n := min(len(content)-off, s.chunk(s.o.Extended))
		c := apdu.Command{INS: apdu.INSUpdateBinary, P1: byte(off >> 8), P2: byte(off), Data: content[off : off+n]}
		switch sfi := f.ID.SFI(); {
		case first && sfi != 0 && off <= 0xFF:
			c.P1 = 0x80 | sfi
		case first:
			if err := s.selectEF(ctx, f.ID, path); err != nil {
				return err
			}
		}
		if _, err := s.send(ctx, c, path); err != nil {
			return err
		}
		off += n
		if progress != nil {
			progress(off)
		}
	}
	return nil
}

func (s *Session) updateRecord(ctx context.Context, f *profile.File, path string, content []byte) error {
	_, err := s.send(ctx, apdu.Command{INS: apdu.INSUpdateRecord, P1: 1, P2: f.ID.SFI()<<3 | 4, Data: content}, path)
	return err
}

// Data reads a data object of the issuer domain, with extended length where a
// short answer does not hold it (GET DATA, ISO/IEC 7816-4:2020, 11.5.3; large
// objects answer 6700 to a short Le, card fact sheet, 1.1).
func (s *Session) Data(ctx context.Context, tag profile.FileID, name string) ([]byte, error) {
	if err := s.enter(ctx, Domain); err != nil {
		return nil, err
	}
	c := apdu.Command{INS: apdu.INSGetData, P1: byte(tag >> 8), P2: byte(tag), Ne: s.dataNe(name)}
	b, err := s.send(ctx, c, Domain+"/"+name)
	if errors.Is(err, apdu.SWWrongLength) {
		c.Ne, c.Extended = apdu.MaxExtendedNe, true
		b, err = s.send(ctx, c, Domain+"/"+name)
	}
	return bytes.Clone(b), err
}

// dataNe asks for as much as the object has where the profile knows, so that a
// protected answer fits the short form.
func (s *Session) dataNe(name string) int {
	for _, o := range s.p.Domain.Objects {
		if o.Name == name && o.Size > 0 {
			return o.Size
		}
	}
	return s.readChunk(false)
}

// PutData writes a data object of the issuer domain through its channel (PUT DATA);
// ErrNoChannel where that is not open.
func (s *Session) PutData(ctx context.Context, name string, value []byte) error {
	tag, ok := s.p.Object(name)
	if !ok {
		return fmt.Errorf("cannot write %s/%s: profile %s has no such object", Domain, name, s.p.ID)
	}
	if err := s.inChannel(Domain); err != nil {
		return err
	}
	_, err := s.send(ctx, apdu.Command{INS: apdu.INSPutData, P1: byte(tag >> 8), P2: byte(tag), Data: value}, Domain+"/"+name)
	return err
}

// cardIDMax bounds what is taken for a card identification number; the cards seen
// give 16 digits.
const cardIDMax = 64

// CardID is the card identification number, digits and letters.
func (s *Session) CardID(ctx context.Context) (string, error) {
	tag, _ := s.p.Object("card-id")
	b, err := s.Data(ctx, tag, "card-id")
	if err != nil {
		return "", err
	}
	if len(b) == 0 || len(b) > cardIDMax {
		return "", fmt.Errorf("cannot read the card identification number: it has 1 to %d characters, not %d", cardIDMax, len(b))
	}
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return "", fmt.Errorf("cannot read the card identification number: it holds a byte %02X", c)
		}
	}
	return string(b), nil
}

// State is the personalisation state as the card tells it. A card without one,
// as every real card today, answers 6A88.
func (s *Session) State(ctx context.Context) ([]byte, error) {
	return s.Data(ctx, s.p.Writing.StateObject, "state")
}

// Lock sets the issuer domain's life-cycle state to locked (SET STATUS,
// GlobalPlatform Card Specification 2.3.1, 11.10) through the domain's channel. It
// cannot be undone.
func (s *Session) Lock(ctx context.Context) error {
	if err := s.inChannel(Domain); err != nil {
		return err
	}
	_, err := s.send(ctx, apdu.Command{CLA: 0x80, INS: apdu.INSSetStatus, P1: 0x80, P2: s.p.Domain.Locked}, Domain)
	return err
}
