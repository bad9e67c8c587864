package pki_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// today is when the tests take place.
var today = time.Date(2026, 4, 1, 9, 30, 0, 0, pki.JST)

func readCertificate(t testing.TB, path string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s is not PEM", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// The four published CA certificates, rebuilt: every byte that the CA signed is
// the same, so names, string types, dates, extensions, order and criticality are.
func TestPublishedCAsAreRebuiltByteForByte(t *testing.T) {
	tests := []struct {
		file    string
		purpose pki.Purpose
		size    int
	}{
		{"sign_ca_2015.pem", pki.Signature, 1301},
		{"sign_ca_2023.pem", pki.Signature, 1304},
		{"auth_ca_2015.pem", pki.Authentication, 1316},
		{"auth_ca_2023.pem", pki.Authentication, 1319},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			real := readCertificate(t, filepath.Join("testdata", "jpki", tt.file))
			pub := real.PublicKey.(*rsa.PublicKey)
			template, err := pki.Production().CATemplate(tt.purpose, pub, real.NotBefore, real.NotAfter)
			if err != nil {
				t.Fatal(err)
			}
			template.SerialNumber = real.SerialNumber
			// Signed with a key of ours, for theirs is not to be had.
			der, err := x509.CreateCertificate(rand.Reader, template, template, pub, pkitest.NewCard(t, 0).PrivateKey)
			if err != nil {
				t.Fatal(err)
			}
			built, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := hex.EncodeToString(built.RawTBSCertificate), hex.EncodeToString(real.RawTBSCertificate); got != want {
				t.Errorf("to be signed:\n got %s\nwant %s", got, want)
			}
			if len(der) != tt.size || len(real.Raw) != tt.size {
				t.Errorf("want %d bytes, built %d, published %d", tt.size, len(der), len(real.Raw))
			}
			if err := pki.Production().JudgeCA(real, tt.purpose, real.NotBefore); err != nil {
				t.Errorf("the published certificate is not accepted: %v", err)
			}
		})
	}
}

// lab is a CA pair and what they issue, without an authority around them.
type lab struct {
	h   pki.Hierarchy
	cas map[pki.Purpose]*x509.Certificate
}

const caKey = 7 // number of the test card whose key the test CAs have

func newLab(t testing.TB, h pki.Hierarchy) lab {
	t.Helper()
	l := lab{h, map[pki.Purpose]*x509.Certificate{}}
	key := pkitest.NewCard(t, caKey)
	for _, p := range []pki.Purpose{pki.Signature, pki.Authentication} {
		template, err := h.CATemplate(p, &key.PublicKey, pki.StartOfDay(today), pki.EndOfDay(today.AddDate(10, 0, -1)))
		if err != nil {
			t.Fatal(err)
		}
		template.SerialNumber = hexInt("0132C4AB")
		l.cas[p] = sign(t, template, template, key.PublicKey)
	}
	return l
}

func (l lab) issue(t testing.TB, r pki.Request) *x509.Certificate {
	t.Helper()
	template, err := l.h.Template(r, l.cas[r.Purpose])
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = hexInt("067C6A21")
	return sign(t, template, l.cas[r.Purpose], *template.PublicKey.(*rsa.PublicKey))
}

