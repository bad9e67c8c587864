// Package pkitest is one conformance suite for every pki.Authority, and the card
// keys and requests that tests of certificates need. The people in it are
// invented. It is for tests only and is never linked into a program.
package pkitest

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"jukicard/pki"
)

// Card is the signing half of a card: it pads verbatim what it is given and
// signs, as COMPUTE DIGITAL SIGNATURE does (PKCS #1 v1.5, block type 1).
type Card struct{ *rsa.PrivateKey }

// Sign returns 256 bytes over digestInfo.
func (c Card) Sign(digestInfo []byte) ([]byte, error) {
	return rsa.SignPKCS1v15(nil, c.PrivateKey, 0, digestInfo)
}

var cards struct {
	sync.Mutex
	made map[int]Card
}

// NewCard is card number n of this test process. Its key is generated once, for a
// key of RSA-2048 takes a tenth of a second.
func NewCard(t testing.TB, n int) Card {
	t.Helper()
	cards.Lock()
	defer cards.Unlock()
	card, ok := cards.made[n]
	if ok {
		return card
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatalf("cannot generate a test key: %v", err)
	}
	if cards.made == nil {
		cards.made = map[int]Card{}
	}
	cards.made[n] = Card{key}
	return cards.made[n]
}

// Person is 山田 太郎, who does not exist.
func Person() pki.Holder {
	const name, address = "山田　太郎", "東京都架空市見本町１２－３４－５６"
	return pki.Holder{
		Name:               name,
		NameSubstituted:    strings.Repeat("0", utf8.RuneCountInString(name)),
		Address:            address,
		AddressSubstituted: strings.Repeat("0", utf8.RuneCountInString(address)),
		Birth:              "319800101",
		Sex:                "1",
		Prefecture:         "Tokyo-to",
		City:               "Kakuu-shi",
	}
}

// CommonName is a subject CN of the right form for a purpose; equal n, equal name.
func CommonName(t testing.TB, p pki.Purpose, n int) string {
	t.Helper()
	cn, err := pki.AuthenticationCN(fmt.Sprintf("%06dTESTCASE", n), "99999")
	if p == pki.Signature {
		cn, err = pki.SignatureCN(time.Date(2026, 1, 2, 3, 4, 5, 0, pki.JST), n, "TEST00001")
	}
	if err != nil {
		t.Fatalf("cannot make a test common name: %v", err)
	}
	return cn
}

// Request asks for a certificate of card's key, valid from the start of today to
// the end of a day four years on. It is proven by the card.
func Request(t testing.TB, id string, p pki.Purpose, card Card, today time.Time) pki.Request {
	t.Helper()
	r := pki.Request{
		ID:         id,
		Purpose:    p,
		CommonName: CommonName(t, p, 1),
		Holder:     Person(),
		NotBefore:  today.Truncate(time.Second).UTC(),
		NotAfter:   pki.EndOfDay(today.AddDate(4, 0, 0)),
	}
	csr, err := pki.NewCSR(&card.PublicKey, r.CommonName, card.Sign)
	if err != nil {
		t.Fatalf("cannot make a test request: %v", err)
	}
	r.CSR = csr
	return r
}
