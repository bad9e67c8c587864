package simulator

import (
	"testing"

	"jukicard/apdu"
)

// TestRoomOfAnAnswer: Le bounds an answer in the clear; under secure messaging the
// form of the command does.
func TestRoomOfAnAnswer(t *testing.T) {
	for _, row := range []struct {
		name    string
		command apdu.Command
		want    int
	}{
		{"in the clear", apdu.Command{INS: apdu.INSReadBinary, Ne: 16}, 16},
		{"in the clear, nothing expected", apdu.Command{INS: apdu.INSVerify}, 0},
		{"JICSAP secure messaging", apdu.Command{CLA: classSM, INS: apdu.INSReadBinary, Ne: 16}, 16},
		{"protected, Le of plain bytes", apdu.Command{CLA: 0x04, INS: apdu.INSReadBinary, Ne: 16}, 256},
		{"protected, without Le", apdu.Command{CLA: 0x84, INS: apdu.INSSetStatus}, 256},
		{"protected, extended", apdu.Command{CLA: 0x04, INS: apdu.INSReadBinary, Ne: 1000, Extended: true}, 65536},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := room(row.command); got != row.want {
				t.Errorf("got %d, want %d", got, row.want)
			}
		})
	}
}
