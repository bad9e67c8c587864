package pki

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	derMin = 256   // so that DER begins 30 82, which OpenSC insists on (card fact sheet, 9)
	derMax = 65535 // two length bytes
)

// Objection is why a certificate must not be written to a card. It names the part
// and the rule, never a value, so that it may be logged.
type Objection struct {
	Part string // such as "key usage"
	Rule string // such as "must be digitalSignature and nonRepudiation, critical"
}

// Error is "cannot accept certificate: Part Rule".
func (o *Objection) Error() string { return "cannot accept certificate: " + o.Part + " " + o.Rule }

// rule is one thing looked at; a chain of them is a judgement.
type rule struct {
	holds      bool
	part, rule string
}

func firstBroken(rules []rule) error {
	for _, r := range rules {
		if !r.holds {
			return &Objection{r.part, r.rule}
		}
	}
	return nil
}

// Judge says whether cert is what r asked for and ca's to give, before it is
// written to a card, whoever answered: same key as the request, same subject,
// validity, key usage, policy and holder, not a CA, signed by ca with the algorithm of
// ca's key, in shape for the card. Whether it fits the card's file is for the plan, which
// knows the file. Extensions it does not know are let pass unless critical. It returns an
// *Objection for the first rule broken, or the ErrProof of r itself.
func (h Hierarchy) Judge(cert *x509.Certificate, r Request, ca *x509.Certificate) error {
	csr, err := VerifyCSR(r.CSR)
	if err != nil {
		return err
	}
	if err := h.checkRequest(r, csr, ca); err != nil {
		return fmt.Errorf("cannot judge a certificate: %v", err)
	}
	policy, err := h.policy(r.Purpose)
	if err != nil {
		return fmt.Errorf("cannot judge a certificate: %v", err)
	}
	if err := judgeShape(cert); err != nil {
		return err
	}
	rules := []rule{
		{equalKeys(csr.PublicKey, cert.PublicKey), "public key", "must be the one in the request"},
		{bytes.Equal(cert.RawSubject, subject(r).der()), "subject", "must be the one asked for"},
		{cert.NotBefore.Equal(r.NotBefore), "validity", "must begin when asked for"},
		{cert.NotAfter.Equal(r.NotAfter), "validity", "must end when asked for"},
		{cert.SignatureAlgorithm == signatureAlgorithm(ca.PublicKey), "signature algorithm", "must be " + signatureWords(signatureAlgorithm(ca.PublicKey))},
		{!cert.IsCA, "basic constraints", "must not make it a CA"},
		{equal(cert, extKeyUsage(keyUsageBits(r.Purpose))), "key usage", "must be " + keyUsageWords(r.Purpose) + ", critical"},
		{policyIs(cert, policy), "certificate policies", "must be the one policy of " + string(r.Purpose) + ", critical"},
		{len(cert.SubjectKeyId) > 0, "subject key identifier", "must be there"},
		{len(cert.AuthorityKeyId) == 0 || bytes.Equal(cert.AuthorityKeyId, ca.SubjectKeyId), "authority key identifier", "must name the CA's key"},
		{len(cert.UnhandledCriticalExtensions) == 0, "extensions", "must not be critical where unknown"},
		{bytes.Equal(cert.RawIssuer, ca.RawSubject), "issuer", "must be the CA's subject, byte for byte"},
		{cert.CheckSignatureFrom(ca) == nil, "signature", "must verify under the CA"},
	}
	if err := firstBroken(rules); err != nil {
		return err
	}
	return judgeHolder(cert, r)
}

// JudgeCA says whether ca may be written to a card as the CA of a purpose at a
// time: named as h names it, self-signed, a CA for certificates and lists, valid,
// in shape. It trusts nothing beyond that: where ca comes from is the caller's to
// know. It returns an *Objection.
func (h Hierarchy) JudgeCA(ca *x509.Certificate, p Purpose, at time.Time) error {
	if _, ok := purposeWords[p]; !ok {
		return fmt.Errorf("cannot judge a CA certificate: %v", errPurpose(p))
	}
	if err := judgeShape(ca); err != nil {
		return err
	}
	return firstBroken([]rule{
		{bytes.Equal(ca.RawSubject, h.caName(p).der()), "subject", "must be the " + string(p) + " CA of " + h.Organization},
		{bytes.Equal(ca.RawIssuer, ca.RawSubject), "issuer", "must be its own subject"},
		{ca.SignatureAlgorithm == signatureAlgorithm(ca.PublicKey), "signature algorithm", "must be " + signatureWords(signatureAlgorithm(ca.PublicKey))},
		{CheckKey(ca.PublicKey) == nil, "public key", "must not be one that can be broken"},
		{!at.Before(ca.NotBefore) && !at.After(ca.NotAfter), "validity", "must hold now"},
		{equal(ca, extCA()), "basic constraints", "must be CA without path length, critical"},
		{equal(ca, extKeyUsage(0x06)), "key usage", "must be keyCertSign and cRLSign, critical"},
		{len(ca.SubjectKeyId) > 0, "subject key identifier", "must be there"},
		{len(ca.UnhandledCriticalExtensions) == 0, "extensions", "must not be critical where unknown"},
		{ca.CheckSignatureFrom(ca) == nil, "signature", "must verify under its own key"},
	})
}

