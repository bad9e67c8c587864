package magicard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"jukicard/printer"
	"jukicard/printer/raster"
)

func TestFrames(t *testing.T) {
	wake := strings.Repeat("\x05", 9)
	for name, row := range map[string]struct{ got, want string }{
		"a request": {string(request("INF")), wake + "\x01,REQ,INF,\x1c\x03"},
		"an order":  {string(order("RST")), wake + "\x01RST,\x1c\x03"},
	} {
		if row.got != row.want {
			t.Errorf("%s: %q, want %q", name, row.got, row.want)
		}
	}
}

const infAnswer = "STA$$ 1,Enduro+,0,61E0042,H1,P1,1.24,3,0,1234,99,500,2,10,20,500,50,0,0,11:1:UID,250,17,LC1,1,2,3,0,,,,,"

func TestInfoIsRead(t *testing.T) {
	i, err := parseInfo(infAnswer)
	if err != nil {
		t.Fatal(err)
	}
	if i.text(infoName) != "Enduro+" || i.text(infoSerial) != "61E0042" || i.printed() != 1234 || i.fault().code() != "11:01" || i.count(infoUsed) != 17 || i.text(infoFilm) != "LC1" {
		t.Errorf("%q", i)
	}
	for name, text := range map[string]string{
		"another answer":    "READY",
		"too few fields":    "STA$$ 1,2,3",
		"a counter of text": strings.Replace(infAnswer, "1234", "many", 1),
		"an error of text":  strings.Replace(infAnswer, ",11:", ",x:", 1),
	} {
		if _, err := parseInfo(text); !errors.Is(err, errInfo) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsAreRead(t *testing.T) {
	for name, row := range map[string]struct {
		text  string
		code  string
		words string
		found bool
	}{
		"ready":             {"STADruckbereit\n00:00\n(c0300)", "00:00", "Druckbereit", true},
		"a card not fed":    {"STAKarte wurde nicht\neingezogen\nFehler - 11:01\n(c0201)", "11:01", "Karte wurde nicht eingezogen", true},
		"with line ends":    {"STALID\r\nERR - 12:07\r\n(c9)", "12:07", "LID", true},
		"without numbers":   {"STAsomething", "00:00", "something", false},
		"another answer":    {"OK", "00:00", "", false},
		"what is no number": {"STAtime 112:034", "00:00", "time 112:034", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, found := parseTrouble(row.text)
			if got.code() != row.code || got.words != row.words || found != row.found {
				t.Errorf("got %s %q %t", got.code(), got.words, found)
			}
		})
	}
}

func TestUnknownErrorsShowThePrintersWords(t *testing.T) {
	e := trouble{major: 31, minor: 4, words: "KARTENSTAU"}
	for inside, kind := range map[bool]printer.FaultKind{true: printer.Jam, false: printer.Operator} {
		if f := e.fault(inside); f.Kind != kind || f.Code != "31:04" || !strings.Contains(f.Text, "KARTENSTAU") {
			t.Errorf("%+v", f)
		}
	}
}

func TestAnswersAreCut(t *testing.T) {
	for name, row := range map[string]struct {
		in, text, rest string
		whole          bool
	}{
		"one":            {"\x01STA\x03", "STA", "", true},
		"noise before":   {"\x05\x05xx\x01A\x03\x01B\x03", "A", "\x01B\x03", true},
		"half":           {"\x05\x01ST", "", "\x01ST", false},
		"noise alone":    {"\x05\x05", "", "", false},
		"an empty frame": {"\x01\x03", "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			text, rest, whole, err := cutAnswer([]byte(row.in))
			if err != nil || text != row.text || string(rest) != row.rest || whole != row.whole {
				t.Errorf("%q %q %t %v", text, rest, whole, err)
			}
		})
	}
	if _, _, _, err := cutAnswer(append([]byte{begin}, make([]byte, 5000)...)); !errors.Is(err, errEndless) {
		t.Errorf("an answer without an end: %v", err)
	}
}

