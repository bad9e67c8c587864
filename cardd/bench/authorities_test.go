package main

import (
	"os/exec"
	"strings"
	"testing"
)

// Each authority has its figure, and a time that is none of a failure.
func TestEveryAuthorityIsMeasured(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed: apt-get install openssl")
	}
	var out strings.Builder
	if err := measureAuthorities(t.Context(), &report{to: &out}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("want three figures, got\n%s", out.String())
	}
	for i, name := range []string{"softca", "est", "cmp"} {
		f := strings.Fields(lines[i])
		if len(f) != 4 || f[0] != "certificate_round_trip_"+name || f[1] == "0" || f[2] != "ms" {
			t.Errorf("%s: got %q", name, lines[i])
		}
	}
}

// The word comes in pieces, and is told of once.
func TestAWordIsHeard(t *testing.T) {
	h := &heard{word: "ACCEPT", there: make(chan struct{})}
	for i, piece := range []string{"x", "ACC", "EPT\n", "ACCEPT"} {
		if _, err := h.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-h.there:
			if i < 2 {
				t.Errorf("heard after %q", piece)
			}
		default:
			if i >= 2 {
				t.Errorf("not heard after %q", piece)
			}
		}
	}
}
