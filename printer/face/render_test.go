package face

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"jukicard/printer"
	"jukicard/printer/raster"
)

var update = flag.Bool("update", false, "rewrite testdata/golden.txt; look at the faces before committing it")

func mustRender(t testing.TB, f *Fonts, l *Layout, d Data) printer.Face {
	t.Helper()
	face, err := f.Render(l, d)
	if err != nil {
		t.Fatal(err)
	}
	return face
}

// hashOf is of size and pixels, so that it does not change with a compressor.
func hashOf(m image.Image) string {
	rgba := raster.Look(m).(*image.RGBA)
	h := sha256.New()
	_ = binary.Write(h, binary.BigEndian, [2]int64{int64(rgba.Rect.Dx()), int64(rgba.Rect.Dy())}) // a hash takes all
	h.Write(rgba.Pix)
	return hex.EncodeToString(h.Sum(nil))
}

// people are plainly invented; together they use every path of the face.
func people() map[string]Data {
	change := func(f func(*Data)) Data {
		d := sample()
		f(&d)
		return d
	}
	return map[string]Data{
		"adult":  sample(),
		"infant": change(func(d *Data) { d.Photo, d.Name, d.CertExpiryText = nil, "見本　はな", "" }),
		"ivs": change(func(d *Data) {
			d.Name, d.Address = "葛\U000E0102飾　邉\U000E0110", "見本県試験市葛\U000E0103町１－１"
		}),
		"foreigner": change(func(d *Data) {
			d.Name, d.BirthText, d.SexText = "SPECIMEN MARÍA JOSÉ DE LOS EJEMPLOS NUÑEZ-INVENTADA　見本　マリア", "1989年3月31日", "女"
		}),
		"longaddress": change(func(d *Data) {
			d.Address = "見本県試験郡架空町大字長々字至極丁目無番地の一千二百三十四　グランドレジデンス見本ヒルズ中央公園前第二号館サウスタワー２４０５号室　試験太郎様方"
		}),
		"remarks": change(func(d *Data) {
			d.Name = "髙橋　𠮷﨑"
			d.Remarks = []string{"令和８年１１月２３日　住所変更　見本県試験市架空町２－２－２", "令和８年１２月１日　氏名変更　髙橋", "顔認証"}
		}),
	}
}

// Goldens were looked at when they were written. They hold for the font
// package fonts-ipamj-mincho 005.01.
func TestFacesAreAsBefore(t *testing.T) {
	got := map[string]string{}
	for name, d := range people() {
		face := mustRender(t, fontsOf(t), DefaultLayout, d)
		got[name+"/front"], got[name+"/back"] = hashOf(face.Front), hashOf(face.Back)
		got[name+"/chip-name"], got[name+"/chip-address"] = chipHashes(t, d)
	}
	fine := mustRender(t, fontsOf(t), DefaultLayout.At(600), sample())
	got["adult-600dpi/front"], got["adult-600dpi/back"] = hashOf(fine.Front), hashOf(fine.Back)
	if *update {
		writeGolden(t, got)
	}
	want := readGolden(t)
	for name, h := range got {
		if want[name] != h {
			t.Errorf("%s has changed: look at it, then run go test -update", name)
		}
	}
	if len(want) != len(got) {
		t.Errorf("%d golden hashes for %d pictures", len(want), len(got))
	}
}

// chipHashes are of the 1-bit pictures' ink.
func chipHashes(t *testing.T, d Data) (name, address string) {
	c := mustChip(t, d)
	sum := func(file []byte) string {
		h := sha256.Sum256(bitsOf(t, file))
		return hex.EncodeToString(h[:])
	}
	return sum(c.Name), sum(c.Address)
}

const goldenFile = "testdata/golden.txt"

