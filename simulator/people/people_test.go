package people

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var reference = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

func get(t *testing.T, name string) (Person, form) {
	t.Helper()
	p, err := Get(name, reference)
	if err != nil {
		t.Fatal(err)
	}
	var f form
	d := json.NewDecoder(bytes.NewReader(p.Order))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p, f
}

func TestEverybodyAskedForIsThere(t *testing.T) {
	wanted := []string{"adult", "under15", "infant", "foreigner", "permanent", "ivs", "longaddress",
		"face-auth", "opted-out", "elderly", "leapday", "longname"}
	for _, name := range wanted {
		if p, _ := get(t, name); p.Name != name || p.About == "" {
			t.Errorf("%s: got %q, about %q", name, p.Name, p.About)
		}
	}
	if n := len(List()); n != len(Names()) || n < len(wanted) {
		t.Errorf("List has %d people, Names %d", n, len(Names()))
	}
}

func TestNobodyIsRefusedWithTheNamesThereAre(t *testing.T) {
	_, err := Get("nobody", reference)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot find person") || !strings.Contains(err.Error(), "longaddress") {
		t.Errorf("got %v", err)
	}
}

// TestNumbers holds the arithmetic against worked examples of the rule
// (平成26年総務省令85号) and of published samples.
func TestNumbers(t *testing.T) {
	weights := []int{6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2}
	for _, number := range []string{"123456789018", "023456789013", "983205673214", "123456789000", "537686677188"} {
		if got := mod11(number[:11], weights); got != number[11:] {
			t.Errorf("check digit of a worked example: got %s, want %s", got, number[11:])
		}
	}
	for _, code := range []string{"24727059608", "24846016224", "25208017643"} {
		if got := mod11(code[:10], weights[1:]); got != code[10:] {
			t.Errorf("check digit of a published code: got %s, want %s", got, code[10:])
		}
	}
}

func TestNoTwoPeopleShareANumber(t *testing.T) {
	seen := map[string]string{}
	for _, name := range Names() {
		_, f := get(t, name)
		for _, v := range []string{f.ID, f.Resident.MyNumber, f.Resident.ResidentCode, f.SecurityCode} {
			if other, ok := seen[v]; ok {
				t.Errorf("%s and %s share a value", name, other)
			}
			seen[v] = name
		}
		if !strings.HasPrefix(f.Resident.MyNumber, "9999") || f.Municipality.Code[:2] != "99" {
			t.Errorf("%s is not plainly invented", name)
		}
	}
}

func TestAgesStayRight(t *testing.T) {
	for _, day := range []time.Time{reference, time.Date(2028, 2, 29, 0, 0, 0, 0, japan), time.Date(2041, 3, 1, 0, 0, 0, 0, japan)} {
		for name, bounds := range map[string][2]int{"infant": {0, 364}, "under15": {365, 14 * 365}, "adult": {19 * 365, 200 * 365}} {
			p, err := Get(name, day)
			if err != nil {
				t.Fatal(err)
			}
			var f form
			if err := json.Unmarshal(p.Order, &f); err != nil {
				t.Fatal(err)
			}
			birth, err := time.Parse(time.DateOnly, f.Resident.Birth)
			if err != nil {
				t.Fatal(err)
			}
			if days := int(day.Sub(birth).Hours() / 24); days < bounds[0] || days > bounds[1] {
				t.Errorf("%s on %s is %d days old", name, date(day), days)
			}
		}
	}
}

func TestTheDayIsJapans(t *testing.T) {
	p, err := Get("adult", time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)) // midnight in Japan
	if err != nil || !bytes.Contains(p.Order, []byte(`"issued_on": "2026-11-23"`)) {
		t.Errorf("the day of issue is not Japan's (%v)", err)
	}
}

func TestPortraits(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			p, f := get(t, name)
			if f.Product == "infant" {
				if p.Photo != nil || f.Photo != "" {
					t.Error("an infant's card has no photograph")
				}
				return
			}
			c, err := jpeg.DecodeConfig(bytes.NewReader(p.Photo))
			if err != nil {
				t.Fatal(err)
			}
			if c.Width < 480 || c.Height < 600 || len(p.Photo) < 20_000 || len(p.Photo) > 1_000_000 {
				t.Errorf("%d by %d pixels in %d bytes", c.Width, c.Height, len(p.Photo))
			}
			if grey := c.ColorModel == color.GrayModel; grey != (name == "elderly") {
				t.Errorf("grey is %v", grey)
			}
		})
	}
}

// TestAPortraitShowsAFace looks at a few pixels: ground, hair, skin and shirt are
// where a face on a plain ground has them.
func TestAPortraitShowsAFace(t *testing.T) {
	p, _ := get(t, "adult")
	m, _, err := image.Decode(bytes.NewReader(p.Photo))
	if err != nil {
		t.Fatal(err)
	}
	l := roster[0].look
	for _, probe := range []struct {
		name string
		x, y int
		want rgb
	}{{"ground", 20, 40, l.ground}, {"hair", 240, 130, l.hair}, {"skin", 240, 220, l.skin}, {"shirt", 120, 600, l.shirt}} {
		r, g, b, _ := m.At(probe.x, probe.y).RGBA()
		far := max(abs(float64(r>>8)-probe.want.r), abs(float64(g>>8)-probe.want.g), abs(float64(b>>8)-probe.want.b))
		if far > 24 {
			t.Errorf("%s is %v away from its colour", probe.name, far)
		}
	}
}

func abs(v float64) float64 { return max(v, -v) }

func TestTheSamePersonTwiceIsTheSame(t *testing.T) {
	a, _ := get(t, "ivs")
	b, _ := get(t, "ivs")
	if !bytes.Equal(a.Order, b.Order) || !bytes.Equal(a.Photo, b.Photo) || !bytes.Equal(a.PINs, b.PINs) {
		t.Error("two calls differ")
	}
	a.Photo[0] = 0
	if c, _ := get(t, "ivs"); c.Photo[0] == 0 {
		t.Error("a caller's change to the photograph is seen by the next")
	}
	if !bytes.Equal(portrait(*roster[5].look, 6), b.Photo) {
		t.Error("drawn again, the portrait differs")
	}
}

func TestWrite(t *testing.T) {
	for _, name := range []string{"adult", "infant"} {
		dir := filepath.Join(t.TempDir(), "new", name)
		p, _ := get(t, name)
		for range 2 { // over itself, too
			if err := Write(dir, p); err != nil {
				t.Fatal(err)
			}
		}
		for file, want := range map[string][]byte{"order.json": p.Order, "photo.jpg": p.Photo, "pins.json": p.PINs} {
			path := filepath.Join(dir, file)
			got, err := os.ReadFile(path)
			if want == nil {
				if !os.IsNotExist(err) {
					t.Errorf("%s: %s exists", name, file)
				}
				continue
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %s differs (%v)", name, file, err)
			}
			if s, err := os.Stat(path); err != nil || s.Mode().Perm() != 0o600 {
				t.Errorf("%s: %s is not for its owner alone", name, file)
			}
		}
	}
}

func TestWriteSaysWhyItCannot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p, _ := get(t, "infant")
	if err := Write(file, p); err == nil || !strings.HasPrefix(err.Error(), "cannot write person infant") {
		t.Errorf("got %v", err)
	}
}
