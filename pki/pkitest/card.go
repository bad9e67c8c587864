// Package pkitest is one conformance suite for every pki.Authority, and the card
// keys and requests that tests of certificates need. The people in it are
// invented. It is for tests only and is never linked into a program.
package pkitest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
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

// NextCard is the same of the next card: P-384, answering r and s of 48 bytes each.
type NextCard struct{ *ecdsa.PrivateKey }

// Sign returns 96 bytes over a digest.
func (c NextCard) Sign(digest []byte) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, c.PrivateKey, digest)
	if err != nil {
		return nil, err
	}
	return append(r.FillBytes(make([]byte, 48)), s.FillBytes(make([]byte, 48))...), nil
}

// Holder is a card of either generation.
type Holder interface {
	Public() crypto.PublicKey
	Sign(digest []byte) ([]byte, error)
}

// The keys of the test cards. They were made by openssl genpkey, protect nothing and are
// known to everybody who has the source; making some anew for each test would be half of
// what the tests of certificates take.
var (
	//go:embed testdata/cards.pem
	cardKeys []byte
	//go:embed testdata/next-cards.pem
	nextCardKeys []byte

	cards     = sync.OnceValue(func() []any { return privateKeys(cardKeys) })
	nextCards = sync.OnceValue(func() []any { return privateKeys(nextCardKeys) })
)

func privateKeys(text []byte) (keys []any) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			panic("internal error: an embedded test key does not read: " + err.Error())
		}
		keys = append(keys, key)
	}
	return keys
}

// NewCard is test card number n, 0 to 9; equal n, equal key.
func NewCard(t testing.TB, n int) Card {
	t.Helper()
	if n >= len(cards()) {
		t.Fatalf("there are %d test cards, and none numbered %d", len(cards()), n)
	}
	return Card{cards()[n].(*rsa.PrivateKey)}
}

// NewNextCard is test card number n of the next generation, 0 to 2.
func NewNextCard(t testing.TB, n int) NextCard {
	t.Helper()
	if n >= len(nextCards()) {
		t.Fatalf("there are %d next test cards, and none numbered %d", len(nextCards()), n)
	}
	return NextCard{nextCards()[n].(*ecdsa.PrivateKey)}
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
func Request(t testing.TB, id string, p pki.Purpose, card Holder, today time.Time) pki.Request {
	t.Helper()
	r := pki.Request{
		ID:         id,
		Purpose:    p,
		CommonName: CommonName(t, p, 1),
		Holder:     Person(),
		NotBefore:  today.Truncate(time.Second).UTC(),
		NotAfter:   pki.EndOfDay(today.AddDate(4, 0, 0)),
	}
	algorithm, err := pki.AlgorithmOf(card.Public())
	if err != nil {
		t.Fatalf("cannot make a test request: %v", err)
	}
	r.Algorithm = algorithm
	csr, err := pki.NewCSR(card.Public(), r.CommonName, card.Sign)
	if err != nil {
		t.Fatalf("cannot make a test request: %v", err)
	}
	r.CSR = csr
	return r
}
