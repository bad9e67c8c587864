package escpos

import (
	"bytes"
	"slices"
	"testing"
)

func TestAnswers(t *testing.T) {
	rows := []struct {
		name string
		in   []byte
		want []answer
		held int // bytes kept for later
	}{
		{"nothing", nil, nil, 0},
		{"status", []byte{0x12}, []answer{{kind: realTime, status: 0x12}}, 0},
		{"status with everything on", []byte{0x7E}, []answer{{kind: realTime, status: 0x7E}}, 0},
		{"identifier", []byte("\x37\x22P001\x00"), []answer{{kind: processID, id: "P001"}}, 0},
		{"half an identifier", []byte("\x37\x22P0"), nil, 4},
		{"identifier of three", []byte("\x37\x22P01\x00"), nil, 0},
		{"cleared", []byte{0x37, 0x25, 0}, []answer{{kind: cleared}}, 0},
		{"another block", []byte("\x37\x21abc\x00\x12"), []answer{{kind: realTime, status: 0x12}}, 0},
		{"an empty block", []byte{0x37, 0}, nil, 0},
		{"paper from the queue", []byte{0x0C}, []answer{{kind: queued, status: 0x0C}}, 0},
		{"status of its own accord", []byte{0x14, 0x00, 0x00, 0x0F, 0x12}, []answer{{kind: realTime, status: 0x12}}, 0},
		{"half a status of its own accord", []byte{0x14, 0x00}, nil, 2},
		{"xon, xoff and noise", []byte{0x11, 0x13, 0xFF, 0x12}, []answer{{kind: realTime, status: 0x12}}, 0},
		{"all at once", []byte("\x12\x37\x22C999\x00\x00\x37\x25\x00"), []answer{{kind: realTime, status: 0x12}, {kind: processID, id: "C999"}, {kind: queued}, {kind: cleared}}, 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var s scanner
			if got := s.push(row.in); !slices.Equal(got, row.want) || len(s.held) != row.held {
				t.Errorf("got %+v and %d held, want %+v and %d", got, len(s.held), row.want, row.held)
			}
		})
	}
}

// TestEndlessBlock: a header in the midst of noise does not swallow what follows.
func TestEndlessBlock(t *testing.T) {
	var s scanner
	got := s.push(append([]byte{blockHeader}, bytes.Repeat([]byte{0xFF}, 200)...))
	got = append(got, s.push([]byte{0x12})...)
	if len(got) != 1 || got[0].kind != realTime {
		t.Errorf("got %+v", got)
	}
}

// FuzzAnswers: however the bytes are cut, the answers are the same.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("\x12\x37\x22P001\x00\x14\x00\x00\x00\x0C\x37\x25\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var whole, bytewise scanner
		want := whole.push(in)
		var got []answer
		for _, b := range in {
			got = append(got, bytewise.push([]byte{b})...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("whole %+v, byte by byte %+v", want, got)
		}
		if len(whole.held) > blockMax {
			t.Errorf("%d bytes held", len(whole.held))
		}
	})
}
