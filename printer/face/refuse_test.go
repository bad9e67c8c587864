package face

import (
	"image"
	"strings"
	"testing"
)

// What a clerk reads when an order cannot be printed, in full: field, rule, remedy.
// All of it is said before a card is fed, for drawing needs no printer.
func TestRefusalsInWords(t *testing.T) {
	f := fontsOf(t)
	render := func(change func(*Data)) error {
		d := sample()
		change(&d)
		_, err := f.Render(DefaultLayout, d)
		return err
	}
	photo := func(file []byte) error {
		_, err := DecodePhoto(file)
		return err
	}
	layout := func(change func(*layoutFile)) error {
		_, err := LoadLayout(variant(t, change))
		return err
	}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{
			"a name beyond its place", render(func(d *Data) { d.Name = strings.Repeat("寿限無", 30) }),
			"cannot fit the name in its place at the smallest permitted size; nothing is cut off: shorten it as the resident register permits, or use a layout with more room",
		},
		{
			"an address beyond its place", render(func(d *Data) { d.Address = strings.Repeat("架空町", 40) }),
			"cannot fit the address in its place at the smallest permitted size; nothing is cut off: shorten it as the resident register permits, or use a layout with more room",
		},
		{
			"a name with a variation that no font has", render(func(d *Data) { d.Name = "祇\U000E0100園" }),
			"cannot print the name: character 1 is refused: no loaded font has it with this variation selector; load a font of the collection the selector belongs to, or choose the same shape in a loaded collection (for IPAmj Mincho, Moji_Joho)",
		},
		{
			"a name with 外字 of which there is no font", render(func(d *Data) { d.Name = "山\ue000" }),
			"cannot print the name: character 2 is refused: it is a private-use code (外字) that no loaded BDF font has; load the municipality's BDF font with that 外字, or give the Unicode character or sequence that it stands for",
		},
		{
			"no name", render(func(d *Data) { d.Name = "" }),
			"cannot use the name: it must not be empty; complete the order",
		},
		{
			"a number of eleven digits", render(func(d *Data) { d.MyNumber = "12345678901" }),
			"cannot use the my number: it must be 12 digits 0 to 9; correct the order",
		},
		{
			"five remarks", render(func(d *Data) { d.Remarks = []string{"一", "二", "三", "四", "五"} }),
			"cannot fit the remarks: the entry needs 1 line of 追記欄 and 0 are free; the card must be reissued (再交付), which is free of charge when 追記欄 is full and may be asked for as 特急発行",
		},
		{
			"an empty photograph", render(func(d *Data) { d.Photo = image.NewGray(image.Rectangle{}) }),
			"cannot use the photograph: it must have pixels; give another one, or none for a child under one",
		},
		{
			"a photograph that is none", photo([]byte("no picture")),
			"cannot use the photograph: it must be a JPEG or PNG picture; save the photograph as JPEG",
		},
		{
			"a photograph of 479 pixels", photo(jpegOf(t, noise(479, 600), 95)),
			"cannot use the photograph: it must be at least 480 pixels a side and 20 KB; take or scan the photograph at a higher resolution",
		},
		{
			"a photograph beyond 7 MB", photo(make([]byte, PhotoBytesMax+1)),
			"cannot use the photograph: it must be at most 6000 pixels a side and 7 MB; reduce the photograph",
		},
		{
			"a photograph cut short", photo(jpegOf(t, noise(480, 600), 95)[:60_000]),
			"cannot use the photograph: it must be complete, but the file ends early or is damaged; send the file again",
		},
		{
			"a layout with a field outside the card", layout(func(l *layoutFile) { l.Front[0].X = 60 }),
			"cannot load the layout: front item 1 (field name): it must lie on the card, 85.60 × 53.98 mm, and be at least 0.1 mm",
		},
		{
			"a layout with fields on one another", layout(func(l *layoutFile) { l.Front = append(l.Front, l.Front[0]) }),
			"cannot load the layout: front items 1 and 2 overlap: personal fields must lie apart",
		},
		{
			"a layout of unknown kind", layout(func(l *layoutFile) { l.Front[0].Kind = "hologram" }),
			"cannot load the layout: front item 1 (hologram name): kind must be text, field, remarks, photo, qr, box, mark or waves",
		},
		{
			"a layout in which a name would lose strokes", func() error {
				l, err := LoadLayout(variant(t, func(l *layoutFile) { l.Front[0].Size = 0.7 }))
				if err != nil {
					return err
				}
				d := withoutPhoto(sample())
				d.Name = "鬱龘驫　籠"
				_, err = f.Render(l.At(150), d)
				return err
			}(),
			"cannot draw the name in 1 bit: a stroke would be lost, and the text might read otherwise; shorten the text so that it is set larger",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err == nil || tt.err.Error() != tt.want {
				t.Errorf("error = %v\nwant    %s", tt.err, tt.want)
			}
		})
	}
}
