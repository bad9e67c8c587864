package softca

import (
	"testing"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// A plan counts bytes before there is a key; it must count right.
func TestSizeIsThatOfTheCertificate(t *testing.T) {
	a := open(t, newDir(t))
	for _, p := range []pki.Purpose{pki.Signature, pki.Authentication} {
		r := pkitest.Request(t, "job-"+string(p), p, pkitest.NewCard(t, 0), today)
		cert, err := a.Certify(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		r.CSR = nil
		if n, err := pki.Lab().Size(r, a.cas[p].cert); err != nil || n != len(cert.Raw) {
			t.Errorf("%s: want %d bytes, got %d, %v", p, len(cert.Raw), n, err)
		}
	}
	r := pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today)
	r.CommonName = ""
	if _, err := pki.Lab().Size(r, a.cas[pki.Signature].cert); err == nil {
		t.Error("measured a request without common name")
	}
	if _, err := pki.Lab().Size(pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today), nil); err == nil {
		t.Error("measured without a CA")
	}
}
