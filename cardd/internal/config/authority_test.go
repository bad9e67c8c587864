package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// what an authority over a network needs, each in a file that is there.
func authorityFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"ca.pem": 0o644, "cert.pem": 0o644, "key.pem": 0o600, "secret": 0o600, "open.pem": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAuthoritySection(t *testing.T) {
	const tls = "ca_file = \"DIR/ca.pem\"\ncert_file = \"DIR/cert.pem\"\nkey_file = \"DIR/key.pem\"\n"
	const est, cmp = "kind = \"est\"\nurl = \"https://h\"\n" + tls, "kind = \"cmp\"\nurl = \"https://h/pkix\"\nissuers_file = \"DIR/ca.pem\"\n"
	const mac = "[authority.cmp]\nmac = \"pbm\"\nreference = \"r\"\nsecret_file = \"DIR/secret\"\n"
	tests := []struct {
		name, text string
		key        string // refused; empty: taken
	}{
		{"the embedded one", "kind = \"softca\"\n", ""},
		{"EST", est, ""},
		{"EST with labels", est + "[authority.est]\nsignature_label = \"s\"\n", ""},
		{"CMP by a secret", cmp + mac, ""},
		{"CMP on this machine", strings.Replace(cmp, "https", "http", 1) + mac, "authority.url"},
		{"CMP on this machine by its name", strings.Replace(cmp, "https://h", "http://localhost:829", 1) + mac, ""},
		{"CMP by signatures", cmp + tls + "[authority.cmp]\nserver = \"ca\"\n", ""},
		{"CMP by signatures of anybody", cmp + tls, "authority.cmp.server"},
		{"CMP without protection", cmp, "authority.cert_file"},
		{"CMP by a secret without its name", cmp + strings.Replace(mac, "reference = \"r\"\n", "", 1), "authority.cmp.reference"},
		{"CMP without issuers", "kind = \"cmp\"\nurl = \"https://h\"\n" + mac, "authority.issuers_file"},
		{"CMP by no known MAC", cmp + strings.Replace(mac, "\"pbm\"", "\"crc\"", 1), "authority.cmp.mac"},
		{"CMP by no known request", cmp + mac + "request = \"kur\"\n", "authority.cmp.request"},
		{"a secret that others can read", cmp + strings.Replace(mac, "DIR/secret", "DIR/open.pem", 1), "authority.cmp.secret_file"},
		{"EST without an address", strings.Replace(est, "url = \"https://h\"\n", "", 1), "authority.url"},
		{"EST in the clear", strings.Replace(est, "https://h", "http://localhost", 1), "authority.url"},
		{"EST without a certificate", "kind = \"est\"\nurl = \"https://h\"\nca_file = \"DIR/ca.pem\"\n", "authority.cert_file"},
		{"EST with a key that others can read", strings.Replace(est, "key.pem", "open.pem", 1), "authority.key_file"},
		{"EST with issuers that are not there", est + "issuers_file = \"DIR/none\"\n", "authority.issuers_file"},
		{"EST with a secret", est + mac, "authority.cmp.mac"},
		{"the embedded one for the next card", "algorithm = \"P-384\"\n", ""},
		{"the embedded one with keys of no known kind", "algorithm = \"P-256\"\n", "authority.algorithm"},
		{"EST with the embedded one's keys", strings.Replace(est, "url", "algorithm = \"P-384\"\nurl", 1), "authority.algorithm"},
		{"the embedded one with an address", "url = \"https://h\"\n", "authority.url"},
		{"no time at all", "timeout_seconds = 0\n", "authority.timeout_seconds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := authorityFiles(t)
			_, err := load(write(t, strings.ReplaceAll("[authority]\n"+tt.text, "DIR", dir)), nil, clerk)
			if tt.key == "" && err != nil || tt.key != "" && (err == nil || !strings.Contains(err.Error(), "cannot take "+tt.key+" from")) {
				t.Errorf("want %q refused, got %v", tt.key, err)
			}
		})
	}
}

func TestAuthorityFilesAreRead(t *testing.T) {
	dir := authorityFiles(t)
	a := Authority{CAFile: filepath.Join(dir, "ca.pem"), CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	var wrong *Error
	if _, _, err := a.Secured(); !errors.As(err, &wrong) || wrong.Key != "authority.ca_file" {
		t.Errorf("a file without certificates: got %v", err)
	}
	a.CAFile = ""
	if _, _, err := a.Secured(); !errors.As(err, &wrong) || wrong.Code != CodeKeyFile {
		t.Errorf("no certificate with its key: got %v", err)
	}
	if _, err := Certificates("authority.issuers_file", filepath.Join(dir, "none")); !errors.As(err, &wrong) || wrong.Key != "authority.issuers_file" {
		t.Errorf("no file: got %v", err)
	}
}
