package face

import (
	"encoding/json"
	"image"
	"math"
	"strings"
	"testing"
)

func TestSizeIsID1(t *testing.T) {
	for dpi, want := range map[int]image.Point{300: {1011, 638}, 600: {2022, 1275}, 1200: {4044, 2550}} {
		if got := DefaultLayout.At(dpi).Size(); got != want {
			t.Errorf("at %d dpi %v, want %v", dpi, got, want)
		}
	}
	if DefaultLayout.DPI != 300 {
		t.Error("At changed the layout it was called on")
	}
}

// The fields of the present card, transcribed once more: those that the rules
// sheet, 7, lists for either side.
func TestDefaultLayoutHasTheFieldsOfTheCard(t *testing.T) {
	front := []string{"name", "address", "birth", "sex", "expiry", "cert_expiry", "security_code", "card_id", "mayor"}
	back := []string{"my_number", "name_back", "birth_back"}
	for _, f := range front {
		placeOf(t, DefaultLayout.front, "field", f)
	}
	for _, f := range back {
		placeOf(t, DefaultLayout.back, "field", f)
	}
	photo := placeOf(t, DefaultLayout.front, "photo", "")
	if photo.W != 22 || photo.H != 27.5 {
		t.Errorf("the photograph is %v × %v mm, want 22 × 27.5", photo.W, photo.H)
	}
	if remarks := placeOf(t, DefaultLayout.front, "remarks", ""); remarks.Lines != 4 {
		t.Errorf("追記欄 has %d lines, want 4", remarks.Lines)
	}
	placeOf(t, DefaultLayout.back, "qr", "")
	if !strings.HasPrefix(DefaultLayout.Source, "ours") {
		t.Errorf("source %q does not say that the coordinates are ours", DefaultLayout.Source)
	}
}

func placeOf(t testing.TB, items []item, kind, field string) item {
	t.Helper()
	for _, i := range items {
		if i.Kind == kind && i.Field == field {
			return i
		}
	}
	t.Fatalf("no %s %s", kind, field)
	return item{}
}

// The contacts of ISO/IEC 7816-2:2007, 4.2 and figure 2 lie within 10.25 to
// 19.87 mm from the left edge and 19.23 to 28.55 mm from the upper one: the
// box must hold them all.
func TestChipBoxHoldsTheContacts(t *testing.T) {
	for _, i := range DefaultLayout.back {
		if i.Kind == "box" && i.X < 10.25 && i.X+i.W > 19.87 && i.Y < 19.23 && i.Y+i.H > 28.55 && i.W < 20 {
			return
		}
	}
	t.Error("no box holds the contacts")
}

// Nothing that is written or set lies on anything else, and all of it keeps
// 2.5 mm from the left and right edge.
func TestDefaultLayoutIsTidy(t *testing.T) {
	for _, side := range DefaultLayout.sides() {
		var placed []item
		for _, i := range side.items {
			if i.Kind != "text" && !i.personal() {
				continue
			}
			if i.X < 2.5 || i.X+i.W > CardWidth-2.5 || i.Y+i.H > CardHeight-1 {
				t.Errorf("%s: %s %s%s is too near the edge", side.name, i.Kind, i.Field, i.Text)
			}
			for _, o := range placed {
				if i.overlaps(o) {
					t.Errorf("%s: %s%s overlaps %s%s", side.name, i.Field, i.Text, o.Field, o.Text)
				}
			}
			placed = append(placed, i)
		}
	}
}

func TestBothSidesSayThatTheyAreASample(t *testing.T) {
	for _, side := range DefaultLayout.sides() {
		badge, mark := false, false
		for _, i := range side.items {
			badge = badge || i.Kind == "text" && strings.Contains(i.Text, "見本") && strings.Contains(i.Text, "LAB")
			mark = mark || i.Kind == "mark" && i.Text == "見本" && i.Size > 10
		}
		if !badge || !mark {
			t.Errorf("%s: badge %v, large mark %v", side.name, badge, mark)
		}
	}
}