// judgeShape is what every certificate on the card must be.
func judgeShape(c *x509.Certificate) error {
	if c == nil || len(c.Raw) < derMin || len(c.Raw) > derMax || c.Raw[0] != 0x30 || c.Raw[1] != 0x82 {
		return &Objection{"encoding", "must be 256 to 65535 bytes of DER beginning 30 82"}
	}
	return firstBroken([]rule{
		{c.Version == 3, "version", "must be 3"},
		{c.SerialNumber.Sign() > 0 && c.SerialNumber.BitLen() < 160, "serial number", "must be positive and at most 20 bytes"},
		{checkKey(c.PublicKey) == nil, "public key", "must be RSA-2048 with exponent 65537, or on P-384"},
	})
}

func keyUsageWords(p Purpose) string {
	if p == Signature {
		return "digitalSignature and nonRepudiation"
	}
	return "digitalSignature alone"
}

// extension finds one by its type.
func extension(c *x509.Certificate, id asn1.ObjectIdentifier) (pkix.Extension, bool) {
	for _, e := range c.Extensions {
		if e.Id.Equal(id) {
			return e, true
		}
	}
	return pkix.Extension{}, false
}

// equal says whether c has the extension e, byte for byte and as critical.
func equal(c *x509.Certificate, e pkix.Extension) bool {
	got, ok := extension(c, e.Id)
	return ok && got.Critical == e.Critical && bytes.Equal(got.Value, e.Value)
}

func policyIs(c *x509.Certificate, policy x509.OID) bool {
	e, _ := extension(c, oidPolicies)
	return e.Critical && len(c.Policies) == 1 && c.Policies[0].Equal(policy)
}

// judgeHolder compares the six values one by one, to say which is wrong.
func judgeHolder(cert *x509.Certificate, r Request) error {
	if r.Purpose == Authentication {
		_, present := extension(cert, oidSubjectAltName)
		return firstBroken([]rule{{!present, "subject alternative name", "must be absent from an authentication certificate"}})
	}
	got, err := HolderOf(cert)
	if err != nil {
		return &Objection{"subject alternative name", "must be the six holder values in order"}
	}
	for _, o := range otherNames {
		if *o.value(&got) != *o.value(&r.Holder) {
			return &Objection{"holder " + o.field, "must be the one asked for"}
		}
	}
	return nil
}

// HolderOf reads the holder out of a 署名用 certificate, the six otherName values
// in their order; Prefecture and City come from the two L of the subject. It does
// not check what the values say.
func HolderOf(cert *x509.Certificate) (Holder, error) {
	var h Holder
	e, ok := extension(cert, oidSubjectAltName)
	if !ok || !readHolder(e.Value, &h) {
		return Holder{}, errors.New("cannot read the holder: the certificate has not the six otherName values of JPKI in order")
	}
	if l := cert.Subject.Locality; len(l) == 2 {
		h.Prefecture, h.City = l[0], l[1]
	}
	return h, nil
}

func readHolder(der []byte, h *Holder) bool {
	s := cryptobyte.String(der)
	var names cryptobyte.String
	if !s.ReadASN1(&names, cbasn1.SEQUENCE) || !s.Empty() {
		return false
	}
	for _, o := range otherNames {
		if !readOtherName(&names, o.oid(), o.value(h)) {
			return false
		}
	}
	return names.Empty()
}

// readOtherName takes one A0{OID, A0{UTF8String}} off names.
func readOtherName(names *cryptobyte.String, want asn1.ObjectIdentifier, value *string) bool {
	tag0 := cbasn1.Tag(0).ContextSpecific().Constructed()
	var entry, explicit, utf8 cryptobyte.String
	var id asn1.ObjectIdentifier
	ok := names.ReadASN1(&entry, tag0) &&
		entry.ReadASN1ObjectIdentifier(&id) && id.Equal(want) &&
		entry.ReadASN1(&explicit, tag0) && entry.Empty() &&
		explicit.ReadASN1(&utf8, cbasn1.UTF8String) && explicit.Empty()
	*value = string(utf8)
	return ok
}
