package facecheck

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"strings"
	"testing"
	"time"

	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
	"jukicard/printer/face"
	"jukicard/simulator/people"
)

var today = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

func checks(t *testing.T) order.Checks {
	t.Helper()
	if _, err := os.Stat(face.DefaultFontPaths[0]); err != nil {
		t.Skip("install the Debian package fonts-ipamj-mincho")
	}
	fonts, err := face.LoadFonts()
	if err != nil {
		t.Fatal(err)
	}
	return Checks(fonts)
}

func TestEverybodyCanBePrinted(t *testing.T) {
	c := checks(t)
	for _, name := range people.Names() {
		p, err := people.Get(name, today)
		if err != nil {
			t.Fatal(err)
		}
		photo := func(string) ([]byte, error) { return append([]byte{}, p.Photo...), nil }
		if _, err := order.Parse(p.Order, photo, c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnprintableNamesAreRefused(t *testing.T) {
	c := checks(t)
	rows := []struct {
		name, family string
		place        string
	}{
		{"a selector of another collection", "祇\U000E0100", "character 1 cannot: no loaded font has it with this variation selector"},
		{"a selector that chooses nothing", "山\U000E01EF", "character 1 cannot"},
		{"a character of no Japanese font", "山ᚠ", "character 2 cannot: no loaded font has it"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p, err := people.Get("infant", today) // no signature certificate, so that only printing is judged
			if err != nil {
				t.Fatal(err)
			}
			b := bytes.Replace(p.Order, []byte("山田　次郎"), []byte(row.family), 1)
			_, err = order.Parse(b, nil, c)
			var e *juki.InputError
			if !errors.As(err, &e) || e.Code != CodeGlyph || e.Field != "resident.name" || e.Remedy == "" || !strings.Contains(e.Ja, "氏名") {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(e.Rule, row.place) || strings.Contains(err.Error(), row.family) {
				t.Errorf("rule %q", e.Rule)
			}
		})
	}
}

// jpegOf is a grey or noisy picture of some size.
func jpegOf(t *testing.T, width, height int, noisy bool) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range m.Pix {
		m.Pix[i] = 255
		if noisy {
			m.Pix[i] = byte(i * i >> 3)
		}
	}
	m.Set(1, 1, color.Black)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPhotographsAreRefused(t *testing.T) {
	good := jpegOf(t, 480, 600, true)
	rows := []struct {
		name  string
		image []byte
		code  string
	}{
		{"text", bytes.Repeat([]byte("no picture "), 4000), "ORDER-PHOTO-FORMAT"},
		{"a JPEG cut in half", good[:len(good)/2], "ORDER-PHOTO-DAMAGED"},
		{"479 pixels wide", jpegOf(t, 479, 600, true), "ORDER-PHOTO-SMALL"},
		{"few bytes", jpegOf(t, 480, 600, false), "ORDER-PHOTO-SMALL"},
		{"6001 pixels wide", jpegOf(t, 6001, 480, false), "ORDER-PHOTO-LARGE"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p, err := people.Get("adult", today)
			if err != nil {
				t.Fatal(err)
			}
			_, err = order.Parse(p.Order, func(string) ([]byte, error) { return bytes.Clone(row.image), nil }, order.Checks{Photo: Photo})
			var e *juki.InputError
			if !errors.As(err, &e) || e.Code != row.code || e.Field != "photo" || e.Rule == "" || e.Remedy == "" || !strings.HasPrefix(e.Ja, "顔写真を") {
				t.Errorf("got %v", err)
			}
		})
	}
	if err := Photo(good); err != nil {
		t.Errorf("a good one is refused: %v", err)
	}
}

// TestEveryPhotoRuleHasACode fails when package face learns a rule that has none here.
func TestEveryPhotoRuleHasACode(t *testing.T) {
	for _, r := range []face.PhotoRule{face.PhotoNotPicture, face.PhotoTruncated, face.PhotoTooSmall,
		face.PhotoTooLarge, face.PhotoColour, face.PhotoTooComplex} {
		if photoRules[r].code == "" {
			t.Errorf("no code for %q", r)
		}
	}
	if len(photoRules) != 6 {
		t.Errorf("%d rules", len(photoRules))
	}
}