// variant is the default layout with one change.
func variant(t *testing.T, change func(f *layoutFile)) []byte {
	t.Helper()
	f := layoutFile{Name: "test", Version: 1, Source: "ours", DPI: 300,
		Front: []item{{Kind: "field", Field: "name", X: 3, Y: 6, W: 60, H: 5, Size: 4}}}
	change(&f)
	raw, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestLoadLayoutRefuses(t *testing.T) {
	first := func(change func(*item)) func(*layoutFile) { return func(f *layoutFile) { change(&f.Front[0]) } }
	for _, tt := range []struct {
		name   string
		change func(*layoutFile)
		want   string
	}{
		{"no name", func(f *layoutFile) { f.Name = "" }, "name"},
		{"no source", func(f *layoutFile) { f.Source = "" }, "source"},
		{"version 0", func(f *layoutFile) { f.Version = 0 }, "version"},
		{"no resolution", func(f *layoutFile) { f.DPI = 0 }, "dpi"},
		{"a resolution beyond any printer", func(f *layoutFile) { f.DPI = 100_000 }, "dpi"},
		{"an unknown kind", first(func(i *item) { i.Kind = "hologram" }), "kind"},
		{"an unknown field", first(func(i *item) { i.Field = "blood_group" }), "field"},
		{"a field that names none", first(func(i *item) { i.Field = "" }), "field"},
		{"remarks as a field", first(func(i *item) { i.Field = "remarks" }), "field"},
		{"a text that names a field", first(func(i *item) { i.Kind, i.Text = "text", "見本" }), "field"},
		{"a text without words", first(func(i *item) { i.Kind, i.Field = "text", "" }), "text"},
		{"an endless text", first(func(i *item) { i.Kind, i.Field, i.Text = "text", "", strings.Repeat("山", 201) }), "text"},
		{"over the right edge", first(func(i *item) { i.W = 83 }), "on the card"},
		{"over the lower edge", first(func(i *item) { i.Y = 50 }), "on the card"},
		{"before the left edge", first(func(i *item) { i.X = -1 }), "on the card"},
		{"no width", first(func(i *item) { i.W = 0 }), "on the card"},
		{"a size of nothing", first(func(i *item) { i.Size = 0 }), "size"},
		{"a size beyond the card", first(func(i *item) { i.Size = math.MaxFloat64 }), "size"},
		{"least above size", first(func(i *item) { i.Least = 5 }), "least"},
		{"too many lines", first(func(i *item) { i.Lines = 9 }), "lines"},
		{"a seal outside 追記欄", first(func(i *item) { i.Seal = 3 }), "seal"},
		{"a seal too small to read", first(func(i *item) { i.Kind, i.Field, i.Seal = "remarks", "", 1 }), "seal"},
		{"a seal higher than 追記欄", first(func(i *item) { i.Kind, i.Field, i.Seal = "remarks", "", 6 }), "seal"},
		{"lines that its height has no room for", first(func(i *item) { i.Lines = 2 }), "height"},
		{"an unknown alignment", first(func(i *item) { i.Align = "justify" }), "align"},
		{"an unknown vertical alignment", first(func(i *item) { i.VAlign = "bottom" }), "valign"},
		{"a wild angle", first(func(i *item) { i.Angle = 720 }), "angle"},
		{"a wild stroke", first(func(i *item) { i.Stroke = 60 }), "stroke"},
		{"waves without a step", first(func(i *item) { i.Kind, i.Field, i.Stroke = "waves", "", 0.1 }), "step"},
		{"two fields on one another", func(f *layoutFile) {
			f.Front = append(f.Front, item{Kind: "field", Field: "address", X: 3, Y: 10.9, W: 60, H: 5, Size: 4})
		}, "overlap"},
		{"a photograph on a field", func(f *layoutFile) { f.Front = append(f.Front, item{Kind: "photo", X: 3, Y: 6, W: 22, H: 27}) }, "overlap"},
		{"very many items", func(f *layoutFile) { f.Back = make([]item, itemsMost+1) }, "items"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := LoadLayout(variant(t, tt.change))
			if err == nil || !strings.HasPrefix(err.Error(), "cannot ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v; want %q in it", err, tt.want)
			}
		})
	}
	if _, err := LoadLayout(variant(t, func(*layoutFile) {})); err != nil {
		t.Errorf("without a change it is refused: %v", err)
	}
}

func TestLoadLayoutRefusesOtherJSON(t *testing.T) {
	good := string(variant(t, func(*layoutFile) {}))
	for _, tt := range []struct{ name, raw string }{
		{"nothing", ""},
		{"an array", "[]"},
		{"an unknown member", strings.Replace(good, `"dpi"`, `"seal": 1, "dpi"`, 1)},
		{"an unknown member of an item", strings.Replace(good, `"x"`, `"z": 1, "x"`, 1)},
		{"more after the end", good + "{}"},
		{"a colour by name", strings.Replace(good, `"x"`, `"ink":"red","x"`, 1)},
		{"a colour of three digits", strings.Replace(good, `"x"`, `"ink":"#000","x"`, 1)},
		{"a colour with a sign", strings.Replace(good, `"x"`, `"ink":"#+00000","x"`, 1)},
		{"very many bytes", good + strings.Repeat(" ", LayoutBytesMax)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := LoadLayout([]byte(tt.raw)); err == nil || !strings.HasPrefix(err.Error(), "cannot load the layout: ") {
				t.Errorf("error = %v", err)
			}
		})
	}
}

// A layout that loads can be drawn, or is refused with an error; it never
// panics, whatever it holds.
func FuzzLoadLayout(f *testing.F) {
	file, err := layoutFiles.ReadFile("layouts/mynumber-1.v2.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte(`{"name":"a","version":1,"source":"ours","dpi":150,"front":[{"kind":"mark","text":"見本","x":0,"y":0,"w":85,"h":53,"size":50,"angle":-90}]}`))
	f.Add([]byte(`{"name":"a","version":1,"source":"ours","dpi":150,"front":[{"kind":"remarks","x":0,"y":0,"w":85,"h":0.1,"size":5,"lines":8}],"back":[{"kind":"waves","x":0,"y":0,"w":85,"h":53,"stroke":5,"step":0.2}]}`))
	fonts, err := testFonts()
	if err != nil {
		f.Fatal(err)
	}
	d := sample()
	d.Photo, d.Remarks = noise(60, 75), []string{"令和８年１１月２３日　住所変更"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := LoadLayout(raw)
		if err != nil {
			return
		}
		face, err := fonts.Render(l.At(dpiLeast), d)
		if err == nil && face.Front.Bounds().Size() != l.At(dpiLeast).Size() {
			t.Errorf("drawn %v", face.Front.Bounds())
		}
	})
}
