package tlv

import (
	"encoding/hex"
	"testing"
)

func TestFactSheetExample(t *testing.T) {
	b := hexBytes(t, "ff2065df2108000e002000590064df220fe9bb92e6a190e38080e5b9b9e4b99fdf2336e69db1e4baace983bde6b885e780ace5b882e8a6b3e5b883e5ad90e58d97efbc91efbc92efbc8defbc97efbc8defbc92efbc90efbc92df24083139383030323137df250131ffffff")
	v, ok := Find(b, 0xFF20, 0xDF24)
	if !ok || string(v) != "19800217" {
		t.Fatalf("birth date %q %v", v, ok)
	}
}

func hexBytes(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