func writeGolden(t *testing.T, got map[string]string) {
	t.Helper()
	var s strings.Builder
	for _, name := range slices.Sorted(maps.Keys(got)) {
		fmt.Fprintf(&s, "%s %s\n", name, got[name])
	}
	if err := os.WriteFile(goldenFile, []byte(s.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readGolden(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // read only
	want := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		name, hash, _ := strings.Cut(s.Text(), " ")
		want[name] = hash
	}
	return want
}

// Each field is drawn, and within its own place: what changes when a field's
// text changes lies in that field's box.
func TestFieldsStayInTheirPlaces(t *testing.T) {
	f := fontsOf(t)
	other := Data{
		Name: "見本　花子", Address: "架空県見本市九丁目", BirthText: "昭和６４年１月７日", SexText: "女",
		MyNumber: "023456789013", SecurityCode: "9876", CardID: "FEDCBA9876543210", ExpiryText: "２０３１年１月７日まで有効",
		CertExpiryText: "２０３０年１月７日", Mayor: "架空県見本町長", NameBack: "裏　花子", BirthBack: "昭和元年",
	}
	for _, side := range DefaultLayout.sides() {
		for _, i := range side.items {
			if i.Kind != "field" {
				continue
			}
			t.Run(i.Field, func(t *testing.T) {
				d := sample()
				before := mustRender(t, f, DefaultLayout, d)
				setField(&d, i.Field, other)
				after := mustRender(t, f, DefaultLayout, d)
				changed := map[string]image.Rectangle{"front": differing(before.Front, after.Front), "back": differing(before.Back, after.Back)}[side.name]
				if changed.Empty() {
					t.Fatal("another text draws the same face")
				}
				if place := DefaultLayout.rect(i).Inset(-1); !changed.In(place) && i.Field != "my_number" {
					t.Errorf("it draws in %v, its place is %v", changed, place)
				}
			})
		}
	}
}

func setField(d *Data, field string, from Data) {
	switch field {
	case "name":
		d.NameBack, d.Name = d.Name, from.Name
	case "address":
		d.Address = from.Address
	case "birth":
		d.BirthBack, d.BirthText = d.BirthText, from.BirthText
	case "sex":
		d.SexText = from.SexText
	case "my_number":
		d.MyNumber = from.MyNumber
	case "security_code":
		d.SecurityCode = from.SecurityCode
	case "card_id":
		d.CardID = from.CardID
	case "expiry":
		d.ExpiryText = from.ExpiryText
	case "cert_expiry":
		d.CertExpiryText = from.CertExpiryText
	case "mayor":
		d.Mayor = from.Mayor
	case "name_back":
		d.NameBack = from.NameBack
	case "birth_back":
		d.BirthBack = from.BirthBack
	}
}

func differing(a, b image.Image) image.Rectangle {
	var r image.Rectangle
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if a.At(x, y) != b.At(x, y) {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return r
}

func TestSelectorReachesTheFace(t *testing.T) {
	plain, chosen := sample(), sample()
	plain.Name, chosen.Name = "葛飾　太郎", "葛\U000E0102飾　太郎"
	a, b := mustRender(t, fontsOf(t), DefaultLayout, plain), mustRender(t, fontsOf(t), DefaultLayout, chosen)
	if differing(a.Front, b.Front).Empty() || differing(a.Back, b.Back).Empty() {
		t.Error("葛 with U+E0102 is printed as 葛")
	}
}

func TestPhotoIsGreyAndOnlyInItsPlace(t *testing.T) {
	d := sample()
	with := mustRender(t, fontsOf(t), DefaultLayout, d).Front
	d.Photo = nil
	without := mustRender(t, fontsOf(t), DefaultLayout, d).Front
	place := DefaultLayout.rect(placeOf(t, DefaultLayout.front, "photo", ""))
	if changed := differing(with, without); changed != place {
		t.Errorf("the photograph covers %v, its place is %v", changed, place)
	}
	for p := place.Inset(3).Min; p.X < place.Inset(3).Max.X; p = p.Add(image.Pt(1, 1)) {
		if c := with.At(p.X, p.Y).(color.RGBA); c.R != c.G || c.G != c.B {
			t.Fatalf("%v is not grey: %v", p, c)
		}
	}
}

func TestRemarksFillLines(t *testing.T) {
	place := placeOf(t, DefaultLayout.front, "remarks", "")
	long := strings.Repeat("記", 30) // two lines at the smallest
	for _, tt := range []struct {
		name    string
		remarks []string
		lines   int // 0: refused
	}{
		{"none", nil, 0},
		{"one", []string{"住所変更"}, 1},
		{"four", []string{"一", "二", "三", "四"}, 4},
		{"a long one takes two", []string{long, "三"}, 3},
		{"two long ones take all", []string{long, long}, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := sample()
			before := mustRender(t, fontsOf(t), DefaultLayout, d).Front
			d.Remarks = tt.remarks
			changed := differing(before, mustRender(t, fontsOf(t), DefaultLayout, d).Front)
			if tt.lines == 0 {
				if !changed.Empty() {
					t.Error("no remark draws something")
				}
				return
			}
			line := place.H / 4
			from, to := DefaultLayout.pixels(place.Y+float64(tt.lines-1)*line), DefaultLayout.pixels(place.Y+float64(tt.lines)*line)
			if changed.Max.Y <= from || changed.Max.Y > to || !changed.In(DefaultLayout.rect(place)) {
				t.Errorf("drawn in %v; want the last line between rows %d and %d", changed, from, to)
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	noPlaces, err := LoadLayout(variant(t, func(*layoutFile) {}))
	if err != nil {
		t.Fatal(err)
	}
	onlyName := func(d *Data) { d.Photo = nil }
	for _, tt := range []struct {
		name   string
		layout *Layout
		change func(*Data)
		want   any
	}{
		{"an unknown selector in the name", DefaultLayout, func(d *Data) { d.Name = "祇\U000E0100" }, new(*GlyphError)},
		{"a missing glyph in a remark", DefaultLayout, func(d *Data) { d.Remarks = []string{"😀"} }, new(*GlyphError)},
		{"a control in the mayor", DefaultLayout, func(d *Data) { d.Mayor = "見本\x1b市長" }, new(*GlyphError)},
		{"a name too long for two lines", DefaultLayout, func(d *Data) { d.Name = strings.Repeat("山", 63) }, new(*OverflowError)},
		{"an address too long for three lines", DefaultLayout, func(d *Data) { d.Address = strings.Repeat("山", 100) }, new(*OverflowError)},
		{"five remarks", DefaultLayout, func(d *Data) { d.Remarks = []string{"一", "二", "三", "四", "五"} }, new(*OverflowError)},
		{"a remark longer than 追記欄", DefaultLayout, func(d *Data) { d.Remarks = []string{strings.Repeat("記", 120)} }, new(*OverflowError)},
		{"an empty remark", DefaultLayout, func(d *Data) { d.Remarks = []string{""} }, new(*DataError)},
		{"no address", DefaultLayout, func(d *Data) { d.Address = "" }, new(*DataError)},
		{"no mayor", DefaultLayout, func(d *Data) { d.Mayor = "" }, new(*DataError)},
		{"no number", DefaultLayout, func(d *Data) { d.MyNumber = "" }, new(*DataError)},
		{"remarks without a place", noPlaces, func(d *Data) { d.Photo, d.Remarks = nil, []string{"一"} }, new(*DataError)},
		{"a photograph without a place", noPlaces, func(*Data) {}, new(*DataError)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := sample()
			tt.change(&d)
			face, err := fontsOf(t).Render(tt.layout, d)
			if !errors.As(err, tt.want) {
				t.Fatalf("error = %v, want a %T", err, tt.want)
			}
			if face.Front != nil || face.Back != nil {
				t.Error("a face came along with the error")
			}
			checkQuiet(t, d, err.Error())
		})
	}
	d := sample()
	onlyName(&d)
	if _, err := fontsOf(t).Render(noPlaces, d); err != nil {
		t.Errorf("a layout with a name alone: %v", err)
	}
	if _, err := fontsOf(t).Render(DefaultLayout.At(0), d); err == nil {
		t.Error("0 dpi was drawn")
	}
}

// The ground is shared between cards: what one card draws must not stay on it.
func TestOneCardLeavesNothingOnTheNext(t *testing.T) {
	f := fontsOf(t)
	first := hashOf(mustRender(t, f, DefaultLayout, people()["infant"]).Front)
	mustRender(t, f, DefaultLayout, people()["remarks"])
	if hashOf(mustRender(t, f, DefaultLayout, people()["infant"]).Front) != first {
		t.Error("a card is drawn otherwise after another person's")
	}
}
