package tlv

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// attributes is EF 0002 of a test card (card fact sheet, 2.2), with three bytes of filler.
const attributes = "ff2065df2108000e002000590064df220fe9bb92e6a190e38080e5b9b9e4b99fdf2336e69db1e4baace983bde6b885e780ace5b882e8a6b3e5b883e5ad90e58d97efbc91efbc92efbc8defbc97efbc8defbc92efbc90efbc92df24083139383030323137df250131ffffff"

func TestFindInCardFile(t *testing.T) {
	file := unhex(t, attributes)
	for tag, want := range map[Tag]string{0xDF22: "黒桐　幹也", 0xDF23: "東京都清瀬市観布子南１２－７－２０２", 0xDF24: "19800217", 0xDF25: "1"} {
		if v, ok := Find(file, 0xFF20, tag); !ok || string(v) != want {
			t.Errorf("%v: %q %v", tag, v, ok)
		}
	}
	// The offsets in DF21 count from the start of the file and point at the objects.
	offsets, _ := Find(file, 0xFF20, 0xDF21)
	for i, tag := range []Tag{0xDF22, 0xDF23, 0xDF24, 0xDF25} {
		at := int(offsets[2*i])<<8 | int(offsets[2*i+1])
		if o, _, err := Next(file[at:]); err != nil || o.Tag != tag {
			t.Errorf("offset %d: %v %v, want %v", at, o.Tag, err, tag)
		}
	}
	if n, err := Size(file[:MaxHeader]); err != nil || n != len(file)-3 {
		t.Errorf("Size %d %v", n, err)
	}
}

func TestFind(t *testing.T) {
	b := unhex(t, "5F3701AA 7F4908 8101BB 8201CC DFFF") // the inner tail is malformed
	for _, row := range []struct {
		name string
		path []Tag
		want string
		ok   bool
	}{
		{"top", []Tag{0x5F37}, "AA", true},
		{"second", []Tag{0x7F49, 0x82}, "CC", true},
		{"behind malformed", []Tag{0x7F49, 0x83}, "", false},
		{"missing", []Tag{0x5F38}, "", false},
		{"inside a primitive", []Tag{0x5F37, 0x81}, "", false},
		{"empty path", nil, "", false},
		{"long path", make([]Tag, MaxDepth+1), "", false},
	} {
		v, ok := Find(b, row.path...)
		if ok != row.ok || !bytes.Equal(v, unhex(t, row.want)) {
			t.Errorf("%s: %X %v", row.name, v, ok)
		}
	}
}

func TestNext(t *testing.T) {
	for _, row := range []struct {
		name, in  string
		tag       Tag
		value     string
		rest      int
		truncated bool
		fails     bool
	}{
		{name: "one byte tag", in: "8103010203 99", tag: 0x81, value: "010203", rest: 1},
		{name: "empty value", in: "8100", tag: 0x81},
		{name: "two byte tag", in: "7F490155", tag: 0x7F49, value: "55"},
		{name: "three byte tag", in: "5FFF010155", tag: 0x5FFF01, value: "55"},
		{name: "low number in two bytes", in: "FF100155", tag: 0xFF10, value: "55"},
		{name: "81", in: "04810155", tag: 0x04, value: "55"},
		{name: "82 below 256", in: "FF2082000155", tag: 0xFF20, value: "55"},
		{name: "84", in: "04840000000155", tag: 0x04, value: "55"},
		{name: "nothing", in: "", truncated: true},
		{name: "half a tag", in: "FF", truncated: true},
		{name: "no length", in: "FF20", truncated: true},
		{name: "half a length", in: "0482 01", truncated: true},
		{name: "half a value", in: "040255", truncated: true},
		{name: "tag 00", in: "0001", fails: true},
		{name: "four byte tag", in: "5FFFFF010155", fails: true},
		{name: "indefinite length", in: "308004000000", fails: true},
		{name: "five length bytes", in: "04850000000001", fails: true},
		{name: "huge", in: "0484FFFFFFFF", fails: true},
	} {
		o, rest, err := Next(unhex(t, row.in))
		switch {
		case row.truncated || row.fails:
			if err == nil || errors.Is(err, ErrTruncated) != row.truncated {
				t.Errorf("%s: %v", row.name, err)
			}
			if len(rest) != len(unhex(t, row.in)) {
				t.Errorf("%s: the input is used up", row.name)
			}
		case err != nil || o.Tag != row.tag || !bytes.Equal(o.Value, unhex(t, row.value)) || len(rest) != row.rest:
			t.Errorf("%s: %v %X rest %d %v", row.name, o.Tag, o.Value, len(rest), err)
		}
	}
}