// The job of the maker's filter, word by word (fact sheet 1.3).
func TestTheJobIsTheMakers(t *testing.T) {
	f := families["enduro"]
	p := blank()
	g, err := f.newPage(p, false, 50)
	if err != nil {
		t.Fatal(err)
	}
	b := f.frame(g, 1, nil, 0x5362E668)
	want := strings.Repeat("\x05", 64) + "\x01,NOC1,VER1.0,LANENG,TDT5362E668,RSPDEF,COEH,KGE2,DPXOFF,PAG1,IMFBGRK,XCO0,YCO0,WID1016,HGT642," +
		"OVRON,NNNOFF,USFOFF,PCT0,0,1015,641,ICC3,CPW50,DDD50,SZB585216,SZG585216,SZR585216,SZK97536\x1c"
	if !strings.HasPrefix(string(b), want) {
		t.Errorf("the words are\n%q, want\n%q", b[:min(len(want), len(b))], want)
	}
	at := len(want)
	for _, plane := range []struct {
		letter string
		size   int
	}{{"B", 585_216}, {"G", 585_216}, {"R", 585_216}, {"K", 97_536}} {
		at += plane.size
		if got := string(b[at : at+3]); got != "\x1c"+plane.letter+":" {
			t.Fatalf("after plane %s stands %q", plane.letter, got)
		}
		at += 3
	}
	if at != len(b) {
		t.Errorf("%d bytes follow; the closing 03 is sent apart", len(b)-at)
	}
}

func TestTheBackIsAnnounced(t *testing.T) {
	f := families["enduro"]
	front, err := f.newPage(blank(), false, 50)
	if err != nil {
		t.Fatal(err)
	}
	for resin, words := range map[bool][2]string{false: {"DPXON,BACCKO,PAG1,IMFBGRK", "KGE2,DPXON,PAG2,IMFBGRK"}, true: {"DPXON,BACKO,PAG1,IMFBGRK", "KGE2,DPXON,PAG2,IMFK"}} {
		back, err := f.newPage(blank(), resin, 50)
		if err != nil {
			t.Fatal(err)
		}
		if b := f.frame(front, 1, &back, 1); !bytes.Contains(b[:600], []byte(words[0])) {
			t.Errorf("the front says %q", b[64:400])
		}
		if b := f.frame(back, 2, nil, 1); !bytes.Contains(b[:600], []byte(words[1])) || bytes.Contains(b[:600], []byte("TDT")) {
			t.Errorf("the back says %q", b[64:400])
		}
	}
}

func blank() raster.Planes {
	n := 1016 * rows
	return raster.Planes{Width: 1016, Height: rows, Y: make([]byte, n), M: make([]byte, n), C: make([]byte, n), K: make([]byte, n)}
}

// readDot is the decoder of these tests, after the fact sheet alone: dot a of bit-plane b
// of line n.
func readDot(data []byte, perLine, bits, n, b, a int, straight bool) int {
	line := data[(n*bits+b)*perLine:][:perLine]
	if straight {
		return int(line[a/8]) >> (7 - a%8) & 1
	}
	var word, bit int
	if a < 288 {
		word, bit = 6+a/16, 31-2*(a%16)
	} else {
		word, bit = (a-288)/16, 30-2*((a-288)%16)
	}
	return int(binary.BigEndian.Uint32(line[4*word:])>>bit) & 1
}

func TestPlanesDecode(t *testing.T) {
	for name, row := range map[string]struct {
		family   string
		straight bool
		perLine  int
		bits     int
		head     int
		size     int
	}{
		"colour of an Enduro": {"enduro", false, 96, 6, 50, 585_216},
		"resin of an Enduro":  {"enduro", false, 96, 1, 35, 97_536},
		"colour of a Rio 2":   {"rio2", true, 84, 6, 65, 1016 * 504},
		"resin of a Rio 2":    {"rio2", true, 84, 1, 40, 1016 * 84},
		"colour of an Alto":   {"alto", false, 96, 6, 50, 576_000},
	} {
		t.Run(name, func(t *testing.T) {
			f, r := families[row.family], rand.New(rand.NewPCG(3, 4))
			plane := make([]byte, f.lines*rows)
			for i := range plane {
				plane[i] = byte(r.IntN(1 << row.bits))
			}
			data := f.pack(plane, row.bits, row.head)
			if len(data) != row.size {
				t.Fatalf("%d bytes, want %d", len(data), row.size)
			}
			seen := 0
			for n := range f.lines {
				for y := range rows {
					v := 0
					for b := range row.bits {
						v |= readDot(data, row.perLine, row.bits, n, b, y+65-row.head, row.straight) << b
					}
					if want := int(plane[(rows-1-y)*f.lines+n]); v != want {
						t.Fatalf("row %d of line %d is %d, want %d", y, n, v, want)
					}
					seen += v
				}
			}
			if seen == 0 {
				t.Error("nothing was seen")
			}
		})
	}
}

