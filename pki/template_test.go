package pki_test

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

func TestTemplateRefuses(t *testing.T) {
	l := newLab(t, pki.Lab())
	tests := []struct {
		name string
		h    pki.Hierarchy
		ca   *x509.Certificate
		edit func(r *pki.Request)
		says string
	}{
		{"as is", l.h, l.cas[pki.Signature], func(*pki.Request) {}, ""},
		{"no ca", l.h, nil, func(*pki.Request) {}, "authority: must be the signature CA of JPKI-LAB"},
		{"ca of the other purpose", l.h, l.cas[pki.Authentication], func(*pki.Request) {}, "authority: must be the signature CA"},
		{"ca of another hierarchy", pki.Production(), l.cas[pki.Signature], func(*pki.Request) {}, "authority: must be the signature CA of JPKI"},
		{"holder of no name", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.Holder.Name = "" }, "holder name"},
		{"no id", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.ID = "" }, "request id"},
		{"id with a line break", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.ID = "a\nb" }, "request id"},
		{"other common name", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.CommonName = pkitest.CommonName(t, r.Purpose, 9) }, "signed for"},
		{"common name of the other purpose", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.CommonName = pkitest.CommonName(t, pki.Authentication, 1) }, "use SignatureCN"},
		{"common name with no date", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.CommonName = "9999" + r.CommonName[:8] + r.CommonName[12:] }, "use SignatureCN"},
		{"unknown purpose", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.Purpose = "encryption" }, `not "encryption"`},
		{"ends before it begins", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.NotAfter = r.NotBefore }, "end after"},
		{"half seconds", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.NotBefore = r.NotBefore.Add(1) }, "whole seconds"},
		{"ends at midnight", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.NotAfter = r.NotAfter.Add(time.Second) }, "use EndOfDay"},
		{"ends 23:59:59 elsewhere", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.NotAfter = r.NotAfter.Add(9 * time.Hour) }, "use EndOfDay"},
		{"after 9999", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.NotAfter = pki.EndOfDay(today.AddDate(8000, 0, 0)) }, "1950 to 9999"},
		{"before 1950", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.NotBefore = today.AddDate(-77, 0, 0) }, "1950 to 9999"},
		{"outlives the ca", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.NotAfter = pki.EndOfDay(today.AddDate(10, 0, 0)) }, "that of the CA"},
		{"begins before the ca", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.NotBefore = today.AddDate(0, 0, -1) }, "that of the CA"},
		{"unproven", l.h, l.cas[pki.Signature], func(r *pki.Request) { r.CSR = flip(r.CSR, 60) }, "not proven"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today)
			tt.edit(&r)
			_, err := tt.h.Template(r, tt.ca)
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("want %q, got %v", tt.says, err)
			}
			if strings.Contains(tt.says, "proven") != errors.Is(err, pki.ErrProof) {
				t.Errorf("ErrProof: %v", err)
			}
		})
	}
}

func TestAuthenticationCommonNameIsChecked(t *testing.T) {
	l := newLab(t, pki.Lab())
	for _, cn := range []string{"997794E9AGCIEG13221003B", "997794E9AGCIEG1322A003A", "997794e9AGCIEG13221003A", "997794E9AGCIEG3221003A"} {
		r := pkitest.Request(t, "job-1", pki.Authentication, pkitest.NewCard(t, 0), today)
		r.CommonName = cn
		if _, err := l.h.Template(r, l.cas[pki.Authentication]); err == nil || !strings.Contains(err.Error(), "use AuthenticationCN") {
			t.Errorf("%s: got %v", cn, err)
		}
	}
}

// What the public does not know is refused, not guessed.
func TestTestHierarchyHasNoAuthenticationPolicy(t *testing.T) {
	l := newLab(t, pki.Test())
	l.issue(t, pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today))
	r := pkitest.Request(t, "job-2", pki.Authentication, pkitest.NewCard(t, 0), today)
	if _, err := l.h.Template(r, l.cas[r.Purpose]); err == nil || !strings.Contains(err.Error(), "is not known") {
		t.Errorf("got %v", err)
	}
	if err := l.h.Judge(nil, r, l.cas[r.Purpose]); err == nil || !strings.Contains(err.Error(), "is not known") {
		t.Errorf("got %v", err)
	}
}

func TestHierarchyIsChecked(t *testing.T) {
	pub := &pkitest.NewCard(t, 0).PublicKey
	tests := []struct {
		name string
		edit func(h *pki.Hierarchy)
		says string
	}{
		{"no organization", func(h *pki.Hierarchy) { h.Organization = "" }, "hierarchy"},
		{"endless service", func(h *pki.Hierarchy) { h.Service = strings.Repeat("公", 60) }, "hierarchy"},
		{"CPS in Japanese", func(h *pki.Hierarchy) { h.CPS = "http://例.invalid/" }, "CPS"},
		{"no CPS", func(h *pki.Hierarchy) { h.CPS = "" }, "CPS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := pki.Lab()
			tt.edit(&h)
			if _, err := h.CATemplate(pki.Signature, pub, today, pki.EndOfDay(today)); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	h := pki.Lab()
	h.PolicySignature = "one.two"
	l := newLab(t, h)
	if _, err := h.Template(pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today), l.cas[pki.Signature]); err == nil || !strings.Contains(err.Error(), "dotted") {
		t.Errorf("got %v", err)
	}
}

func TestCATemplateRefuses(t *testing.T) {
	pub := &pkitest.NewCard(t, 0).PublicKey
	end := pki.EndOfDay(today)
	tests := []struct {
		name      string
		p         pki.Purpose
		pub       *rsa.PublicKey
		from, end time.Time
		says      string
	}{
		{"unknown purpose", "encryption", pub, today, end, "purpose"},
		{"no key", pki.Signature, nil, today, end, "public key"},
		{"exponent 3", pki.Signature, &rsa.PublicKey{N: pub.N, E: 3}, today, end, "exponent"},
		{"ends before it begins", pki.Signature, pub, end, today, "validity"},
		{"ends in the middle of a day", pki.Signature, pub, today, end.Add(-time.Minute), "validity"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := pki.Lab().CATemplate(tt.p, tt.pub, tt.from, tt.end); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("want %q, got %v", tt.says, err)
			}
		})
	}
}

func TestDaysAreJapanese(t *testing.T) {
	at := time.Date(2026, 3, 31, 15, 0, 0, 0, time.UTC) // midnight in Japan
	if got := pki.EndOfDay(at).UTC().Format(time.RFC3339); got != "2026-04-01T14:59:59Z" {
		t.Errorf("EndOfDay: %s", got)
	}
	if got := pki.StartOfDay(at.Add(23 * time.Hour)).UTC().Format(time.RFC3339); got != "2026-03-31T15:00:00Z" {
		t.Errorf("StartOfDay: %s", got)
	}
}
