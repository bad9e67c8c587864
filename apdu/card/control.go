package card

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/tlv"
)

// Control is what a card says of a file or application in its answer to SELECT: file
// control information, or the part of it that is the file control parameters (ISO/IEC
// 7816-4:2020, 7.4.3). A card need not say anything, and what My Number cards say is not
// public: it is shown to technicians and decides nothing. Byte fields alias the answer.
type Control struct {
	Template    tlv.Tag        // 6F, 62 or 64; 0 where the card said nothing
	Name        []byte         // 84, DF name: 1 to 16 bytes; nil when not told
	ID          profile.FileID // 83, file identifier; 0 when not told
	Size        int            // 80, bytes of data in the file; -1 when not told
	Allocated   int            // 81, the same with structural information; -1 when not told
	Descriptor  []byte         // 82, file descriptor byte and what follows it, 1 to 6 bytes
	LifeCycle   byte           // 8A, life-cycle status byte (7.4.10); 0 when not told
	CommandData int            // 9F65 in A5 or 73: most bytes of command data (GlobalPlatform Card Specification 2.3.1, 11.9.3.1); 0 when not told
	Other       []tlv.Tag      // what else is in the template, in order
}

// Tags of the templates and of what they hold (ISO/IEC 7816-4:2020, 7.4.3, tables 10
// and 11).
const (
	TagFCI tlv.Tag = 0x6F // file control information
	TagFCP tlv.Tag = 0x62 // file control parameters
	TagFMD tlv.Tag = 0x64 // file management data

	tagDataBytes   tlv.Tag = 0x80
	tagAllBytes    tlv.Tag = 0x81
	tagDescriptor  tlv.Tag = 0x82
	tagIdentifier  tlv.Tag = 0x83
	tagName        tlv.Tag = 0x84
	tagLifeCycle   tlv.Tag = 0x8A
	tagProprietary tlv.Tag = 0xA5
	tagCommandData tlv.Tag = 0x9F65
)

// Bounds on an answer to SELECT. The first two are ours: the standard has none, and no
// card seen comes near.
const (
	controlMax       = 1024 // bytes
	controlOtherMax  = 32   // objects that are nobody's business here
	controlNameMax   = 16   // bytes of a DF name
	controlDescrMax  = 6    // bytes of tag 82
	controlNumberMax = 4    // bytes of tags 80, 81 and 9F65
)

// ParseControl reads an answer to SELECT. An empty one is a Control without a template.
// It refuses anything but one template, one that is longer than 1024 bytes or cut off,
// and objects of a length that the standard does not allow them; the error says which.
func ParseControl(b []byte) (Control, error) {
	c := Control{Size: -1, Allocated: -1}
	if len(b) == 0 {
		return c, nil
	}
	if len(b) > controlMax {
		return c, fmt.Errorf("cannot read the answer to SELECT: it has %d bytes, at most %d are read", len(b), controlMax)
	}
	template, rest, err := tlv.Next(b)
	switch {
	case err != nil:
		return c, fmt.Errorf("cannot read the answer to SELECT: %v", err)
	case !slices.Contains([]tlv.Tag{TagFCI, TagFCP, TagFMD}, template.Tag):
		return c, fmt.Errorf("cannot read the answer to SELECT: it begins with %v, want 6F, 62 or 64", template.Tag)
	case len(rest) > 0:
		return c, fmt.Errorf("cannot read the answer to SELECT: %d bytes follow its template", len(rest))
	}
	read := c
	if err := read.fill(template.Value, true); err != nil {
		return c, fmt.Errorf("cannot read the answer to SELECT: %v", err)
	}
	read.Template = template.Tag
	return read, nil
}

// fill takes in what a template holds. Control information may hold the other two
// templates, once.
func (c *Control) fill(b []byte, outer bool) error {
	for len(b) > 0 {
		o, rest, err := tlv.Next(b)
		if err != nil {
			return err
		}
		b = rest
		if outer && (o.Tag == TagFCP || o.Tag == TagFMD) {
			err = c.fill(o.Value, false)
		} else {
			err = c.take(o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// take takes in one object.
func (c *Control) take(o tlv.Object) (err error) {
	switch o.Tag {
	case tagDataBytes:
		c.Size, err = count(o, 1)
	case tagAllBytes:
		c.Allocated, err = count(o, 2)
	case tagDescriptor:
		c.Descriptor, err = o.Value, within(o, 1, controlDescrMax)
	case tagIdentifier:
		if err = within(o, 2, 2); err == nil {
			c.ID = profile.FileID(o.Value[0])<<8 | profile.FileID(o.Value[1])
		}
	case tagName:
		c.Name, err = o.Value, within(o, 1, controlNameMax)
	case tagLifeCycle:
		if err = within(o, 1, 1); err == nil {
			c.LifeCycle = o.Value[0]
		}
	case tagProprietary:
		err = c.proprietary(o.Value)
	default:
		if len(c.Other) == controlOtherMax {
			return fmt.Errorf("it holds more than %d objects besides those of the standard", controlOtherMax)
		}
		c.Other = append(c.Other, o.Tag)
	}
	return err
}

// proprietary looks for what GlobalPlatform puts there. The rest is the maker's own and
// may be anything, so nothing in it is an error but a number without bounds.
func (c *Control) proprietary(b []byte) (err error) {
	value, ok := tlv.Find(b, tagCommandData)
	if !ok {
		value, ok = tlv.Find(b, 0x73, tagCommandData)
	}
	if ok {
		c.CommandData, err = count(tlv.Object{Tag: tagCommandData, Value: value}, 1)
	}
	return err
}

// count is a number of bytes, big-endian in at least so many.
func count(o tlv.Object, least int) (n int, err error) {
	if err := within(o, least, controlNumberMax); err != nil {
		return -1, err
	}
	for _, b := range o.Value {
		n = n<<8 | int(b)
	}
	if n > tlv.MaxLength {
		return -1, fmt.Errorf("%v says %d bytes, no card has them", o.Tag, n)
	}
	return n, nil
}

// within refuses an object of another length.
func within(o tlv.Object, least, most int) error {
	if n := len(o.Value); n < least || n > most {
		return fmt.Errorf("%v has %d bytes, want %d to %d", o.Tag, n, least, most)
	}
	return nil
}

// SelectAsking is Select that asks for the file control information too (P2 00) and
// gives the card's answer as it is, for ParseControl; it is empty where the card says
// nothing. A card that does not take the question is selected without it. Real cards
// take it (card fact sheet, 1).
func (s *Session) SelectAsking(ctx context.Context, app string) ([]byte, error) {
	answer, err := s.choose(ctx, app, 0x00, apdu.MaxShortNe)
	for _, sw := range []apdu.SW{apdu.SWIncorrectP1P2, apdu.SWWrongLength, apdu.SWWrongP1P2} {
		if errors.Is(err, sw) {
			return nil, s.Select(ctx, app)
		}
	}
	return answer, err
}
