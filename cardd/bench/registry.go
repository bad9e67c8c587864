package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"jukicard/pki"
	"jukicard/pki/softca"
)

// registry is the embedded authority with what it was asked for under the schedule
// written down.
type registry struct {
	ca *softca.Authority

	mu       sync.Mutex
	requests int
}

// given are the certificates of one card, by purpose, that nobody has taken back.
type given map[pki.Purpose][]*x509.Certificate

// ask gives a certificate for a request of its own. Who keeps no journal has no number
// under which the same request was made before; and the card has made another key since,
// for which an authority that knew the number would refuse it (pki.ErrIDTaken).
func (r *registry) ask(ctx context.Context, of given, p pki.Purpose, csr []byte) ([]byte, error) {
	cn, err := commonName(p)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.requests++
	id := fmt.Sprintf("%s/%d", scheduleName, r.requests)
	r.mu.Unlock()
	today := time.Now()
	cert, err := r.ca.Certify(ctx, pki.Request{
		ID: id, Purpose: p, CSR: csr, CommonName: cn, Holder: holder(),
		NotBefore: today.Truncate(time.Second).UTC(), NotAfter: pki.EndOfDay(today.AddDate(4, 0, 0)),
	})
	if err != nil {
		return nil, fmt.Errorf("the authority: %w", err)
	}
	of[p] = append(of[p], cert)
	return cert.Raw, nil
}

// twice is how many certificates came while another of the purpose was valid.
func (of given) twice() (n int) {
	for _, valid := range of {
		n += max(len(valid)-1, 0)
	}
	return n
}

// takeBack revokes all of a card's certificates.
func (r *registry) takeBack(ctx context.Context, of given) error {
	for p, valid := range of {
		for _, cert := range valid {
			if err := r.ca.Revoke(ctx, cert.SerialNumber, pki.Superseded); err != nil {
				return err
			}
		}
		delete(of, p)
	}
	return nil
}

// holds says whether a certificate is the last that was given for a purpose.
func (of given) holds(p pki.Purpose, der []byte) bool {
	valid := of[p]
	return len(valid) > 0 && bytes.Equal(valid[len(valid)-1].Raw, der)
}

// holder is 山田 太郎, who does not exist.
func holder() pki.Holder {
	const name, address = "山田　太郎", "架空県架空市見本町１－２－３"
	return pki.Holder{
		Name: name, NameSubstituted: strings.Repeat("0", utf8.RuneCountInString(name)),
		Address: address, AddressSubstituted: strings.Repeat("0", utf8.RuneCountInString(address)),
		Birth: "319800217", Sex: "1", Prefecture: "Kakuu-ken", City: "Kakuu-shi",
	}
}

// commonName is a subject CN of the right form.
func commonName(p pki.Purpose) (string, error) {
	if p == pki.Signature {
		return pki.SignatureCN(time.Date(2026, 1, 2, 3, 4, 5, 0, pki.JST), 1, "BENCH0001")
	}
	return pki.AuthenticationCN("0000001TESTCAS", "99999")
}
