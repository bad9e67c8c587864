package plan

import (
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
)

// TestSecuredIsTheChannels: the planner's own arithmetic is that of the channel at the
// level in which cards are issued, for every length that can occur.
func TestSecuredIsTheChannels(t *testing.T) {
	for n := range 4096 {
		if got, want := secured(n), scp03.LevelFull.CommandLen(scp03.S8, n); got != want {
			t.Fatalf("command data of %d bytes: counted %d, the channel sends %d", n, got, want)
		}
		if got, want := secured(n), scp03.LevelFull.ResponseLen(scp03.S8, n); got != want {
			t.Fatalf("response data of %d bytes: counted %d, the card sends %d", n, got, want)
		}
	}
}

// TestPayloadFillsTheFrame: the largest chunk is the channel's, it fits, and one byte
// more does not.
func TestPayloadFillsTheFrame(t *testing.T) {
	for frame := mac + block; frame <= 4096; frame++ {
		n := payload(frame)
		if want := scp03.LevelFull.Payload(scp03.S8, frame); n != want {
			t.Fatalf("frame of %d bytes: %d plain bytes, the channel takes %d", frame, n, want)
		}
		if secured(n) > frame || secured(n+1) <= frame {
			t.Fatalf("frame of %d bytes: %d plain bytes become %d, one more %d", frame, n, secured(n), secured(n+1))
		}
	}
}

// TestChunks are the two numbers of the physics sheet: 239 short, 2031 in 2048.
func TestChunks(t *testing.T) {
	for _, row := range []struct {
		name        string
		w           Wire
		write, read int
	}{
		{"short", Wire{}, 239, 239},
		{"extended to 2048", Wire{Extended: true, CommandData: 2048}, 2031, 0x7FFF},
		{"short although the card takes more", Wire{CommandData: 2048}, 239, 239},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.w.Chunk(); got != row.write {
				t.Errorf("writes %d bytes a command, want %d", got, row.write)
			}
			if got := row.w.ReadChunk(); got != row.read {
				t.Errorf("reads %d bytes a command, want %d", got, row.read)
			}
		})
	}
}

// TestCommandsHaveTheirLength counts the bytes of commands that are written out here.
func TestCommandsHaveTheirLength(t *testing.T) {
	long := Wire{Extended: true, CommandData: 2048}
	rows := []struct {
		name string
		got  Cost
		want Cost
	}{
		// 84 F0 80 0F 08 mac; 8-byte MAC and 9000.
		{"no data either way", Wire{}.secure(0, 0), Cost{1, 13, 10}},
		// 04 D6 .. .. 28: 17 bytes are padded to 32, and the MAC.
		{"seventeen bytes to the card", Wire{}.secure(17, 0), Cost{1, 4 + 1 + 32 + 8, 10}},
		{"the largest short chunk", Wire{}.secure(239, 0), Cost{1, 4 + 1 + 248, 10}},
		{"the largest extended chunk", long.secure(2031, 0), Cost{1, 4 + 3 + 2040, 10}},
		// 04 B0 .. .. 08 mac 00.
		{"the largest short answer", Wire{}.secure(0, 239), Cost{1, 4 + 1 + 8 + 1, 248 + 2}},
		{"a long answer in the extended form", long.secure(0, 9500), Cost{1, 4 + 3 + 8 + 2, 9504 + 8 + 2}},
		// 272 + 8 bytes do not fit 256: 61xx, then 00 C0 00 00 xx.
		{"an answer that GET RESPONSE completes", Wire{}.secure(5, 270), Cost{2, 4 + 1 + 24 + 1 + 5, 280 + 2 + 2}},
		{"the same in the extended form", long.secure(5, 270), Cost{1, 4 + 3 + 24 + 2, 280 + 2}},
		{"select and authenticate", Wire{}.open(10), Cost{3, 15 + 14 + 21, 2 + 34 + 2}},
		{"a write that begins where no short identifier reaches", Wire{}.update(256, 512), Cost{3, 13 + 16 + 4 + 1 + 248 + 4 + 1 + 40, 30}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if row.got != row.want {
				t.Errorf("got %+v, want %+v", row.got, row.want)
			}
		})
	}
}

// TestFormsFit: whatever is counted as short has fields of a short command, and the
// whole of a file goes out in the fewest commands.
func TestFormsFit(t *testing.T) {
	for _, w := range []Wire{{}, {Extended: true, CommandData: 2048}} {
		for n := 1; n <= 6000; n += 7 {
			c := w.update(0, n)
			if want := (n + w.Chunk() - 1) / w.Chunk(); c.APDUs != want {
				t.Fatalf("%+v: %d bytes take %d commands, the fewest are %d", w, n, c.APDUs, want)
			}
			largest := min(n, w.Chunk())
			if one := w.secure(largest, 0); !w.Extended && one.Sent > 5+apdu.MaxShortData {
				t.Fatalf("%d bytes make a short command of %d", largest, one.Sent)
			}
		}
	}
}
