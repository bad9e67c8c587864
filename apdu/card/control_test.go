package card

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/tlv"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseControl(t *testing.T) {
	none := Control{Size: -1, Allocated: -1}
	for _, row := range []struct {
		name, answer string
		want         Control
	}{
		{"nothing, as on the cards seen", "", none},
		{"an issuer domain of GlobalPlatform", "6F 10 84 08 A000000151000000 A5 04 9F65 01 FF",
			Control{Template: TagFCI, Name: unhex(t, "A000000151000000"), Size: -1, Allocated: -1, CommandData: 255}},
		{"one whose bound is in the security domain's management data", "6F 13 84 08 A000000151000000 A5 07 73 05 9F65 02 07FF",
			Control{Template: TagFCI, Name: unhex(t, "A000000151000000"), Size: -1, Allocated: -1, CommandData: 2047}},
		{"the parameters of a transparent EF", "62 12 80 02 0800 81 02 0810 82 01 01 83 02 000A 8A 01 05",
			Control{Template: TagFCP, Size: 2048, Allocated: 2064, Descriptor: []byte{1}, ID: 0x000A, LifeCycle: 5}},
		{"a record EF with its record size", "62 08 82 06 02 21 0041 0004",
			Control{Template: TagFCP, Size: -1, Allocated: -1, Descriptor: unhex(t, "02 21 0041 0004")}},
		{"management data alone", "64 03 53 01 FF", Control{Template: TagFMD, Size: -1, Allocated: -1, Other: []tlv.Tag{0x53}}},
		{"parameters within information", "6F 0B 62 04 83 02 3F00 84 01 41 88 00",
			Control{Template: TagFCI, Name: []byte("A"), ID: 0x3F00, Size: -1, Allocated: -1, Other: []tlv.Tag{0x88}}},
		{"an empty template", "6F 00", Control{Template: TagFCI, Size: -1, Allocated: -1}},
		{"a long form of length", "6F 82 0003 84 01 41", Control{Template: TagFCI, Name: []byte("A"), Size: -1, Allocated: -1}},
		{"a maker's own proprietary data", "6F 04 A5 02 1F FF", Control{Template: TagFCI, Size: -1, Allocated: -1}},
		{"the last of two names", "6F 06 84 01 41 84 01 42", Control{Template: TagFCI, Name: []byte("B"), Size: -1, Allocated: -1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := ParseControl(unhex(t, row.answer))
			if err != nil || !reflect.DeepEqual(got, row.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, row.want)
			}
		})
	}
}

func TestParseControlRefuses(t *testing.T) {
	for _, row := range []struct{ name, answer, says string }{
		{"another template", "30 00", "it begins with 30"},
		{"a template that is cut off", "6F 05 84 01 41", "ends inside"},
		{"an object that is cut off", "6F 03 84 02 41", "ends inside"},
		{"a tail", "6F 00 00", "1 bytes follow"},
		{"two templates", "6F 00 62 00", "2 bytes follow"},
		{"a length without an end", "6F 84 FFFFFFFF", "at most"},
		{"an indefinite length", "6F 80 00 00", "length begins 80"},
		{"an empty name", "6F 02 84 00", "84 has 0 bytes, want 1 to 16"},
		{"a long name", "6F 13 84 11 4142434445464748494A4B4C4D4E4F5051", "84 has 17 bytes"},
		{"an identifier of one byte", "62 03 83 01 00", "83 has 1 bytes, want 2 to 2"},
		{"no descriptor byte", "62 02 82 00", "82 has 0 bytes"},
		{"a size of five bytes", "62 07 80 05 0000000001", "80 has 5 bytes, want 1 to 4"},
		{"a size of no card", "62 06 80 04 FFFFFFFF", "no card has them"},
		{"a size with structures in one byte", "62 03 81 01 01", "81 has 1 bytes, want 2 to 4"},
		{"a status of two bytes", "62 04 8A 02 0505", "8A has 2 bytes"},
		{"a bound of no bytes", "6F 05 A5 03 9F65 00", "9F65 has 0 bytes"},
		{"templates without an end", "6F 03 62 02 62", "ends inside"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := ParseControl(unhex(t, row.answer))
			if err == nil || !strings.Contains(err.Error(), row.says) || !strings.HasPrefix(err.Error(), "cannot read the answer to SELECT: ") {
				t.Errorf("got %v, want %q", err, row.says)
			}
			if c.Template != 0 || c.Name != nil || c.Other != nil {
				t.Errorf("what is refused is half believed: %+v", c)
			}
		})
	}
	if _, err := ParseControl(append([]byte{0x6F, 0x82, 0x04, 0x00}, make([]byte, 1024)...)); err == nil || !strings.Contains(err.Error(), "at most 1024") {
		t.Errorf("a long answer: %v", err)
	}
	many := tlv.Append(nil, TagFCI, bytes.Repeat([]byte{0x88, 0x00}, controlOtherMax+1))
	if _, err := ParseControl(many); err == nil || !strings.Contains(err.Error(), "more than 32") {
		t.Errorf("many objects: %v", err)
	}
}