func TestValueCannotGrowIntoRest(t *testing.T) {
	b := unhex(t, "8101AA 8101BB")
	o, _, err := Next(b)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(o.Value, 0xFF)
	if !bytes.Equal(b, unhex(t, "8101AA 8101BB")) {
		t.Errorf("appending to a value overwrote its neighbour: %X", b)
	}
}

func TestParseSkipsFiller(t *testing.T) {
	want := []Object{{0xFF10, []byte{1}}, {0x81, []byte{2}}}
	for name, in := range map[string]string{
		"none":    "FF100101 810102",
		"between": "00 FF100101 0000 810102",
		"before":  "FFFF FF100101 00 810102",
		"behind":  "FF100101 810102 FFFFFF",
		"one":     "FF100101 810102 FF",
		"zeros":   "0000 FF100101 00 810102 0000",
	} {
		got, err := Parse(unhex(t, in))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	if got, err := Parse(bytes.Repeat([]byte{0xFF}, 16)); err != nil || got != nil {
		t.Errorf("all filler: %v %v", got, err)
	}
}

func TestParseGivesWhatCameBeforeTheError(t *testing.T) {
	got, err := Parse(unhex(t, "810101 8205FF"))
	if len(got) != 1 || !errors.Is(err, ErrTruncated) {
		t.Errorf("%v %v", got, err)
	}
}

func TestBounds(t *testing.T) {
	many := bytes.Repeat([]byte{0x81, 0x00}, MaxObjects+1)
	if _, err := Parse(many[:2*MaxObjects]); err != nil {
		t.Errorf("%d objects: %v", MaxObjects, err)
	}
	if _, err := Parse(many); err == nil {
		t.Error("too many objects are taken")
	}
	inner := Append(nil, 0x30, bytes.Repeat([]byte{0x81, 0x00}, MaxObjects/2))
	if err := Walk(append(inner, inner...), func(int, Object) error { return nil }); err == nil {
		t.Error("too many objects in all are walked")
	}
	deep := []byte{}
	for range MaxDepth {
		deep = Append(nil, 0x30, deep)
	}
	if err := Walk(deep, func(int, Object) error { return nil }); err == nil {
		t.Error("an empty level too deep is walked")
	}
	if err := Walk(deep[2:], func(int, Object) error { return nil }); err != nil {
		t.Errorf("%d levels: %v", MaxDepth-1, err)
	}
}

func TestWalkOrder(t *testing.T) {
	var got []string
	b := unhex(t, attributes)
	err := Walk(b, func(depth int, o Object) error {
		got = append(got, fmt.Sprintf("%d%v", depth, o.Tag))
		return nil
	})
	if want := "0FF20 1DF21 1DF22 1DF23 1DF24 1DF25"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("%v %v", got, err)
	}
	stop := errors.New("cannot go on")
	if err := Walk(b, func(int, Object) error { return stop }); err != stop {
		t.Errorf("Walk: %v", err)
	}
	if err := Walk(unhex(t, "3002 8105"), func(int, Object) error { return nil }); !errors.Is(err, ErrTruncated) {
		t.Errorf("Walk: %v", err)
	}
}

