package est

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

var now = time.Date(2026, 4, 1, 9, 30, 0, 0, pki.JST)

// message is a certs-only message, with one part left out or another put in.
func message(t testing.TB, edit string, certs ...*x509.Certificate) []byte {
	t.Helper()
	tag0 := cbasn1.Tag(0).ContextSpecific().Constructed()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(tag0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(map[string]int64{"version": 7}[edit] + 1)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {})
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oidData)
					if edit == "content" {
						b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddASN1OctetString([]byte("x")) })
					}
				})
				b.AddASN1(tag0, func(b *cryptobyte.Builder) {
					for _, c := range certs {
						b.AddBytes(c.Raw)
					}
					if edit == "attribute certificate" {
						b.AddASN1(cbasn1.Tag(1).ContextSpecific().Constructed(), func(*cryptobyte.Builder) {})
					}
				})
				if edit == "lists" {
					b.AddASN1(cbasn1.Tag(1).ContextSpecific().Constructed(), func(*cryptobyte.Builder) {})
				}
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
					if edit == "signer" {
						b.AddASN1(cbasn1.SEQUENCE, func(*cryptobyte.Builder) {})
					}
				})
			})
		})
	})
	return b.BytesOrPanic()
}

func TestParseCertsOnly(t *testing.T) {
	cas := pkitest.NewIssuer(t, pki.Lab(), now).CAs()
	good := message(t, "", cas...)
	tests := []struct {
		name string
		der  []byte
		want int // certificates; 0: refused
	}{
		{"two certificates", good, 2},
		{"lists of revoked ones beside", message(t, "lists", cas...), 2},
		{"none", message(t, ""), 0},
		{"sixteen", message(t, "", slices.Repeat(cas, 8)...), 16},
		{"eighteen", message(t, "", slices.Repeat(cas, 9)...), 0},
		{"a signer", message(t, "signer", cas...), 0},
		{"content", message(t, "content", cas...), 0},
		{"another version", message(t, "version", cas...), 0},
		{"an attribute certificate", message(t, "attribute certificate", cas...), 0},
		{"nothing", nil, 0},
		{"a byte more", append(bytes.Clone(good), 0), 0},
		{"cut off", good[:len(good)-1], 0},
		{"a certificate alone", cas[0].Raw, 0},
		{"indefinite length", append([]byte{0x30, 0x80}, good[4:]...), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseCertsOnly(tt.der)
			if (err == nil) != (tt.want > 0) || len(got) != tt.want {
				t.Errorf("want %d certificates, got %d, %v", tt.want, len(got), err)
			}
		})
	}
}

// What openssl writes is read.
func TestParseCertsOnlyOfOpenSSL(t *testing.T) {
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: apt-get install openssl")
	}
	var text []byte
	cas := pkitest.NewIssuer(t, pki.Lab(), now).CAs()
	for _, c := range cas {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	file := filepath.Join(t.TempDir(), "cas.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	der, err := exec.Command(path, "crl2pkcs7", "-nocrl", "-certfile", file, "-outform", "DER").Output()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseCertsOnly(der)
	if err != nil || len(got) != 2 || !got[0].Equal(cas[0]) || !got[1].Equal(cas[1]) {
		t.Errorf("got %d certificates, %v", len(got), err)
	}
}

func TestReadAnswers(t *testing.T) {
	body := base64.StdEncoding.EncodeToString(message(t, "", pkitest.NewIssuer(t, pki.Lab(), now).CAs()...))
	tests := []struct {
		name, kind, body string
		code             int
		says             string // empty: certificates
	}{
		{"as it should be", "application/pkcs7-mime; smime-type=certs-only", body, 200, ""},
		{"in lines", "application/pkcs7-mime", body[:64] + "\r\n" + body[64:128] + "\n" + body[128:], 200, ""},
		{"another type", "text/html", body, 200, "another type"},
		{"no type", "", body, 200, "another type"},
		{"no base64", "application/pkcs7-mime", "?" + body, 200, "base64"},
		{"DER", "application/pkcs7-mime", "\x30\x82", 200, "base64"},
		{"too much", "application/pkcs7-mime", strings.Repeat("A", bodyMax+1), 200, "at most"},
		{"elsewhere", "", "", 302, "refuses: HTTP status 302, without a word"},
		{"refused", "text/plain", "no\x1b[31m more\nthan this", 403, `refuses: HTTP status 403, "no [31m more than this"`},
		{"busy", "", "", 503, "takes no questions now: HTTP status 503"},
		{"too often", "", "", 429, "takes no questions now: HTTP status 429"},
		{"the key is worked on", "", "", 409, "may have issued a certificate before: HTTP status 409"},
		{"the key had another question", "", "", 422, "may have issued a certificate before: HTTP status 422"},
		{"failed", "", "", 500, "failed with HTTP status 500"},
		{"a gateway's guess", "", "", 504, "failed with HTTP status 504"},
		{"empty", "", "", 204, "failed with HTTP status 204"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			certs, err := read(&http.Response{StatusCode: tt.code, Header: http.Header{"Content-Type": {tt.kind}}, Body: readCloser(tt.body)})
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("want %q, got %d certificates, %v", tt.says, len(certs), err)
			}
		})
	}
}

type body struct{ *strings.Reader }

func readCloser(s string) body { return body{strings.NewReader(s)} }

func (body) Close() error { return nil }

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "0": 0, "": time.Minute, "soon": time.Minute, "-5": time.Minute, "99999999": 24 * time.Hour,
		now.Add(90 * time.Second).UTC().Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).UTC().Format(http.TimeFormat):       0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: want %v, got %v", value, want, got)
		}
	}
}

func FuzzParseCertsOnly(f *testing.F) {
	cas := pkitest.NewIssuer(f, pki.Lab(), now).CAs()
	for _, edit := range []string{"", "lists", "signer", "content", "version"} {
		f.Add(message(f, edit, cas...))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		certs, err := parseCertsOnly(der)
		if (err == nil) != (len(certs) > 0) || len(certs) > certificatesMax {
			t.Errorf("%d certificates, %v", len(certs), err)
		}
	})
}

func TestAddresses(t *testing.T) {
	for address, good := range map[string]bool{
		"https://ca.example": true, "https://ca.example:8443/": true, "https://ca.example/.well-known/est": true, "https://[::1]:8443/.well-known/est/": true,
		"http://ca.example": false, "ca.example": false, "https://": false, "https://u:p@ca.example": false, "https://ca.example/est": false, "https://ca.example?x": false, "": false,
	} {
		_, err := NewClient(address, clientTLS(), time.Second)
		if (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := NewClient("https://ca.example", nil, time.Second); err == nil {
		t.Error("a client without a certificate")
	}
}

// TLS that believes whoever answers is none.
func TestTheServerIsVerified(t *testing.T) {
	secured := clientTLS()
	secured.InsecureSkipVerify = true
	if _, err := NewClient("https://ca.example", secured, time.Second); err == nil || !strings.Contains(err.Error(), "must verify") {
		t.Errorf("got %v", err)
	}
}

func clientTLS() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{{0}}}}}
}
