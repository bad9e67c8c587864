package pki_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"jukicard/pki"
)

func TestSignatureCN(t *testing.T) {
	at := time.Date(2026, 3, 31, 15, 4, 5, 0, time.UTC)
	tests := []struct {
		name   string
		t      time.Time
		seq    int
		window string
		want   string // empty: refused
	}{
		{"in JST", at, 42, "13221A001", "2026040100040500042" + "13221A001"},
		{"smallest sequence", at, 0, "000000000", "2026040100040500000000000000"},
		{"greatest sequence", at, 99999, "ZZZZZZZZZ", "2026040100040599999ZZZZZZZZZ"},
		{"sequence too great", at, 100000, "13221A001", ""},
		{"negative sequence", at, -1, "13221A001", ""},
		{"short window", at, 1, "13221A00", ""},
		{"long window", at, 1, "13221A0011", ""},
		{"lower case", at, 1, "13221a001", ""},
		{"full-width digit", at, 1, "13221A０", ""},
		{"year of five digits", at.AddDate(9000, 0, 0), 1, "13221A001", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := pki.SignatureCN(tt.t, tt.seq, tt.window)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("want %q, got %q, %v", tt.want, got, err)
			}
		})
	}
}

func TestAuthenticationCN(t *testing.T) {
	tests := []struct{ name, random, municipality, want string }{
		{"as on the test card", "997794E9AGCIEG", "13221", "997794E9AGCIEG13221003A"},
		{"short random", "997794E9AGCIE", "13221", ""},
		{"lower case", "997794e9AGCIEG", "13221", ""},
		{"municipality with check digit", "997794E9AGCIEG", "132217", ""},
		{"municipality with a letter", "997794E9AGCIEG", "1322A", ""},
		{"nothing", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := pki.AuthenticationCN(tt.random, tt.municipality)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("want %q, got %q, %v", tt.want, got, err)
			}
		})
	}
}

func TestCNRandom(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		r, err := pki.CNRandom(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pki.AuthenticationCN(r, "13221"); err != nil || seen[r] {
			t.Fatalf("%q: repeated or of no use: %v", r, err)
		}
		seen[r] = true
	}
	// 252 to 255 would make the first letters likelier and are drawn again.
	r, err := pki.CNRandom(bytes.NewReader([]byte{255, 0, 252, 35, 36, 71, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}))
	if err != nil || r != "0Z0Z123456789A" {
		t.Errorf("want 0Z0Z123456789A, got %q, %v", r, err)
	}
	for name, source := range map[string]io.Reader{
		"empty source":  bytes.NewReader(nil),
		"broken source": iotest.ErrReader(io.ErrClosedPipe),
		"stuck source":  stuck{},
	} {
		if _, err := pki.CNRandom(source); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

// stuck is a random source that only ever gives 255.
type stuck struct{}

func (stuck) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 255
	}
	return len(b), nil
}
