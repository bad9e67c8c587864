package pki_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// edit changes an extension of a template in place; nil removes it.
func edit(c *x509.Certificate, last int, f func(e *pkix.Extension)) {
	i := slices.IndexFunc(c.ExtraExtensions, func(e pkix.Extension) bool { return e.Id[len(e.Id)-1] == last })
	if f == nil {
		c.ExtraExtensions = slices.Delete(c.ExtraExtensions, i, i+1)
		return
	}
	f(&c.ExtraExtensions[i])
}

func value(hexadecimal string) func(e *pkix.Extension) {
	return func(e *pkix.Extension) { e.Value, _ = hex.DecodeString(hexadecimal) }
}

func uncritical(e *pkix.Extension) { e.Critical = false }

// Each row is an authority that answers something else than was asked.
func TestJudgeObjects(t *testing.T) {
	l := newLab(t, pki.Lab())
	card := pkitest.NewCard(t, 0)
	otherHolder := func(f func(h *pki.Holder)) func(c *x509.Certificate) {
		return func(c *x509.Certificate) {
			r := pkitest.Request(t, "job-1", pki.Signature, card, today)
			f(&r.Holder)
			other, err := l.h.Template(r, l.cas[pki.Signature])
			if err != nil {
				t.Fatal(err)
			}
			c.ExtraExtensions[1] = other.ExtraExtensions[1]
		}
	}
	tests := []struct {
		name string
		edit func(c *x509.Certificate)
		part string // empty: accepted
	}{
		{"as asked", func(*x509.Certificate) {}, ""},
		{"an extension more", func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}})
		}, ""},
		{"no issuer name", func(c *x509.Certificate) { edit(c, 18, nil) }, ""},
		{"no authority key", func(c *x509.Certificate) { edit(c, 35, nil); c.AuthorityKeyId = nil }, ""},
		{"an unknown critical extension", func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}})
		}, "extensions"},
		{"other subject", func(c *x509.Certificate) { c.RawSubject, _ = hex.DecodeString("3000") }, "subject"},
		{"begins later", func(c *x509.Certificate) { c.NotBefore = c.NotBefore.Add(time.Second) }, "validity"},
		{"ends a day later", func(c *x509.Certificate) { c.NotAfter = c.NotAfter.AddDate(0, 0, 1) }, "validity"},
		{"a ca", func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }, "basic constraints"},
		{"no key usage", func(c *x509.Certificate) { edit(c, 15, nil) }, "key usage"},
		{"key usage of authentication", func(c *x509.Certificate) { edit(c, 15, value("03020780")) }, "key usage"},
		{"key usage not critical", func(c *x509.Certificate) { edit(c, 15, uncritical) }, "key usage"},
		{"no policy", func(c *x509.Certificate) { edit(c, 32, nil) }, "certificate policies"},
		{"policy not critical", func(c *x509.Certificate) { edit(c, 32, uncritical) }, "certificate policies"},
		{"policy of production", func(c *x509.Certificate) {
			edit(c, 32, value(policies("060b2a83088c9b550805010114", "http://www.jpki.go.jp/cps.html")))
		}, "certificate policies"},
		{"no subject key identifier", func(c *x509.Certificate) { edit(c, 14, nil) }, "subject key identifier"},
		{"authority key of another", func(c *x509.Certificate) { edit(c, 35, value("3003800101")) }, "authority key identifier"},
		{"no holder", func(c *x509.Certificate) { edit(c, 17, nil) }, "subject alternative name"},
		{"five names", func(c *x509.Certificate) { edit(c, 17, value(tlv("30", other("01", "x")))) }, "subject alternative name"},
		{"names in numeric order", func(c *x509.Certificate) {
			edit(c, 17, value(tlv("30", other("01", "x")+other("02", "x")+other("03", "x")+other("04", "x")+other("05", "x")+other("06", "x"))))
		}, "subject alternative name"},
		{"other name", otherHolder(func(h *pki.Holder) { h.Name = "山田　次郎" }), "holder name"},
		{"other birth", otherHolder(func(h *pki.Holder) { h.Birth = "319800102" }), "holder birth"},
		{"other sex", otherHolder(func(h *pki.Holder) { h.Sex = "2" }), "holder sex"},
		{"other address", otherHolder(func(h *pki.Holder) { h.Address = strings.Replace(h.Address, "３４", "３５", 1) }), "holder address"},
		{"other substitution", otherHolder(func(h *pki.Holder) { h.NameSubstituted = "10000" }), "holder substitution in the name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := pkitest.Request(t, "job-1", pki.Signature, card, today)
			template, err := l.h.Template(r, l.cas[r.Purpose])
			if err != nil {
				t.Fatal(err)
			}
			template.SerialNumber = big.NewInt(77)
			tt.edit(template)
			cert := sign(t, template, l.cas[r.Purpose], card.PublicKey)
			objects(t, l.h.Judge(cert, r, l.cas[r.Purpose]), tt.part)
		})
	}
	t.Run("key of another card", func(t *testing.T) {
		r := pkitest.Request(t, "job-1", pki.Signature, card, today)
		other := pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 1), today)
		objects(t, l.h.Judge(l.issue(t, other), r, l.cas[r.Purpose]), "public key")
	})
	t.Run("signed by another", func(t *testing.T) {
		r := pkitest.Request(t, "job-1", pki.Signature, card, today)
		cert := l.issue(t, r)
		broken, err := x509.ParseCertificate(flip(cert.Raw, len(cert.Raw)-1))
		if err != nil {
			t.Fatal(err)
		}
		objects(t, l.h.Judge(broken, r, l.cas[r.Purpose]), "signature")
	})
	t.Run("names in an authentication certificate", func(t *testing.T) {
		r := pkitest.Request(t, "job-1", pki.Authentication, card, today)
		template, err := l.h.Template(r, l.cas[r.Purpose])
		if err != nil {
			t.Fatal(err)
		}
		template.SerialNumber, template.DNSNames = big.NewInt(77), []string{"card.invalid"}
		cert := sign(t, template, l.cas[r.Purpose], card.PublicKey)
		objects(t, l.h.Judge(cert, r, l.cas[r.Purpose]), "subject alternative name")
	})
	t.Run("nothing", func(t *testing.T) {
		r := pkitest.Request(t, "job-1", pki.Signature, card, today)
		objects(t, l.h.Judge(nil, r, l.cas[r.Purpose]), "encoding")
		objects(t, l.h.Judge(&x509.Certificate{}, r, l.cas[r.Purpose]), "encoding")
	})
}

