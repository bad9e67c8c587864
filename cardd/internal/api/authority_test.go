package api_test

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/cardd/client"
)

// A verifier on a TCP port asks through the client: openssl by OCSP, for the CA's own number,
// which is none of a certificate that was issued.
func TestStatusOverHTTP(t *testing.T) {
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: apt-get install openssl")
	}
	s := serve(t, true)
	site := httptest.NewServer(s.Status())
	defer site.Close()
	der, err := s.Issuer(t.Context(), "signature")
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "ocsp", "-nonce", "-issuer", ca, "-CAfile", ca, "-serial", "0x4711", "-url", site.URL+"/ocsp").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Response verify OK") || !strings.Contains(string(out), "0x4711: unknown") {
		t.Errorf("openssl ocsp: %v\n%s", err, out)
	}
	for path, want := range map[string]int{
		"/ca/signature": 200, "/crl/authentication": 200, "/crl/encryption": 404, "/doubts": 404, "/v1/jobs": 404, "/../jobs": 404, "/": 404,
	} {
		answer, err := http.Get(site.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: want %d, got %d", path, want, answer.StatusCode)
		}
	}
}

func TestAuthorityRefuses(t *testing.T) {
	s := serve(t, true)
	tests := []struct {
		name   string
		do     func() error
		status int
		code   string
	}{
		{"no such doubt", func() error { _, err := s.Settle(t.Context(), "x", "Sato", ""); return err }, 404, "PKI-AUTHORITY-NO-DOUBT"},
		{"no certificate", func() error { _, err := s.Settle(t.Context(), "x", "Sato", "x"); return err }, 422, "API-REQUEST"},
		{"nobody says so", func() error { _, err := s.Settle(t.Context(), "x", "", ""); return err }, 422, "API-REQUEST"},
		{"no serial number", func() error { _, err := s.Revoked(t.Context(), "xyz", 0, "Sato"); return err }, 422, "API-REQUEST"},
		{"no reason", func() error { _, err := s.Revoked(t.Context(), "1", 8, "Sato"); return err }, 422, "API-REQUEST"},
		{"no such card", func() error { _, err := s.Happened(t.Context(), "1", "card-ended", "Sato"); return err }, 404, "PKI-NO-CERTIFICATE"},
		{"no event", func() error { _, err := s.Happened(t.Context(), "1", "holiday", "Sato"); return err }, 422, "API-REQUEST"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f *client.Failure
			if err := tt.do(); !errors.As(err, &f) || f.Status != tt.status || f.Code != tt.code {
				t.Errorf("want %d %s, got %v", tt.status, tt.code, err)
			}
		})
	}
	if list, err := s.Doubts(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("got %v, %v", list, err)
	}
}