func TestAppend(t *testing.T) {
	for _, row := range []struct {
		tag          Tag
		n            int
		header, long string
	}{
		{0x81, 0, "8100", "81820000"},
		{0xDF22, 0x7F, "DF227F", "DF2282007F"},
		{0xFF20, 0x80, "FF208180", "FF20820080"},
		{0xFF20, 0xFF, "FF2081FF", "FF208200FF"},
		{0xFF20, 0x100, "FF20820100", "FF20820100"},
		{0x5FFF01, 0xFFFF, "5FFF0182FFFF", "5FFF0182FFFF"},
		{0x30, 0x10000, "3083010000", "3083010000"},
	} {
		value := bytes.Repeat([]byte{0xA5}, row.n)
		for name, got := range map[string][]byte{
			row.header: Append(nil, row.tag, value[:row.n/2], value[row.n/2:]),
			row.long:   AppendLong([]byte{}, row.tag, value),
		} {
			if want := append(unhex(t, name), value...); !bytes.Equal(got, want) {
				t.Errorf("%v of %d bytes: %.10X…, want %s…", row.tag, row.n, got, name)
			}
		}
		if got := HeaderLen(row.tag, row.n); got != len(row.header)/2 {
			t.Errorf("HeaderLen(%v, %d) = %d", row.tag, row.n, got)
		}
	}
}

func TestAppendPanicsOnMistakesOfTheProgram(t *testing.T) {
	for name, f := range map[string]func(){
		"tag 0":           func() { Append(nil, 0) },
		"unfinished tag":  func() { Append(nil, 0xFF) },
		"filler tag":      func() { Append(nil, 0xFFFF01) },
		"huge value":      func() { Append(nil, 0x04, make([]byte, MaxLength+1)) },
		"simple tag 0":    func() { AppendSimple(nil, 0) },
		"simple tag FF":   func() { AppendSimple(nil, 0xFF) },
		"simple too long": func() { AppendSimple(nil, 1, make([]byte, 0x10000)) },
	} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.HasPrefix(fmt.Sprint(r), "internal error: ") {
					t.Errorf("%s: %v", name, r)
				}
			}()
			f()
		}()
	}
}

func TestTag(t *testing.T) {
	for _, row := range []struct {
		tag         Tag
		valid       bool
		size        int
		constructed bool
		text        string
	}{
		{0x04, true, 1, false, "04"},
		{0x30, true, 1, true, "30"},
		{0x5F37, true, 2, false, "5F37"},
		{0x7F49, true, 2, true, "7F49"},
		{0xFF20, true, 2, true, "FF20"},
		{0x5FFF01, true, 3, false, "5FFF01"},
		{0, false, 1, false, "00"},
		{0x1F, false, 1, false, "1F"},
		{0x0401, false, 2, false, "0401"},
		{0x5F80, false, 2, false, "5F80"},
		{0x5F0101, false, 3, false, "5F0101"},
		{0x5F8180, false, 3, false, "5F8180"},
		{0xFFFF01, false, 3, true, "FFFF01"},
	} {
		if row.tag.Valid() != row.valid || row.tag.Len() != row.size || row.tag.Constructed() != row.constructed || row.tag.String() != row.text {
			t.Errorf("%v: valid %v, %d bytes, constructed %v", row.tag, row.tag.Valid(), row.tag.Len(), row.tag.Constructed())
		}
		var read Tag
		if err := read.UnmarshalText([]byte(row.text)); (err == nil) != row.valid || row.valid && read != row.tag {
			t.Errorf("UnmarshalText(%s): %v %v", row.text, read, err)
		}
		if text, err := row.tag.MarshalText(); err != nil || string(text) != row.text {
			t.Errorf("MarshalText: %s %v", text, err)
		}
	}
	for _, text := range []string{"", "4", "FF2", "0xFF20", "FF20FF2001", "+4"} {
		if new(Tag).UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is taken for a tag", text)
		}
	}
}

