package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// identity writes a certificate and its key, and gives their paths.
func identity(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestTLSOfTheOtherSides(t *testing.T) {
	dir := t.TempDir()
	cert, key := identity(t, dir, "ours")
	_, foreign := identity(t, dir, "foreign")
	noise := filepath.Join(dir, "noise")
	if err := os.WriteFile(noise, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name                string
		u                   Upstream
		roots, certificates bool
		code, key           string
	}{
		{"nothing named", Upstream{}, false, false, "", ""},
		{"an authority", Upstream{CAFile: cert}, true, false, "", ""},
		{"all", Upstream{CAFile: cert, CertFile: cert, KeyFile: key}, true, true, "", ""},
		{"another's key", Upstream{CertFile: cert, KeyFile: foreign}, false, false, CodeKeyFile, "upstream.cert_file"},
		{"no authority in it", Upstream{CAFile: noise}, false, false, CodeValue, "upstream.ca_file"},
		{"an authority that is gone", Upstream{CAFile: filepath.Join(dir, "gone")}, false, false, CodeValue, "upstream.ca_file"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c, err := row.u.TLS()
			var e *Error
			switch {
			case row.code != "":
				if !errors.As(err, &e) || e.Code != row.code || e.Key != row.key {
					t.Errorf("got %v", err)
				}
			case err != nil || (c != nil) != (row.roots || row.certificates):
				t.Errorf("got %v, %v", c, err)
			case c != nil && ((c.RootCAs != nil) != row.roots || (len(c.Certificates) == 1) != row.certificates):
				t.Errorf("roots %v, %d certificates", c.RootCAs, len(c.Certificates))
			}
		})
	}
}