func TestSelectAsking(t *testing.T) {
	s, w := blank(t, Options{})
	answer, err := s.SelectAsking(t.Context(), Domain)
	must(t, err)
	c, err := ParseControl(answer)
	must(t, err)
	if !bytes.Equal(c.Name, s.Profile().Domain.AID) || c.CommandData != apdu.MaxShortData {
		t.Errorf("the domain says %+v", c)
	}
	answer, err = s.SelectAsking(t.Context(), "jpki")
	must(t, err)
	if len(answer) != 0 || s.Selected() != "jpki" || w.count(apdu.INSSelect) != 2 {
		t.Errorf("jpki says %X, selected is %q after %d SELECT", answer, s.Selected(), w.count(apdu.INSSelect))
	}
}

// TestSelectAskingOfACardThatTakesNoQuestion selects all the same.
func TestSelectAskingOfACardThatTakesNoQuestion(t *testing.T) {
	for _, sw := range []apdu.SW{apdu.SWIncorrectP1P2, apdu.SWWrongLength, apdu.SWFileNotFound} {
		var p2 []byte
		s := New(apdu.TransportFunc(func(_ context.Context, b []byte) ([]byte, error) {
			if p2 = append(p2, b[3]); b[3] == 0x0C {
				return []byte{0x90, 0x00}, nil
			}
			return []byte{sw.SW1(), sw.SW2()}, nil
		}), generation1(t), Options{})
		_, err := s.SelectAsking(t.Context(), "jpki")
		if sw == apdu.SWFileNotFound {
			if !errors.Is(err, sw) || !slices.Equal(p2, []byte{0}) || s.Selected() != "" {
				t.Errorf("%v: %v after P2 %X", sw, err, p2)
			}
		} else if err != nil || !slices.Equal(p2, []byte{0, 0x0C}) || s.Selected() != "jpki" {
			t.Errorf("%v: %v after P2 %X", sw, err, p2)
		}
	}
}

// FuzzFCI: whatever a card says of itself, what is read are slices of it within the
// standard's bounds, and what is refused is not half believed.
func FuzzFCI(f *testing.F) {
	for _, s := range []string{
		"", "6F10 8408 A000000151000000 A504 9F6501FF", "6F13 8408 A000000151000000 A507 7305 9F650207FF",
		"6212 80020800 81020810 820101 8302000A 8A0105", "6403 5301FF", "6F0B 6204 83023F00 840141 8800", "6F82000384 0141", "6F84FFFFFFFF", "6F80 0000",
	} {
		f.Add(unhex(f, s))
	}
	p := generation1(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		c, err := ParseControl(b)
		if !bytes.Equal(b, before) {
			t.Fatal("the answer was changed")
		}
		if err != nil || len(b) == 0 {
			if !reflect.DeepEqual(c, Control{Size: -1, Allocated: -1}) {
				t.Fatalf("half believed: %+v", c)
			}
		} else {
			bounded(t, c, b)
		}
		card := &fuzzCard{script: b}
		answer, err := New(card, p, Options{}).SelectAsking(t.Context(), Domain)
		if len(answer) > getResponseBytes || card.sent > 2*(1+getResponseSteps) || err != nil && len(answer) > 0 {
			t.Fatalf("%d bytes after %d commands (%v)", len(answer), card.sent, err)
		}
	})
}

// bounded judges what was read of an answer.
func bounded(t *testing.T, c Control, b []byte) {
	t.Helper()
	if c.Template == 0 || c.Size < -1 || c.Allocated < -1 || c.CommandData < 0 || c.Size > tlv.MaxLength || c.Allocated > tlv.MaxLength || c.CommandData > tlv.MaxLength {
		t.Fatalf("without bounds: %+v", c)
	}
	if len(c.Name) > 16 || len(c.Descriptor) > 6 || len(c.Other) > controlOtherMax || slices.Contains(c.Other, 0) {
		t.Fatalf("without bounds: %+v", c)
	}
	for _, part := range [][]byte{c.Name, c.Descriptor} {
		if cap(part) != len(part) || !bytes.Contains(b, part) {
			t.Fatalf("%X reaches beyond what the card said", part)
		}
	}
	if cut, err := ParseControl(b[:len(b)-1]); err == nil && cut.Template != 0 {
		t.Fatalf("%X is believed when it is cut off", b)
	}
}
