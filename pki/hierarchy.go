package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
)

// Hierarchy is what one JPKI-like hierarchy writes into its certificates. The
// shape is the same for all; the names and policies tell a laboratory from the
// real service. It is comparable.
type Hierarchy struct {
	Organization         string // O of both CAs: "JPKI"
	Agency               string // last OU of both CAs, in English
	Service              string // O of the CAs' alternative name, in Japanese
	ServiceAgency        string // last OU of the CAs' alternative name, in Japanese
	PolicySignature      string // certificate policy of 署名用, dotted; empty when not known
	PolicyAuthentication string // certificate policy of 利用者証明用, dotted; empty when not known
	CPS                  string // address of the certification practice statement
}

// Production is the hierarchy of the real 公的個人認証サービス (card fact sheet,
// 6.1 and 6.2), to judge its certificates by.
func Production() Hierarchy {
	return Hierarchy{
		Organization:         "JPKI",
		Agency:               "Japan Agency for Local Authority Information Systems",
		Service:              "公的個人認証サービス",
		ServiceAgency:        "地方公共団体情報システム機構",
		PolicySignature:      "1.2.392.200149.8.5.1.1.20",
		PolicyAuthentication: "1.2.392.200149.8.5.1.3.30",
		CPS:                  "http://www.jpki.go.jp/cps.html",
	}
}

// Test is the hierarchy of J-LIS test cards (card fact sheet, 6.1 and 6.2). That
// everything but organization and policy equals Production is inferred. Its
// policy for 利用者証明用 is not public, so it neither builds nor judges those.
func Test() Hierarchy {
	h := Production()
	h.Organization = "JPKI-TEST"
	h.PolicySignature = "1.2.392.200149.8.5.1.0.20"
	h.PolicyAuthentication = ""
	return h
}

// Lab is our own hierarchy, plainly a laboratory in every name it writes. Its
// policies are those that foreign clients know: the test policy for 署名用, and
// for 利用者証明用 the only one that is public. The CPS address cannot exist
// (RFC 2606, section 2).
func Lab() Hierarchy {
	return Hierarchy{
		Organization:         "JPKI-LAB",
		Agency:               "Laboratory without authority",
		Service:              "公的個人認証模擬環境",
		ServiceAgency:        "試験室",
		PolicySignature:      Test().PolicySignature,
		PolicyAuthentication: Production().PolicyAuthentication,
		CPS:                  "http://jpki-lab.invalid/cps.html",
	}
}

// words are what a purpose is called in names.
type words struct{ english, japanese string }

var purposeWords = map[Purpose]words{
	Signature:      {"JPKI for digital signature", "署名用"},
	Authentication: {"JPKI for user authentication", "利用者証明用"},
}

// caName is subject and issuer of a CA (card fact sheet, 6.1).
func (h Hierarchy) caName(p Purpose) name {
	return japan(
		attribute{oidOrganization, h.Organization},
		attribute{oidUnit, purposeWords[p].english},
		attribute{oidUnit, h.Agency})
}

// caAltName is the CA's name in Japanese (card fact sheet, 6.1).
func (h Hierarchy) caAltName(p Purpose) name {
	return japan(
		attribute{oidOrganization, h.Service},
		attribute{oidUnit, h.Service + purposeWords[p].japanese},
		attribute{oidUnit, h.ServiceAgency})
}

// policy is the certificate policy of a purpose.
func (h Hierarchy) policy(p Purpose) (x509.OID, error) {
	dotted := h.PolicySignature
	if p == Authentication {
		dotted = h.PolicyAuthentication
	}
	if dotted == "" {
		return x509.OID{}, fmt.Errorf("hierarchy %s: its certificate policy for %s is not known; set it", h.Organization, p)
	}
	oid, err := x509.ParseOID(dotted)
	if err != nil {
		return x509.OID{}, fmt.Errorf("hierarchy %s: certificate policy %q is not a dotted object identifier", h.Organization, dotted)
	}
	return oid, nil
}

// check refuses a hierarchy that cannot be written; 64 is the upper bound of O
// and OU (RFC 5280, appendix A.1, ub-organization-name).
func (h Hierarchy) check() error {
	for _, s := range []string{h.Organization, h.Agency, h.Service, h.ServiceAgency} {
		if !text(s, 64-len([]rune("利用者証明用"))) {
			return errors.New("hierarchy: each of its names must have 1 to 58 characters of text")
		}
	}
	if len(h.CPS) == 0 || len(h.CPS) > 200 || !ascii(h.CPS) {
		return errors.New("hierarchy: the CPS address must have 1 to 200 ASCII characters")
	}
	return nil
}
