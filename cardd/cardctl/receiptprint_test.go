package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jukicard/cardd/internal/receipt"
	model "jukicard/simulator/escpos"
	"jukicard/simulator/lines"
)

// signed is a receipt in a file, and its station's public key beside it.
func signed(t *testing.T) (file, key string) {
	t.Helper()
	dir := t.TempDir()
	s, err := receipt.OpenSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Sign(receipt.Statement{
		Version: 1, Job: "20261123-000000-000001", Order: "LAB-1", Card: "0999000000000001", Profile: "mynumber-1", Product: "standard",
		Station: "窓口1", Started: time.Unix(1, 0), Finished: time.Unix(2, 0), Journal: strings.Repeat("ab", 32),
		Certificates: []receipt.Certificate{{On: "jpki/sign-cert", Serial: "0a1b", SHA256: strings.Repeat("cd", 32)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file, key = filepath.Join(dir, "receipt.cose"), filepath.Join(dir, "key.pem")
	for name, content := range map[string][]byte{file: b, key: s.Public()} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file, key
}

// TestPrintReceipt: what a receipt says comes out of a slip printer, once, and only when
// its signature holds.
func TestPrintReceipt(t *testing.T) {
	m := model.New(model.Options{})
	cable, err := lines.NewTCP(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cable.Unplug() })
	address := "tcp:" + strings.Fields(cable.Dialer().String())[1]
	file, key := signed(t)
	run := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &out, err: &errs}
		code := a.run(t.Context(), append([]string{"receipt", "print"}, args...))
		return code, out.String() + errs.String()
	}
	if code, said := run(file, "--key", key, "--slip", address); code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	slips := m.Slips()
	if len(slips) != 1 || slips[0].Rect.Dy() < 300 {
		t.Fatalf("%d slips", len(slips))
	}
	spoilt, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	spoilt[len(spoilt)/2] ^= 1
	other := filepath.Join(t.TempDir(), "spoilt.cose")
	if err := os.WriteFile(other, spoilt, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"a receipt that was changed": {other, "--key", key, "--slip", address},
		"no printer":                 {file, "--key", key},
		"two printers":               {file, "--key", key, "--slip", address, "--page", "ipp://localhost/printers/a"},
		"an address that is none":    {file, "--key", key, "--slip", "lpt1"},
		"a URI that is none":         {file, "--key", key, "--page", "http://localhost"},
	} {
		if code, said := run(args...); code == 0 || said == "" {
			t.Errorf("%s: exit %d, %q", name, code, said)
		}
	}
	if len(m.Slips()) != 1 {
		t.Error("a refused receipt was printed")
	}
}