func TestSimple(t *testing.T) {
	long := bytes.Repeat([]byte{0x5A}, 0xFF)
	for _, row := range []struct {
		name string
		tag  byte
		data []byte
		head string
	}{
		{"serial number record", 0x01, []byte("4000000127198431322120350217")[:28], "011C"},
		{"empty", 0x10, nil, "1000"},
		{"254 bytes", 0x10, long[:0xFE], "10FE"},
		{"255 bytes", 0xFE, long, "FEFF00FF"},
	} {
		got := AppendSimple(nil, row.tag, row.data)
		if want := append(unhex(t, row.head), row.data...); !bytes.Equal(got, want) {
			t.Errorf("%s: %.6X…", row.name, got)
		}
		o, rest, err := NextSimple(append(got, 0xFF))
		if err != nil || o.Tag != Tag(row.tag) || !bytes.Equal(o.Value, row.data) || len(rest) != 1 {
			t.Errorf("%s: %v %v", row.name, o.Tag, err)
		}
		if v, ok := FindSimple(append(unhex(t, "FF00 110177 FF"), got...), row.tag); !ok || !bytes.Equal(v, row.data) {
			t.Errorf("%s: not found", row.name)
		}
	}
	for name, in := range map[string]string{"nothing": "", "tag alone": "01", "half a length": "01FF00", "half a value": "010255"} {
		if _, _, err := NextSimple(unhex(t, in)); !errors.Is(err, ErrTruncated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, in := range []string{"0001", "FF01"} {
		if _, _, err := NextSimple(unhex(t, in)); err == nil || errors.Is(err, ErrTruncated) {
			t.Errorf("%s: %v", in, err)
		}
	}
	if _, ok := FindSimple(unhex(t, "0101AA"), 2); ok {
		t.Error("a missing tag is found")
	}
}

func TestReadingDoesNotAllocate(t *testing.T) {
	b := unhex(t, attributes)
	n := testing.AllocsPerRun(100, func() {
		if _, ok := Find(b, 0xFF20, 0xDF25); !ok {
			t.Error("not found")
		}
		for _, err := range All(b) {
			if err != nil {
				t.Error(err)
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// reencode writes objects again with the shortest lengths.
func reencode(b []byte, objects []Object) []byte {
	for _, o := range objects {
		b = Append(b, o.Tag, o.Value)
	}
	return b
}

func FuzzTLV(f *testing.F) {
	file := unhex(f, attributes)
	f.Add(file)
	f.Add(unhex(f, "FF20820001555F37820003010203 30840000000100"))
	f.Add(AppendSimple(AppendSimple(nil, 1, []byte("1234")), 2, make([]byte, 300)))
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzBER(t, b)
		fuzzSimple(t, b)
	})
}

func fuzzBER(t *testing.T, b []byte) {
	objects, err := Parse(b)
	encoded := reencode(nil, objects)
	again, err2 := Parse(encoded)
	if err2 != nil || len(again) != len(objects) {
		t.Fatalf("encoded again: %v", err2)
	}
	for i, o := range objects {
		if !o.Tag.Valid() || again[i].Tag != o.Tag || !bytes.Equal(again[i].Value, o.Value) {
			t.Fatalf("object %d changed", i)
		}
		if v, ok := Find(b, o.Tag); !ok || v == nil && len(o.Value) > 0 {
			t.Fatalf("object %d cannot be found", i)
		}
	}
	if !bytes.Equal(reencode(nil, again), encoded) {
		t.Fatal("the shortest form is not stable")
	}
	if len(encoded) > len(b) {
		t.Fatal("the shortest form is longer")
	}
	if n, err3 := Size(SkipFiller(b)); err == nil && len(objects) > 0 && (err3 != nil || n > len(b)) {
		t.Fatalf("Size %d %v of %d", n, err3, len(b))
	}
	seen := 0
	_ = Walk(b, func(depth int, _ Object) error {
		if seen++; depth >= MaxDepth || seen > MaxObjects {
			t.Fatal("Walk goes past its bounds")
		}
		return nil
	})
}

func fuzzSimple(t *testing.T, b []byte) {
	for range MaxObjects {
		o, rest, err := NextSimple(b)
		if err != nil {
			return
		}
		again, left, err := NextSimple(AppendSimple(nil, byte(o.Tag), o.Value))
		if err != nil || len(left) != 0 || again.Tag != o.Tag || !bytes.Equal(again.Value, o.Value) {
			t.Fatalf("simple object changed: %v", err)
		}
		b = rest
	}
}

func BenchmarkFind(b *testing.B) {
	file := unhex(b, attributes)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Find(file, 0xFF20, 0xDF25); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	value, dst := make([]byte, 300), make([]byte, 0, 400)
	b.ReportAllocs()
	for b.Loop() {
		dst = Append(dst[:0], 0xFF20, value)
	}
}
