package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
)

// sizeSerial has the eight bytes that the embedded authority's serial numbers have.
var sizeSerial = new(big.Int).Lsh(big.NewInt(1), 62)

// sizeKey stands in for card and authority where only lengths count; it signs
// nothing that leaves Size. Its primes are known to everybody, 2^1024 - 105 and
// 3 * 2^1022 + 1037: drawing two of its own would be half of what a daemon does before
// it goes on with a card.
var sizeKey = sync.OnceValues(func() (*rsa.PrivateKey, error) {
	one := big.NewInt(1)
	p := new(big.Int).Sub(new(big.Int).Lsh(one, 1024), big.NewInt(105))
	q := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(3), 1022), big.NewInt(1037))
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, Primes: []*big.Int{p, q}}
	k.D = new(big.Int).ModInverse(big.NewInt(int64(k.E)), phi)
	k.Precompute()
	return k, k.Validate()
})

// sizePoint is the same on P-384: its scalar is one.
var sizePoint = sync.OnceValue(func() *ecdsa.PrivateKey {
	one := make([]byte, coordinate)
	one[coordinate-1] = 1
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), one)
	if err != nil {
		panic("internal error: one is a scalar of P-384: " + err.Error())
	}
	return k
})

// Size is the length in bytes of the DER certificate that r will become under ca:
// exact for an authority with an RSA key whose serial numbers have eight bytes, and near
// it for another. r.CSR is not looked at. A plan counts with it before there is a key.
func (h Hierarchy) Size(r Request, ca *x509.Certificate) (int, error) {
	key, err := sizeKey()
	if err != nil {
		return 0, fmt.Errorf("cannot measure certificate: %w", err)
	}
	// A CSR is not signed only to be verified: that is most of what measuring takes.
	csr := &x509.CertificateRequest{Subject: pkix.Name{CommonName: r.CommonName}, PublicKey: &key.PublicKey}
	if r.algorithm() == P384 {
		csr.PublicKey = sizePoint().Public()
	}
	template, err := h.template(r, csr, ca)
	if err != nil {
		return 0, err
	}
	template.SerialNumber = sizeSerial
	var signer crypto.Signer = key
	if template.SignatureAlgorithm == x509.ECDSAWithSHA384 {
		signer = sizePoint()
	}
	parent := *ca
	parent.PublicKey = signer.Public()
	der, err := x509.CreateCertificate(rand.Reader, template, &parent, template.PublicKey, signer)
	if err != nil {
		return 0, fmt.Errorf("cannot measure certificate: %w", err)
	}
	return len(der), nil
}
