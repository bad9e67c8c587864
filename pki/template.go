package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"time"
)

// Years of validity. UTCTime has two digits for them and says 1950 to 2049; from 2050 on it
// is GeneralizedTime (RFC 5280, 4.1.2.5).
const (
	yearFirst       = 1950
	yearGeneralized = 2050
	yearLast        = 9999
)

// idMax bounds Request.ID; ours.
const idMax = 200

// Template is the certificate asked for by r, ready for x509.CreateCertificate
// with ca as parent; only SerialNumber is left to the authority. Every extension
// stands in ExtraExtensions in the order of the real certificates (card fact
// sheet, 6.2):
//
//	署名用       keyUsage! subjectAltName certificatePolicies! issuerAltName CRL-DP AKI SKI
//	利用者証明用  keyUsage! certificatePolicies! issuerAltName CRL-DP AKI SKI
//
// where ! is critical. The order of policies before issuerAltName, and of AKI
// before SKI, is inferred; that 利用者証明用 follows suit is ours. Neither carries
// extended key usage, authority information access or basic constraints, for none
// is evidenced. The public key is that of r.CSR, which is verified first
// (ErrProof). Other errors name field and rule.
func (h Hierarchy) Template(r Request, ca *x509.Certificate) (*x509.Certificate, error) {
	csr, err := VerifyCSR(r.CSR)
	if err != nil {
		return nil, err
	}
	return h.template(r, csr, ca)
}

// template is Template for a CSR that is known to be good.
func (h Hierarchy) template(r Request, csr *x509.CertificateRequest, ca *x509.Certificate) (*x509.Certificate, error) {
	if err := h.checkRequest(r, csr, ca); err != nil {
		return nil, fmt.Errorf("cannot build a certificate: %v", err)
	}
	extensions, err := h.extensions(r, csr.PublicKey, ca)
	if err != nil {
		return nil, fmt.Errorf("cannot build a certificate: %v", err)
	}
	return &x509.Certificate{
		RawSubject:         subject(r).der(),
		NotBefore:          r.NotBefore.UTC(),
		NotAfter:           r.NotAfter.UTC(),
		SignatureAlgorithm: signatureAlgorithm(ca.PublicKey),
		PublicKey:          csr.PublicKey,
		ExtraExtensions:    extensions,
	}, nil
}

// subject is C=JP, L=prefecture, L=city, CN for 署名用 and C=JP, CN for
// 利用者証明用 (card fact sheet, 6.2).
func subject(r Request) name {
	cn := attribute{oidCommonName, r.CommonName}
	if r.Purpose == Authentication {
		return japan(cn)
	}
	return japan(attribute{oidLocality, r.Holder.Prefecture}, attribute{oidLocality, r.Holder.City}, cn)
}

func (h Hierarchy) extensions(r Request, pub crypto.PublicKey, ca *x509.Certificate) ([]pkix.Extension, error) {
	policy, err := h.policy(r.Purpose)
	if err != nil {
		return nil, err
	}
	out := []pkix.Extension{extKeyUsage(keyUsageBits(r.Purpose))}
	if r.Purpose == Signature {
		out = append(out, extHolder(r.Holder))
	}
	return append(out,
		extPolicy(policy, h.CPS),
		extAltName(oidIssuerAltName, h.caAltName(r.Purpose)),
		extCRLPoint(h.crlPoint(r)),
		extAuthorityKeyID(ca.SubjectKeyId),
		extSubjectKeyID(pub)), nil
}

// crlPoint names the list of a municipality (card fact sheet, 6.2, one source;
// PocketSign's published mock answer has a space before CRLDP). For
// 利用者証明用 it stops at the purpose, so that nothing of the holder's place is
// told; that is ours, the real one not being public.
func (h Hierarchy) crlPoint(r Request) name {
	n := japan(
		attribute{oidOrganization, h.Organization},
		attribute{oidUnit, purposeWords[r.Purpose].english},
		attribute{oidUnit, "CRL Distribution Points"})
	if r.Purpose == Authentication {
		return n
	}
	return append(n, attribute{oidUnit, r.Holder.Prefecture}, attribute{oidCommonName, r.Holder.City + "CRLDP"})
}

