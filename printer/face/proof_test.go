package face

import (
	"errors"
	"fmt"
	"image"
	"testing"

	"jukicard/printer/raster"
)

// Every text of every person, at both resolutions, is read again from the plane that
// goes to the printer: outlines drawn apart from the card must be all there in K.
func TestPrintedTextKeepsItsStrokes(t *testing.T) {
	f := fontsOf(t)
	for name, d := range people() {
		for _, dpi := range []int{300, 600} {
			t.Run(fmt.Sprintf("%s, %d dpi", name, dpi), func(t *testing.T) {
				l := DefaultLayout.At(dpi)
				drawn := mustRender(t, f, l, d)
				for i, side := range l.sides() {
					plane := raster.Separate([]image.Image{drawn.Front, drawn.Back}[i])
					for _, it := range side.items {
						if it.Kind == "field" && d.text(it.Field) != "" {
							checkStrokes(t, &canvas{fonts: f, layout: l}, plane, it, d.text(it.Field))
						}
					}
				}
			})
		}
	}
}

// checkStrokes compares one field's place in K with its text drawn 4 times as fine.
func checkStrokes(t *testing.T, c *canvas, plane raster.Planes, i item, text string) {
	t.Helper()
	glyphs, err := c.fonts.glyphs(i.Field, text)
	if err != nil {
		t.Fatal(err)
	}
	m := c.room(i)
	b, ok := m.fit(glyphs)
	if !ok {
		t.Fatalf("%s does not fit", i.Field)
	}
	bits := newBitmap(m.box.Dx(), m.box.Dy())
	for k := range bits.black {
		bits.black[k] = plane.K[(m.box.Min.Y+k/bits.w)*plane.Width+m.box.Min.X+k%bits.w] != 0
	}
	if n := strokesLost(m.cover(b, 4), 4, bits); n > 0 {
		t.Errorf("%s has lost %d strokes in K", i.Field, n)
	}
}

// A text whose strokes the planes' threshold would lose is thickened until they are
// there; nothing else on the side changes.
func TestThinStrokesAreThickened(t *testing.T) {
	f, l := fontsOf(t), DefaultLayout
	thickened := 0
	for r := rune(0x4E00); r < 0x9FA0; r += 97 {
		g, why := f.glyph(cluster{base: r})
		if why != "" {
			continue
		}
		m := square(22)
		b, ok := m.fit([]glyph{g})
		if !ok {
			t.Fatal("one character does not fit its own square")
		}
		c := &canvas{fonts: f, layout: l}
		c.onto(raster.NewSide(image.Rect(0, 0, 40, 40)))
		if err := c.set(rgb{}, "name", b, m); err != nil {
			t.Fatalf("U+%04X: %v", r, err)
		}
		plain, proven := m.cover(b, 1), c.out.Resin
		lost := strokesLost(m.cover(b, 4), 4, threshold(plain, raster.InkThreshold)) > 0
		changed := false
		for y := range 22 {
			for x := range 22 {
				changed = changed || plain.AlphaAt(x, y) != proven.AlphaAt(x, y)
			}
		}
		if lost != changed {
			t.Errorf("U+%04X: strokes lost %v, thickened %v", r, lost, changed)
		}
		if lost {
			thickened++
		}
	}
	if thickened == 0 {
		t.Error("no character needed it: the test looks at nothing")
	}
}

// What is drawn over a text afterwards must be seen by who proves it.
func TestLostStrokesAreRefused(t *testing.T) {
	f := fontsOf(t)
	g, _ := f.glyph(cluster{base: '三'})
	m := square(30)
	b, _ := m.fit([]glyph{g})
	c := &canvas{fonts: f, layout: DefaultLayout}
	c.onto(raster.NewSide(image.Rect(0, 0, 30, 30)))
	if err := c.set(rgb{}, "name", b, m); err != nil {
		t.Fatal(err)
	}
	c.paint(image.Rect(0, 12, 30, 18), image.White) // the middle stroke
	var lost *StrokeError
	if err := c.prove("name", b, m); !errors.As(err, &lost) || lost.Field != "name" {
		t.Errorf("error = %v, want a *StrokeError of the name", err)
	}
}

// The photograph is half tones: not one of its pixels may be resin.
func TestPhotographIsNotInResin(t *testing.T) {
	l := DefaultLayout
	d := sample()
	d.Photo = image.NewGray(image.Rect(0, 0, 480, 600)) // black all over
	plane := raster.Separate(mustRender(t, fontsOf(t), l, d).Front)
	place := l.rect(placeOf(t, l.front, "photo", ""))
	for y := place.Min.Y; y < place.Max.Y; y++ {
		for x := place.Min.X; x < place.Max.X; x++ {
			if plane.K[y*plane.Width+x] != 0 {
				t.Fatalf("pixel %d,%d of the photograph is resin", x, y)
			}
		}
	}
	if i := (place.Min.Y+20)*plane.Width + place.Min.X + 20; plane.C[i] != 255 || plane.M[i] != 255 || plane.Y[i] != 255 {
		t.Error("black of the photograph is not full dye")
	}
}
