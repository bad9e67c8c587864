package simulator

import (
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
)

// BenchmarkReadBinary16 is 16 bytes of a free file, as jCardSim's published figure of
// 2.3 million a second; the bound is 2.5 million on one core and no allocation.
func BenchmarkReadBinary16(b *testing.B) {
	c := newIssued(b, "standard")
	want(b, c, selectAP(aidJPKI), "9000")
	want(b, c, "00A4020C020006", "9000")
	command := mustHex("00B0000010")
	b.ReportAllocs()
	for b.Loop() {
		if len(c.Process(command)) != 18 {
			b.Fatal("wrong answer")
		}
	}
}

func BenchmarkReadBinary256BySFI(b *testing.B) {
	c := newIssued(b, "standard")
	want(b, c, selectAP(aidJPKI), "9000")
	command := mustHex("00B08A0000")
	b.ReportAllocs()
	for b.Loop() {
		if len(c.Process(command)) != 258 {
			b.Fatal("wrong answer")
		}
	}
}

func BenchmarkSelectAndVerify(b *testing.B) {
	c := newIssued(b, "standard")
	commands := [][]byte{mustHex(selectAP(aidText)), mustHex(verifyAPDU(0x11, textPIN)), mustHex(selectAP(aidJPKI))}
	b.ReportAllocs()
	for b.Loop() {
		for _, command := range commands {
			if len(c.Process(command)) != 2 {
				b.Fatal("wrong answer")
			}
		}
	}
}

func BenchmarkSign(b *testing.B) {
	c := newIssued(b, "standard")
	want(b, c, selectAP(aidText), "9000")
	command := mustHex("802A00000401020304" + "00")
	for b.Loop() {
		if len(c.Process(command)) != 258 {
			b.Fatal("wrong answer")
		}
	}
}

// BenchmarkUpdateBinary writes 239 bytes under SCP03 into a kept file: what one change
// costs until it is in the state file.
func BenchmarkUpdateBinary(b *testing.B) {
	for _, where := range []string{"memory", "file"} {
		b.Run(where, func(b *testing.B) {
			o := options()
			if where == "file" {
				o.StateFile = b.TempDir() + "/card.state"
			}
			c := newBlank(b, o)
			want(b, c, selectAP(aidSurface), "9000")
			s := openChannel(b, c, scp03.LevelFull)
			update := apdu.Command{INS: apdu.INSUpdateBinary, P1: 0x82, Data: make([]byte, 239)}
			b.SetBytes(int64(len(update.Data)))
			for b.Loop() {
				send(b, s, update)
			}
		})
	}
}
