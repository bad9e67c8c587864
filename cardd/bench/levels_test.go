package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// TestLevelsKeepToTheirFormula: every exchange of every length has the bytes that were
// computed.
func TestLevelsKeepToTheirFormula(t *testing.T) {
	for _, p := range protections() {
		t.Run(p.name, func(t *testing.T) {
			c, s, err := p.exchanges(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			if c.off != 0 || c.counted != c.computed || c.counted == 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestProtectionLengths has lengths worked out by hand.
func TestProtectionLengths(t *testing.T) {
	by := map[string]protection{}
	for _, p := range protections() {
		by[p.name] = p
	}
	for _, row := range []struct {
		name         string
		n, m         int
		sent, gotten int
	}{
		{"level_01_s8", 0, 0, 4 + 1 + 8, 2},
		{"level_01_s8", 247, 0, 4 + 1 + 255, 2},
		{"level_03_s8", 15, 5, 4 + 1 + 16 + 8 + 1, 5 + 2},
		{"level_03_s8", 16, 0, 4 + 1 + 32 + 8, 2},
		{"level_11_s8", 0, 0, 4 + 1 + 8, 8 + 2},
		{"level_13_s16", 239, 0, 4 + 1 + 240 + 16, 16 + 2},
		{"level_33_s8", 239, 0, 4 + 1 + 248, 8 + 2},
		{"level_33_s8", 0, 239, 4 + 1 + 8 + 1, 248 + 2},
		{"level_33_s16", 1, 1, 4 + 1 + 32 + 1, 32 + 2},
	} {
		if sent, gotten := by[row.name].length(row.n, row.m); sent != row.sent || gotten != row.gotten {
			t.Errorf("%s, %d for %d: %d and %d, want %d and %d", row.name, row.n, row.m, sent, gotten, row.sent, row.gotten)
		}
	}
	for name, want := range map[string][2]int{"level_01_s8": {247, 256}, "level_33_s8": {239, 239}, "level_33_s16": {223, 239}, "level_13_s8": {239, 248}} {
		if n, m := by[name].most(); n != want[0] || m != want[1] {
			t.Errorf("%s takes %d and gives %d, want %v", name, n, m, want)
		}
	}
}

// TestAWrongFormulaIsCounted: the section fails where the wire carries something else.
func TestAWrongFormulaIsCounted(t *testing.T) {
	p := protections()[0] // 01, taken for one that encrypts
	p.enc = true
	c, s, err := p.exchanges(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if c.off == 0 || c.counted >= c.computed {
		t.Errorf("%+v", c)
	}
	var out bytes.Buffer
	r := &report{to: &out}
	r.count("off", 1, "exchanges", atMost(0))
	if err := r.verdict(nil); err == nil || !strings.Contains(err.Error(), "off") {
		t.Errorf("%v", err)
	}
}

// TestBenchStores: both kinds of store open and derive.
func TestBenchStores(t *testing.T) {
	for _, kind := range storesMade {
		t.Run(kind.name, func(t *testing.T) {
			if soft, _ := filepath.Glob("/usr/lib/softhsm/libsofthsm2.so"); kind.name == "hsm" && len(soft) == 0 {
				t.Skip("SoftHSM is absent; install the Debian package softhsm2")
			}
			t.Setenv("SOFTHSM2_CONF", "")
			s, err := kind.make(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if keys, err := s.List(t.Context()); err != nil || len(keys) != 0 {
				t.Errorf("%v, %v", keys, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
