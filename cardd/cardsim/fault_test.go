package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"jukicard/simulator"
)

func TestFaultScript(t *testing.T) {
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, []byte("at 9 torn 3 # a write\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, wish, want string }{
		{"its text", "at 37 torn 120; from 90 lost-after", "at 37 torn 120\nfrom 90 lost-after\n"},
		{"a file", file, "at 9 torn 3\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, err := faultScript(row.wish)
			if err != nil || s.String() != row.want {
				t.Errorf("got %q, %v", s, err)
			}
		})
	}
	one, err := faultScript("seed:7")
	if err != nil || len(one) == 0 {
		t.Fatalf("a seed gives %v, %v", one, err)
	}
	if again, _ := faultScript("seed:7"); again.String() != one.String() {
		t.Error("the same seed gives another script")
	}
	for _, wish := range []string{"seed:", "seed:-1", "at 0 torn 1", "at 1", "nowhere"} {
		if s, err := faultScript(wish); err == nil {
			t.Errorf("%q was taken as %v", wish, s)
		}
	}
}

// TestMishapsAreTold, each once and as a line that does it again.
func TestMishapsAreTold(t *testing.T) {
	card, err := simulator.NewBlank(simulator.Options{CardID: "0999000000000108", LabKey: simulator.LabTestKey})
	if err != nil {
		t.Fatal(err)
	}
	script, err := faultScript("at 2 lost-after; at 3 stalled; at 5 pulled 0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	end() // a stalled card is taken out at once
	var out bytes.Buffer
	removed := 0
	m := misbehave(ctx, card, script, &out, func() { removed++ })
	selectDomain := []byte{0x00, 0xA4, 0x04, 0x00}
	for n, answered := range []bool{true, false, false, true, false} {
		if got := m.Process(selectDomain); (got != nil) != answered {
			t.Errorf("command %d: answer %X", n+1, got)
		}
		m.PowerOff()
	}
	const want = `fault: at 2 lost-after # SELECT 00A40400, 4 bytes: answered 9000
fault: at 3 stalled # SELECT 00A40400, 4 bytes
card 0999000000000108 pulled out at command 5
fault: at 5 pulled 0 # SELECT 00A40400, 4 bytes
`
	if out.String() != want || removed != 1 {
		t.Errorf("told\n%swant\n%sremoved %d times", &out, want, removed)
	}
}
