package order

import (
	"jukicard/apdu/secret"
	"testing"
)

// open shows a secret of an invented person.
func open(t testing.TB, s secret.Bytes) string {
	t.Helper()
	var out string
	if err := s.Lend(func(b []byte) error { out = string(b); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}