func sign(t testing.TB, template, parent *x509.Certificate, pub rsa.PublicKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &pub, pkitest.NewCard(t, caKey).PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// tlv is hexadecimal tag and content with the length in between, for goldens that
// are written by hand and share nothing with the code.
func tlv(tag, content string) string {
	n := len(content) / 2
	switch {
	case n < 0x80:
		return tag + hexByte(n) + content
	case n < 0x100:
		return tag + "81" + hexByte(n) + content
	default:
		return tag + "82" + hexByte(n>>8) + hexByte(n&0xFF) + content
	}
}

func hexInt(s string) *big.Int {
	n, _ := new(big.Int).SetString(s, 16)
	return n
}

func hexByte(n int) string { return hex.EncodeToString([]byte{byte(n)}) }

// rdn is one attribute of a name: its type's last byte and its string type.
func rdn(attribute, tag, value string) string {
	return tlv("31", tlv("30", "06035504"+attribute+tlv(tag, hex.EncodeToString([]byte(value)))))
}

const (
	c, l, o, ou, cn = "06", "07", "0a", "0b", "03" // 2.5.4.x
	printable, utf8 = "13", "0c"
)

type golden struct {
	oid      string
	critical bool
	value    string // hexadecimal
}

// compare holds extensions, their order included, against the golden ones.
func compare(t *testing.T, cert *x509.Certificate, want []golden) {
	t.Helper()
	for i, e := range cert.Extensions {
		if i >= len(want) {
			t.Errorf("extension %d: %v is one too many", i, e.Id)
			continue
		}
		if e.Id.String() != want[i].oid || e.Critical != want[i].critical {
			t.Errorf("extension %d: want %s critical %v, got %v critical %v", i, want[i].oid, want[i].critical, e.Id, e.Critical)
		}
		if got := hex.EncodeToString(e.Value); got != strings.ToLower(want[i].value) {
			t.Errorf("extension %v:\n got %s\nwant %s", e.Id, got, want[i].value)
		}
	}
	if len(cert.Extensions) < len(want) {
		t.Errorf("want %d extensions, got %d", len(want), len(cert.Extensions))
	}
}

func issuerAltName(h pki.Hierarchy, japanese string) string {
	return tlv("30", tlv("a4", tlv("30", rdn(c, printable, "JP")+rdn(o, utf8, h.Service)+
		rdn(ou, utf8, h.Service+japanese)+rdn(ou, utf8, h.ServiceAgency))))
}

func policies(oid, cps string) string {
	return tlv("30", tlv("30", oid+tlv("30", tlv("30", "06082b06010505070201"+tlv("16", hex.EncodeToString([]byte(cps)))))))
}

func other(x, value string) string {
	return tlv("a0", "060a2a83088c9b55080505"+x+tlv("a0", tlv(utf8, hex.EncodeToString([]byte(value)))))
}

func TestSignatureCertificateExtensions(t *testing.T) {
	h := pki.Production()
	lab := newLab(t, h)
	card := pkitest.NewCard(t, 0)
	r := pkitest.Request(t, "job-1", pki.Signature, card, today)
	p := r.Holder
	cert := lab.issue(t, r)
	compare(t, cert, []golden{
		{"2.5.29.15", true, "030206C0"},
		{"2.5.29.17", false, tlv("30", other("01", p.Name)+other("04", p.Birth)+other("03", p.Sex)+
			other("05", p.Address)+other("02", p.NameSubstituted)+other("06", p.AddressSubstituted))},
		{"2.5.29.32", true, policies("060b2a83088c9b550805010114", "http://www.jpki.go.jp/cps.html")},
		{"2.5.29.18", false, issuerAltName(h, "署名用")},
		{"2.5.29.31", false, tlv("30", tlv("30", tlv("a0", tlv("a0", tlv("a4", tlv("30",
			rdn(c, printable, "JP")+rdn(o, utf8, "JPKI")+rdn(ou, utf8, "JPKI for digital signature")+
				rdn(ou, utf8, "CRL Distribution Points")+rdn(ou, utf8, "Tokyo-to")+rdn(cn, utf8, "Kakuu-shiCRLDP")))))))},
		{"2.5.29.35", false, tlv("30", tlv("80", hex.EncodeToString(lab.cas[pki.Signature].SubjectKeyId)))},
		{"2.5.29.14", false, tlv("04", hex.EncodeToString(cert.SubjectKeyId))},
	})
	subject := tlv("30", rdn(c, printable, "JP")+rdn(l, utf8, "Tokyo-to")+rdn(l, utf8, "Kakuu-shi")+
		rdn(cn, utf8, "2026010203040500001TEST00001"))
	if got := hex.EncodeToString(cert.RawSubject); got != subject {
		t.Errorf("subject:\n got %s\nwant %s", got, subject)
	}
	if len(cert.SubjectKeyId) != 20 || hex.EncodeToString(cert.RawIssuer) != hex.EncodeToString(lab.cas[pki.Signature].RawSubject) {
		t.Error("want a SHA-1 key identifier and the CA's subject as issuer, verbatim")
	}
}

func TestAuthenticationCertificateExtensions(t *testing.T) {
	h := pki.Lab()
	lab := newLab(t, h)
	cert := lab.issue(t, pkitest.Request(t, "job-1", pki.Authentication, pkitest.NewCard(t, 0), today))
	compare(t, cert, []golden{
		{"2.5.29.15", true, "03020780"},
		{"2.5.29.32", true, policies("060b2a83088c9b55080501031e", "http://jpki-lab.invalid/cps.html")},
		{"2.5.29.18", false, issuerAltName(h, "利用者証明用")},
		{"2.5.29.31", false, tlv("30", tlv("30", tlv("a0", tlv("a0", tlv("a4", tlv("30",
			rdn(c, printable, "JP")+rdn(o, utf8, "JPKI-LAB")+rdn(ou, utf8, "JPKI for user authentication")+
				rdn(ou, utf8, "CRL Distribution Points")))))))},
		{"2.5.29.35", false, tlv("30", tlv("80", hex.EncodeToString(lab.cas[pki.Authentication].SubjectKeyId)))},
		{"2.5.29.14", false, tlv("04", hex.EncodeToString(cert.SubjectKeyId))},
	})
	subject := tlv("30", rdn(c, printable, "JP")+rdn(cn, utf8, "000001TESTCASE99999003A"))
	if got := hex.EncodeToString(cert.RawSubject); got != subject {
		t.Errorf("subject:\n got %s\nwant %s", got, subject)
	}
}

// The basic extensions of a CA have bytes that the fact sheet gives.
func TestCACertificateExtensions(t *testing.T) {
	h := pki.Lab()
	ca := newLab(t, h).cas[pki.Signature]
	name := tlv("30", rdn(c, printable, "JP")+rdn(o, utf8, "JPKI-LAB")+rdn(ou, utf8, "JPKI for digital signature")+
		rdn(ou, utf8, "Laboratory without authority"))
	compare(t, ca, []golden{
		{"2.5.29.15", true, "03020106"},
		{"2.5.29.17", false, issuerAltName(h, "署名用")},
		{"2.5.29.19", true, "30030101FF"},
		{"2.5.29.31", false, tlv("30", tlv("30", tlv("a0", tlv("a0", tlv("a4", name)))))},
		{"2.5.29.14", false, tlv("04", hex.EncodeToString(ca.SubjectKeyId))},
	})
	if hex.EncodeToString(ca.RawSubject) != name || hex.EncodeToString(ca.RawIssuer) != name {
		t.Error("subject or issuer is not the lab's name")
	}
}

// Validity is UTCTime, ending at 23:59:59 JST (17 0D "YYMMDD145959Z").
// From 2050 on it is GeneralizedTime, in the certificate and in what is asked for: a CA of
// twenty years that is made in 2030 needs it.
func TestValidityIsGeneralizedTimeFrom2050(t *testing.T) {
	from := today.AddDate(19, 0, 0)
	issuer := pkitest.NewIssuer(t, pki.Lab(), from)
	r := pkitest.Request(t, "job-1", pki.Authentication, pkitest.NewCard(t, 0), from)
	r.NotAfter = pki.EndOfDay(time.Date(2050, 1, 1, 0, 0, 0, 0, pki.JST))
	utc := func(s string) string { return tlv("17", hex.EncodeToString([]byte(s))) }
	generalized := func(s string) string { return tlv("18", hex.EncodeToString([]byte(s))) }
	for _, ca := range issuer.CAs() {
		der, err := pki.Lab().CertTemplate(r, ca)
		if err != nil {
			continue // the CA of the other purpose
		}
		if want := tlv("a4", tlv("a0", utc("450401003000Z"))+tlv("a1", generalized("20500101145959Z"))); !strings.Contains(hex.EncodeToString(der), want) {
			t.Errorf("asked for: want %s", want)
		}
		cert, err := issuer.Issue(der)
		if err != nil {
			t.Fatal(err)
		}
		if want := tlv("30", utc("450401003000Z")+generalized("20500101145959Z")); !strings.Contains(hex.EncodeToString(cert.RawTBSCertificate), want) {
			t.Errorf("issued: want %s", want)
		}
		if err := pki.Lab().Judge(cert, r, ca); err != nil {
			t.Error(err)
		}
	}
	if n := len(issuer.Issued()); n != 1 {
		t.Errorf("%d certificates", n)
	}
}

func TestValidityIsUTCTime(t *testing.T) {
	cert := newLab(t, pki.Lab()).issue(t, pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today))
	want := tlv("30", tlv("17", hex.EncodeToString([]byte("260401003000Z")))+tlv("17", hex.EncodeToString([]byte("300401145959Z"))))
	if !strings.Contains(hex.EncodeToString(cert.RawTBSCertificate), want) {
		t.Errorf("want validity %s", want)
	}
}