// checkRequest holds a request against every rule that the template relies on.
func (h Hierarchy) checkRequest(r Request, csr *x509.CertificateRequest, ca *x509.Certificate) error {
	if err := h.check(); err != nil {
		return err
	}
	if !text(r.ID, idMax) {
		return fmt.Errorf("request id: must have 1 to %d printable characters", idMax)
	}
	if err := checkCN(r.Purpose, r.CommonName); err != nil {
		return err
	}
	if got, err := AlgorithmOf(csr.PublicKey); err != nil || got != r.algorithm() {
		return fmt.Errorf("key: must be of %s, as the card's profile says", r.algorithm())
	}
	if csr.Subject.CommonName != r.CommonName {
		return errors.New("common name: must be the one that the card's request was signed for")
	}
	if r.Purpose == Signature {
		if err := r.Holder.Check(); err != nil {
			return err
		}
	}
	return h.checkCA(r, ca)
}

// checkCA wants the CA of the right purpose and long enough to outlive the request.
func (h Hierarchy) checkCA(r Request, ca *x509.Certificate) error {
	if ca == nil || string(ca.RawSubject) != string(h.caName(r.Purpose).der()) || len(ca.SubjectKeyId) == 0 {
		return fmt.Errorf("authority: must be the %s CA of %s", r.Purpose, h.Organization)
	}
	if err := checkValidity(r.NotBefore, r.NotAfter); err != nil {
		return err
	}
	if r.NotBefore.Before(ca.NotBefore) || r.NotAfter.After(ca.NotAfter) {
		return fmt.Errorf("validity: must lie within that of the CA, %s to %s; make a new CA",
			ca.NotBefore.Format(time.RFC3339), ca.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// checkValidity wants whole seconds of the years that a certificate can say (RFC 5280,
// 4.1.2.5) and an end at 23:59:59 JST, as in every published certificate.
func checkValidity(notBefore, notAfter time.Time) error {
	if !notBefore.Before(notAfter) {
		return errors.New("validity: must end after it begins")
	}
	if notBefore.UTC().Year() < yearFirst || notAfter.UTC().Year() > yearLast {
		return fmt.Errorf("validity: must lie in the years %d to %d", yearFirst, yearLast)
	}
	if notBefore.Nanosecond() != 0 || notAfter.Nanosecond() != 0 {
		return errors.New("validity: must be in whole seconds; truncate it")
	}
	if hh, mm, ss := notAfter.In(JST).Clock(); hh != 23 || mm != 59 || ss != 59 {
		return errors.New("validity: must end at 23:59:59 JST; use EndOfDay")
	}
	return nil
}

// EndOfDay is 23:59:59 JST of the day that t falls on in JST, when validity ends.
func EndOfDay(t time.Time) time.Time {
	y, m, d := t.In(JST).Date()
	return time.Date(y, m, d, 23, 59, 59, 0, JST)
}

// StartOfDay is 00:00:00 JST of the day that t falls on in JST.
func StartOfDay(t time.Time) time.Time {
	y, m, d := t.In(JST).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, JST)
}

// CATemplate is the self-signed certificate of the CA for a purpose, ready for
// x509.CreateCertificate with itself as parent; only SerialNumber is left. The
// extensions, in order: keyUsage! subjectAltName basicConstraints! CRL-DP SKI,
// with no AKI, no policies and no path length (card fact sheet, 6.1).
func (h Hierarchy) CATemplate(p Purpose, pub crypto.PublicKey, notBefore, notAfter time.Time) (*x509.Certificate, error) {
	if _, ok := purposeWords[p]; !ok {
		return nil, fmt.Errorf("cannot build a CA certificate: %v", errPurpose(p))
	}
	for _, err := range []error{h.check(), checkKey(pub), checkValidity(notBefore, notAfter)} {
		if err != nil {
			return nil, fmt.Errorf("cannot build a CA certificate: %v", err)
		}
	}
	return &x509.Certificate{
		RawSubject:         h.caName(p).der(),
		NotBefore:          notBefore.UTC(),
		NotAfter:           notAfter.UTC(),
		SignatureAlgorithm: signatureAlgorithm(pub),
		ExtraExtensions: []pkix.Extension{
			extKeyUsage(0x06),
			extAltName(oidSubjectAltName, h.caAltName(p)),
			extCA(),
			extCRLPoint(h.caName(p)),
			extSubjectKeyID(pub),
		},
	}, nil
}
