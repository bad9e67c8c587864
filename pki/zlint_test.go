package pki_test

import (
	"crypto/x509"
	"testing"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// contradicted are the lints that the JPKI profile itself breaks, each with the
// reason. None of them is an error; nothing else may be a warning either.
var contradicted = map[string]string{
	"w_distribution_point_missing_ldap_or_uri": "JPKI names its lists in its own directory, which verifiers reach by contract, and gives no address (also in the published CA certificates)",
}

// TestZlint has zlint judge all four certificates by RFC 5280 and its kin. The
// rules of the public web (CA/Browser Forum, Mozilla, Apple) and of ETSI do not
// apply to JPKI: it has neither host names nor a place in browsers.
func TestZlint(t *testing.T) {
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{IncludeSources: lint.SourceList{
		lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC6960, lint.RFC6962, lint.RFC8813, lint.Community,
	}})
	if err != nil {
		t.Fatal(err)
	}
	card := pkitest.NewCard(t, 0)
	for name, h := range map[string]pki.Hierarchy{"lab": pki.Lab(), "production": pki.Production()} {
		l := newLab(t, h)
		for p, ca := range l.cas {
			judge(t, registry, name+" "+string(p)+" CA", ca)
			judge(t, registry, name+" "+string(p), l.issue(t, pkitest.Request(t, "job-1", p, card, today)))
		}
	}
	judge(t, registry, "published", readCertificate(t, "testdata/jpki/sign_ca_2023.pem"))
}

func judge(t *testing.T, registry lint.Registry, name string, cert *x509.Certificate) {
	t.Run(name, func(t *testing.T) {
		parsed, err := zx509.ParseCertificate(cert.Raw)
		if err != nil {
			t.Fatal(err)
		}
		judged := 0
		for lintName, result := range zlint.LintCertificateEx(parsed, registry).Results {
			if result.Status > lint.NA {
				judged++
			}
			allowed := contradicted[lintName] != "" && result.Status < lint.Error
			if result.Status >= lint.Warn && !allowed {
				t.Errorf("%s: %v %s", lintName, result.Status, result.Details)
			}
		}
		if judged < 40 {
			t.Errorf("only %d lints applied", judged)
		}
	})
}
