package content

import (
	"context"
	"crypto/rsa"
	"testing"

	"jukicard/pki"
)

// counting counts the seals of a sealer.
type counting struct {
	pki.Sealer
	seals *int
}

func (c counting) Seal(ctx context.Context, s pki.Sealing, digestInfo []byte) ([]byte, error) {
	*c.seals++
	return c.Sealer.Seal(ctx, s, digestInfo)
}

// TestEachContentIsMadeOnce, and anew only when a key or certificate in it is another. A
// content that waits for a key is measured without a seal.
func TestEachContentIsMadeOnce(t *testing.T) {
	seals := 0
	s := source(t, "standard")
	s.Sealer = counting{s.Sealer, &seals}
	b := empty(t, s)
	everything := func() {
		t.Helper()
		if _, _, err := b.Wanted(t.Context(), []byte("key")); err != nil {
			t.Fatal(err)
		}
		for _, at := range b.places() {
			if _, err := b.Bytes(t.Context(), at.path); err != nil {
				t.Fatalf("%s: %v", at.path, err)
			}
		}
	}
	if _, _, err := b.Wanted(t.Context(), []byte("key")); err != nil || seals != 1 {
		t.Errorf("%d seals before there is a key, %v; text/signature alone waits for none", seals, err)
	}
	for path, n := range map[string]int{"jpki/sign-cert": 1805, "jpki/auth-cert": 1604} {
		b.SetCertificate(path, make([]byte, n))
	}
	for _, row := range []struct {
		name  string
		key   *rsa.PublicKey
		seals int
	}{{"both keys known", &keys()[2].PublicKey, 5}, {"the same again", &keys()[2].PublicKey, 5}, {"another key", &keys()[1].PublicKey, 10}} {
		b.SetKey("surface/card-key", row.key)
		b.SetKey("text/card-key", row.key)
		if row.name == "both keys known" {
			seals = 0
		}
		everything()
		everything()
		if seals != row.seals {
			t.Errorf("%s: %d seals, want %d", row.name, seals, row.seals)
		}
	}
	b.SetCertificate("jpki/sign-cert", make([]byte, 7))
	if out := bytesOf(t, b, "jpki/sign-cert"); len(out) != 7 {
		t.Errorf("another certificate was told, and %d bytes of the old one are given", len(out))
	}
}
