package scp03

import (
	"fmt"
	"testing"
)

// The figures are those of Amendment D's lengths: C-MAC n+8 or n+16, C-DECRYPTION
// 16*(floor(n/16)+1) before that.
func TestPayload(t *testing.T) {
	for _, row := range []struct {
		level    Level
		mode     Mode
		frame    int
		command  int
		response int
	}{
		{LevelCMAC, S8, 255, 247, 255},
		{LevelCMAC, S16, 255, 239, 255},
		{LevelCMACCENC, S8, 255, 239, 255},
		{LevelCMACCENC, S16, 255, 223, 255},
		{LevelCMACRMAC, S8, 256, 248, 248},
		{LevelCMACRMAC, S16, 256, 240, 240},
		{LevelFull, S8, 256, 239, 239},
		{LevelFull, S16, 256, 239, 239},
		{LevelFull, S8, 2048, 2031, 2031},
		{LevelFull, S8, 65535, 65519, 65519},
		{LevelFull, S8, 65536, 65519, 65519},
		{LevelFull, S8, 24, 15, 15},
		{LevelFull, S8, 23, 0, 0},
		{LevelFull, S16, 15, 0, 0},
		{LevelCMAC, S8, 0, 0, 0},
	} {
		if got := row.level.Payload(row.mode, row.frame); got != row.command {
			t.Errorf("%v %v: %d bytes fit a command of %d, want %d", row.level, row.mode, got, row.frame, row.command)
		}
		if got := row.level.ResponsePayload(row.mode, row.frame); got != row.response {
			t.Errorf("%v %v: %d bytes fit a response of %d, want %d", row.level, row.mode, got, row.frame, row.response)
		}
	}
}

// What Payload says fits does fit, and a byte more does not.
func TestPayloadIsTheMost(t *testing.T) {
	for _, level := range levels {
		for _, mode := range []Mode{S8, S16} {
			for frame := 32; frame < 1200; frame++ {
				if n := level.Payload(mode, frame); level.CommandLen(mode, n) > frame || level.CommandLen(mode, n+1) <= frame {
					t.Errorf("%v %v: command of %d: %d", level, mode, frame, n)
				}
				if n := level.ResponsePayload(mode, frame); level.ResponseLen(mode, n) > frame || level.ResponseLen(mode, n+1) <= frame {
					t.Errorf("%v %v: response of %d: %d", level, mode, frame, n)
				}
			}
		}
	}
}

func TestLevels(t *testing.T) {
	valid := ""
	for l := range 256 {
		if Level(l).Valid() {
			valid += fmt.Sprint(Level(l), " ")
		}
	}
	if valid != "01 03 11 13 33 " {
		t.Errorf("valid levels %s", valid)
	}
	for _, row := range []struct {
		options Options
		mode    Mode
		serves  string
	}{
		{0x00, S8, "01 03 "},
		{0x10, S8, "01 03 "},
		{0x01, S16, "01 03 "},
		{0x20, S8, "01 03 11 13 "},
		{0x70, S8, "01 03 11 13 33 "},
		{0x61, S16, "01 03 11 13 33 "},
	} {
		serves := ""
		for l := range 256 {
			if row.options.Supports(Level(l)) {
				serves += fmt.Sprint(Level(l), " ")
			}
		}
		if serves != row.serves || row.options.Mode() != row.mode {
			t.Errorf("i=%02X: %v serves %s", byte(row.options), row.options.Mode(), serves)
		}
	}
}
