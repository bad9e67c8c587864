package reader

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func atr(t testing.TB, text string) ATR {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The ATRs of OpenSC's card-jpki.c and win32 list, and some by hand.
func TestParsedATRs(t *testing.T) {
	tests := []struct {
		name        string
		atr         string
		protocols   []int
		rate        [2]int
		ifsc        int
		waiting     [2]int
		historical  string
		contactless bool
	}{
		{"My Number card, contact", "3B E0 00 FF 81 31 FE 45 14", []int{1}, [2]int{372, 1}, 254, [2]int{4, 5}, "", false},
		{"JPKI 02", "3B DA 13 FF 81 31 FB 46 80 12 39 2F 31 C1 73 C6 01 C0 3B", []int{1}, [2]int{372, 4}, 251, [2]int{4, 6}, "8012392F31C173C601C0", false},
		{"JPKI 03", "3B C5 FF 81 31 FB 45 80 73 C6 01 00 00", []int{1}, [2]int{372, 1}, 251, [2]int{4, 5}, "8073C60100", false},
		{"JPKI 04, specific mode", "3B F5 91 00 FF 91 81 71 FE 40 00 42 00 01 00 D1 D6", []int{1}, [2]int{512, 1}, 254, [2]int{4, 0}, "42000100D1", false},
		{"JPKI 06, contactless", "3B 88 80 01 00 00 05 E0 B3 81 A1 00 7F", []int{0, 1}, [2]int{372, 1}, 32, [2]int{4, 13}, "000005E0B381A100", true},
		{"the shortest", "3B 00", []int{0}, [2]int{372, 1}, 32, [2]int{4, 13}, "", false},
		{"inverse convention", "3F 02 14 50", []int{0}, [2]int{372, 1}, 32, [2]int{4, 13}, "1450", false},
		{"T=0 then T=15 needs TCK", "3B 80 80 1F 03 1C", []int{0}, [2]int{372, 1}, 32, [2]int{4, 13}, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := atr(t, tt.atr)
			p, err := a.Parse()
			if err != nil {
				t.Fatal(err)
			}
			f, d := p.Rate()
			bwi, cwi := p.Waiting()
			got := fmt.Sprintln(p.Protocols(), f, d, p.IFSC(), bwi, cwi, hex.EncodeToString(p.Historical), a.Contactless())
			want := fmt.Sprintln(tt.protocols, tt.rate[0], tt.rate[1], tt.ifsc, tt.waiting[0], tt.waiting[1], strings.ToLower(tt.historical), tt.contactless)
			if got != want {
				t.Errorf("got  %swant %s", got, want)
			}
		})
	}
}

func TestBaudRates(t *testing.T) {
	tests := []struct {
		name  string
		ta1   string // T0 and TA1
		clock int
		want  int
	}{
		{"TA1 absent", "00", 3571200, 9600},
		{"94", "10 94", 3571200, 55800},
		{"95", "10 95", 3571200, 111600},
		{"18", "10 18", 3571200, 115200},
		{"96", "10 96", 3571200, 223200},
		{"97", "10 97", 3571200, 446400},
		{"96 at 5 MHz", "10 96", 5000000, 312500},
		{"reserved Fi", "10 74", 3571200, 0},
		{"reserved Di", "10 90", 3571200, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := atr(t, "3B"+tt.ta1).Parse()
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Baud(tt.clock); got != tt.want {
				t.Errorf("%d bit/s, want %d", got, tt.want)
			}
		})
	}
}

func TestFieldsOfTheMyNumberCard(t *testing.T) {
	p, err := atr(t, "3B E0 00 FF 81 31 FE 45 14").Parse()
	if err != nil {
		t.Fatal(err)
	}
	if p.Inverse || p.GuardTime() != 255 || p.CRC() || p.TCK != (Byte{0x14, true}) {
		t.Errorf("inverse %v, guard time %d, CRC %v, TCK %v", p.Inverse, p.GuardTime(), p.CRC(), p.TCK)
	}
	if _, ok := p.Specific(); ok {
		t.Error("specific mode without TA2")
	}
	if len(p.Groups) != 3 || p.Groups[0].TB != (Byte{0, true}) || p.Groups[0].TA.Present {
		t.Errorf("groups %v", p.Groups)
	}
}

func TestSpecificMode(t *testing.T) {
	p, err := atr(t, "3B F5 91 00 FF 91 81 71 FE 40 00 42 00 01 00 D1 D6").Parse()
	if err != nil {
		t.Fatal(err)
	}
	if proto, ok := p.Specific(); !ok || proto != 1 {
		t.Errorf("specific %d %v, want 1 true", proto, ok)
	}
}

func TestBadATRsSayWhatIsWrong(t *testing.T) {
	tests := []struct{ name, atr, want string }{
		{"empty", "", "0 bytes"},
		{"TS alone", "3B", "1 bytes"},
		{"too long", "3B" + strings.Repeat("00", 33), "34 bytes"},
		{"wrong TS", "3C 00", "TS is 3C"},
		{"interface byte missing", "3B 10", "TA1 is missing"},
		{"interface byte of the second group missing", "3B 80 20", "TB2 is missing"},
		{"historical bytes missing", "3B 03 01 02", "announces 3 historical bytes, 2 are left"},
		{"TCK missing", "3B 80 01", "0 bytes follow"},
		{"TCK wrong", "3B E0 00 FF 81 31 FE 45 15", "TCK is 15, not 14"},
		{"TCK where none belongs", "3B 00 00", "1 bytes follow"},
		{"T=15 first", "3B 80 0F 8F", "T=15"},
		{"endless chain", "3B" + strings.Repeat("80", 32), "TD32 is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := atr(t, tt.atr).Parse()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestATRIsShownInUpperCaseHex(t *testing.T) {
	if got := (ATR{0x3B, 0xe0, 0x0f}).String(); got != "3BE00F" {
		t.Errorf("%q", got)
	}
}

// FuzzATR builds each parsed ATR anew from its parts: nothing may be lost.
func FuzzATR(f *testing.F) {
	for _, s := range []string{
		"3B E0 00 FF 81 31 FE 45 14", "3B DA 13 FF 81 31 FB 46 80 12 39 2F 31 C1 73 C6 01 C0 3B",
		"3B F5 91 00 FF 91 81 71 FE 40 00 42 00 01 00 D1 D6", "3B 88 80 01 00 00 05 E0 B3 81 A1 00 7F", "3F 02 14 50",
	} {
		f.Add([]byte(atr(f, s)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ATR(b).Parse()
		if err != nil {
			return
		}
		if got := rebuild(p, b[1]); !bytes.Equal(got, b) {
			t.Fatalf("%X was understood as %X", b, got)
		}
		if i := p.IFSC(); i < 0 || i > 255 {
			t.Fatalf("IFSC %d", i)
		}
		if p.Baud(3571200) < 0 || len(p.Protocols()) == 0 || slices.Contains(p.Protocols(), tGlobal) {
			t.Fatalf("baud %d, protocols %v", p.Baud(3571200), p.Protocols())
		}
		p.Specific()
		p.Waiting()
		p.CRC()
		p.GuardTime()
	})
}

func rebuild(p Answer, t0 byte) []byte {
	out := []byte{tsDirect, t0}
	if p.Inverse {
		out[0] = tsInverse
	}
	for _, g := range p.Groups {
		for _, b := range []Byte{g.TA, g.TB, g.TC, g.TD} {
			if b.Present {
				out = append(out, b.Value)
			}
		}
	}
	out = append(out, p.Historical...)
	if p.TCK.Present {
		out = append(out, p.TCK.Value)
	}
	return out
}
