package escpos

import (
	"slices"
	"strings"
	"testing"

	"jukicard/printer"
)

func TestDecode(t *testing.T) {
	rows := []struct {
		name   string
		bits   [4]byte
		online bool
		paper  Paper
		codes  []string
	}{
		{"ready", [4]byte{0x12, 0x12, 0x12, 0x12}, true, PaperEnough, nil},
		{"paper near its end", [4]byte{0x12, 0x12, 0x12, 0x1E}, true, PaperNearEnd, nil},
		{"paper out", [4]byte{0x1A, 0x32, 0x12, 0x7E}, false, PaperEnd, []string{"DLE EOT 4.5"}},
		{"paper out without the sensor's answer", [4]byte{0x1A, 0x32, 0x12, 0x12}, false, PaperEnd, []string{"DLE EOT 2.5"}},
		{"cover open", [4]byte{0x1A, 0x16, 0x12, 0x12}, false, PaperEnough, []string{"DLE EOT 2.2"}},
		{"cutter", [4]byte{0x3A, 0x52, 0x1A, 0x12}, false, PaperEnough, []string{"DLE EOT 3.3"}},
		{"mechanism", [4]byte{0x3A, 0x52, 0x16, 0x12}, false, PaperEnough, []string{"DLE EOT 3.2"}},
		{"beyond recovery, cover open", [4]byte{0x1A, 0x56, 0x32, 0x12}, false, PaperEnough, []string{"DLE EOT 3.5", "DLE EOT 2.2"}},
		{"hot", [4]byte{0x1A, 0x52, 0x52, 0x12}, false, PaperEnough, []string{"DLE EOT 3.6"}},
		{"feed button", [4]byte{0x1A, 0x1A, 0x12, 0x12}, false, PaperEnough, []string{"DLE EOT 2.3"}},
		{"an error without a name", [4]byte{0x1A, 0x52, 0x12, 0x12}, false, PaperEnough, []string{"DLE EOT 2.6"}},
		{"waits", [4]byte{0x3A, 0x12, 0x12, 0x12}, false, PaperEnough, []string{"DLE EOT 1.5"}},
		{"off line and no more", [4]byte{0x1A, 0x12, 0x12, 0x12}, false, PaperEnough, []string{"DLE EOT 1.3"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got := decode(row.bits)
			var codes []string
			for _, f := range got.Faults {
				codes = append(codes, f.Code)
			}
			if got.Online != row.online || got.Paper != row.paper || !slices.Equal(codes, row.codes) {
				t.Errorf("got %+v, want online %v, paper %v, faults %v", got, row.online, row.paper, row.codes)
			}
			want := printer.Supply{Name: "paper", Remaining: -1, Capacity: -1, Low: row.paper != PaperEnough}
			if row.paper == PaperEnd {
				want.Remaining = 0
			}
			if !slices.Equal(got.Supplies, []printer.Supply{want}) {
				t.Errorf("supplies %+v", got.Supplies)
			}
		})
	}
}

// TestFaultsSayWhatToDo: each names a state and a remedy.
func TestFaultsSayWhatToDo(t *testing.T) {
	for _, row := range faults {
		if !strings.Contains(row.fault.Text, ": ") || row.mask == 0 || row.question < 1 || row.question > questionsCount {
			t.Errorf("%+v", row)
		}
	}
	for p, want := range map[Paper]string{PaperEnough: "enough", PaperNearEnd: "near end", PaperEnd: "end"} {
		if p.String() != want {
			t.Errorf("%v, want %s", p, want)
		}
	}
}
