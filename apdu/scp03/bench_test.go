package scp03

import (
	"bytes"
	"testing"

	"jukicard/apdu"
)

// benchCommand is the largest write in short form.
func benchCommand() apdu.Command {
	return apdu.Command{INS: apdu.INSUpdateBinary, Data: make([]byte, 239)}
}

func BenchmarkWrapCommand(b *testing.B) {
	for _, level := range levels {
		b.Run(level.String(), func(b *testing.B) {
			s, _ := variant{level, optionsS8, 16}.open(b)
			ch, c := s.ch(), benchCommand()
			b.SetBytes(int64(len(c.Data)))
			b.ReportAllocs()
			for b.Loop() {
				ch.out = ch.secureCommand(ch.out[:0], c, false)
			}
		})
	}
}

// BenchmarkExchange is one command and its answer, protected and opened on both sides.
func BenchmarkExchange(b *testing.B) {
	for _, size := range []int{16, 239} {
		b.Run(map[int]string{16: "16", 239: "239"}[size], func(b *testing.B) {
			host, card := full.open(b)
			h, k := host.ch(), card.ch()
			c := apdu.Command{INS: apdu.INSReadBinary, Ne: size}
			data, wire := bytes.Repeat([]byte{1}, size), make([]byte, 0, 512)
			b.ReportAllocs()
			for b.Loop() {
				h.out = h.secureCommand(h.out[:0], c, false)
				got, err := apdu.ParseCommand(h.out)
				if err != nil {
					b.Fatal(err)
				}
				if _, ok := k.openCommand(got); !ok {
					b.Fatal("the card refuses")
				}
				wire = k.secureResponse(wire[:0], apdu.Response{Data: data, SW: apdu.SWOK})
				r, _ := apdu.ParseResponse(wire)
				if !h.openResponse(r) {
					b.Fatal("the host refuses")
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	keys := aesKeys(16)
	card := newTestCard(keys, optionsS8)
	b.ReportAllocs()
	for b.Loop() {
		s, err := Open(b.Context(), card, Config{Find: Fixed(keys), Level: LevelFull})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