// No two dots share a bit, and none lies outside.
func TestEveryDotHasItsPlace(t *testing.T) {
	for name, l := range map[string]layout{"KGE": {96, kge}, "KEE": {84, kee}} {
		taken := map[[2]int]int{}
		for a := range dots {
			at, mask := l.bit(a)
			if at < 0 || at >= l.bytes {
				t.Fatalf("%s: dot %d lies in byte %d of %d", name, a, at, l.bytes)
			}
			if other, twice := taken[[2]int{at, int(mask)}]; twice {
				t.Fatalf("%s: dots %d and %d lie in one bit", name, other, a)
			}
			taken[[2]int{at, int(mask)}] = a
		}
	}
}

func TestHeadsThatAreNotKnown(t *testing.T) {
	good, err := parseInfo(infAnswer)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		field int
		value string
	}{"its type": {infoHead, "7"}, "no type": {infoHead, "x"}, "too low": {infoPosition, "34"}, "too high": {infoPosition, "66"}} {
		i := append(info(nil), good...)
		i[row.field] = row.value
		if _, _, err := families["enduro"].of(i); err == nil {
			t.Errorf("%s: it is driven all the same", name)
		}
	}
	if f, at, err := families["enduro"].of(good); err != nil || f.head != "KGE2" || at != 50 {
		t.Errorf("%v %d %v", f, at, err)
	}
}

// Supplies are counted in cards with two sides.
func TestSupplies(t *testing.T) {
	lc8 := strings.Replace(infAnswer, "LC1", "LC8", 1)
	for name, row := range map[string]struct {
		answer          string
		opt             Options
		ribbon, of      int
		cards           int
		cleaning, limit int
	}{
		"no card was fed":        {infAnswer, Options{}, 116, 125, 0, 480, 500},
		"nothing wrong":          {strings.Replace(infAnswer, ",11:1:", ",0:0:", 1), Options{}, 116, 125, -1, 480, 500},
		"black backs, no second": {infAnswer, Options{ResinBack: true}, 116, 125, 0, 480, 500},
		"a second black":         {lc8, Options{}, 116, 125, 0, 480, 500},
		"and black backs":        {lc8, Options{ResinBack: true}, 233, 250, 0, 480, 500},
		"enough for one side":    {strings.Replace(infAnswer, ",250,17,", ",250,249,", 1), Options{}, 0, 125, 0, 480, 500},
		"more used than it had":  {strings.Replace(infAnswer, ",250,17,", ",250,300,", 1), Options{}, 0, 125, 0, 480, 500},
		"a film without a label": {strings.Replace(infAnswer, ",250,17,", ",,,", 1), Options{}, -1, -1, 0, 480, 500},
	} {
		t.Run(name, func(t *testing.T) {
			i, err := parseInfo(row.answer)
			if err != nil {
				t.Fatal(err)
			}
			got := (&Printer{opt: row.opt}).supplies(i, i.fault())
			want := []printer.Supply{
				{Name: "ribbon", Kind: i.text(infoFilm), Remaining: row.ribbon, Capacity: row.of},
				{Name: "cards", Remaining: row.cards, Capacity: -1},
				{Name: "cleaning", Remaining: row.cleaning, Capacity: row.limit},
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func FuzzAnswer(f *testing.F) {
	for _, s := range []string{"\x01" + infAnswer + "\x03", "\x01STAKarte\nFehler - 11:01\n(c0201)\x03", "\x05\x05\x01", "\x01\x03"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text, rest, whole, err := cutAnswer(b)
		if err != nil || !whole {
			return
		}
		if len(rest) >= len(b) || strings.ContainsRune(text, end) {
			t.Fatalf("%q leaves %q", text, rest)
		}
		if i, err := parseInfo(text); err == nil {
			_, _, _ = families["enduro"].of(i)
			if i.printed() > 1<<31 || strings.ContainsAny(i.text(infoSerial), "\n\x1b") {
				t.Fatalf("%q", i)
			}
			for _, s := range (&Printer{}).supplies(i, i.fault()) {
				if s.Remaining < -1 || s.Capacity < -1 {
					t.Fatalf("%+v", s)
				}
			}
		}
		if e, ok := parseTrouble(text); ok && (e.major > 99 || e.minor > 99 || strings.ContainsAny(e.words, "\n\x1b")) {
			t.Fatalf("%+v", e)
		}
	})
}