// objects wants an Objection to a part that tells nothing of the holder.
func objects(t *testing.T, err error, part string) {
	t.Helper()
	var o *pki.Objection
	if part == "" {
		if err != nil {
			t.Errorf("want it accepted, got %v", err)
		}
		return
	}
	if !errors.As(err, &o) || o.Part != part {
		t.Fatalf("want an objection to %s, got %v", part, err)
	}
	h := pkitest.Person()
	for _, v := range []string{h.Name, h.Address, h.Birth, "山田", "次郎"} {
		if strings.Contains(err.Error(), v) {
			t.Errorf("the objection tells the holder's data")
		}
	}
}

func TestJudgeCAObjects(t *testing.T) {
	h, key := pki.Lab(), pkitest.NewCard(t, caKey)
	tests := []struct {
		name string
		at   time.Time
		p    pki.Purpose
		edit func(c *x509.Certificate)
		part string
	}{
		{"as it is", today, pki.Signature, func(*x509.Certificate) {}, ""},
		{"the other purpose", today, pki.Authentication, func(*x509.Certificate) {}, "subject"},
		{"not yet", today.AddDate(0, 0, -1), pki.Signature, func(*x509.Certificate) {}, "validity"},
		{"no more", today.AddDate(10, 0, 0), pki.Signature, func(*x509.Certificate) {}, "validity"},
		{"not a ca", today, pki.Signature, func(c *x509.Certificate) { edit(c, 19, value("3000")) }, "basic constraints"},
		{"with a path length", today, pki.Signature, func(c *x509.Certificate) { edit(c, 19, value("30060101FF020100")) }, "basic constraints"},
		{"cannot sign lists", today, pki.Signature, func(c *x509.Certificate) { edit(c, 15, value("03020204")) }, "key usage"},
		{"no key identifier", today, pki.Signature, func(c *x509.Certificate) { edit(c, 14, nil) }, "subject key identifier"},
		{"endless serial", today, pki.Signature, func(c *x509.Certificate) { c.SerialNumber = new(big.Int).Lsh(big.NewInt(1), 158) }, ""},
		{"SHA-384", today, pki.Signature, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA384WithRSA }, "signature algorithm"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			template, err := h.CATemplate(pki.Signature, &key.PublicKey, pki.StartOfDay(today), pki.EndOfDay(today.AddDate(9, 0, 0)))
			if err != nil {
				t.Fatal(err)
			}
			template.SerialNumber = big.NewInt(1)
			tt.edit(template)
			objects(t, h.JudgeCA(sign(t, template, template, key.PublicKey), tt.p, tt.at), tt.part)
		})
	}
	t.Run("signed by another key", func(t *testing.T) {
		template, err := h.CATemplate(pki.Signature, &key.PublicKey, pki.StartOfDay(today), pki.EndOfDay(today))
		if err != nil {
			t.Fatal(err)
		}
		template.SerialNumber = big.NewInt(1)
		objects(t, h.JudgeCA(sign(t, template, template, pkitest.NewCard(t, 0).PublicKey), pki.Signature, today), "signature")
	})
	if err := h.JudgeCA(nil, "encryption", today); err == nil || !strings.Contains(err.Error(), "purpose") {
		t.Errorf("unknown purpose: %v", err)
	}
}

func TestHolderOfReadsBack(t *testing.T) {
	l := newLab(t, pki.Lab())
	r := pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today)
	got, err := pki.HolderOf(l.issue(t, r))
	if err != nil || got != r.Holder {
		t.Errorf("want the holder asked for, got another (%v)", err)
	}
	a := pkitest.Request(t, "job-2", pki.Authentication, pkitest.NewCard(t, 0), today)
	if _, err := pki.HolderOf(l.issue(t, a)); err == nil {
		t.Error("an authentication certificate has a holder")
	}
}

// Whatever stands in the alternative name, reading gives an error or six values
// that are written back the same.
func FuzzHolderOf(f *testing.F) {
	l := newLab(f, pki.Lab())
	r := pkitest.Request(f, "job-1", pki.Signature, pkitest.NewCard(f, 0), today)
	template, err := l.h.Template(r, l.cas[r.Purpose])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(template.ExtraExtensions[1].Value)
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, der []byte) {
		san := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: der}
		h, err := pki.HolderOf(&x509.Certificate{Extensions: []pkix.Extension{san}})
		if err != nil {
			return
		}
		written := tlv("30", other("01", h.Name)+other("04", h.Birth)+other("03", h.Sex)+
			other("05", h.Address)+other("02", h.NameSubstituted)+other("06", h.AddressSubstituted))
		if written != hex.EncodeToString(der) && len(der) < 0xFFFF {
			t.Errorf("read %x\nwrote %s", der, written)
		}
	})
}
