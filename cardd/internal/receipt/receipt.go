// Package receipt is the signed proof of what was done to one card: a COSE_Sign1
// (RFC 9052, 4.2) over a CBOR statement, signed with the station's own key.
//
// A receipt names steps, times, numbers of card and certificates. It holds no
// PIN, key, 個人番号, 住民票コード, name, address or photo.
package receipt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"

	"jukicard/durable"
)

// Statement is what a receipt says.
type Statement struct {
	Version      int           `cbor:"1,keyasint" json:"version"` // of this form, 1
	Job          string        `cbor:"2,keyasint" json:"job"`
	Order        string        `cbor:"3,keyasint" json:"order"`
	Card         string        `cbor:"4,keyasint" json:"card"` // card identification number
	Profile      string        `cbor:"5,keyasint" json:"profile"`
	Product      string        `cbor:"6,keyasint" json:"product"`
	Station      string        `cbor:"7,keyasint" json:"station"`
	Software     string        `cbor:"8,keyasint" json:"software"`
	Started      time.Time     `cbor:"9,keyasint" json:"started"`
	Finished     time.Time     `cbor:"10,keyasint" json:"finished"`
	Plans        []string      `cbor:"11,keyasint" json:"plans"` // digests of the plans carried out, in order
	Steps        []Step        `cbor:"12,keyasint" json:"steps"`
	Certificates []Certificate `cbor:"13,keyasint" json:"certificates"`
	Journal      string        `cbor:"14,keyasint" json:"journal"` // hash of the job's last journal record, hex
	Choices      []Choice      `cbor:"15,keyasint,omitempty" json:"choices,omitempty"`
	Endorsed     *Endorsed     `cbor:"16,keyasint,omitempty" json:"endorsed,omitempty"` // of an entry on a card in use; absent for an issue
}

// Endorsed is where an entry stands in a card's 追記欄, and none of its words.
type Endorsed struct {
	How   string `cbor:"1,keyasint" json:"how"`   // "printed" or "by-hand"
	First int    `cbor:"2,keyasint" json:"first"` // the first of its lines, from 1
	Lines int    `cbor:"3,keyasint" json:"lines"` // how many it takes
	Left  int    `cbor:"4,keyasint" json:"left"`  // how many are free below it
}

// Choice is that somebody chose the substitute (代替文字) of one character. Which, the
// certificate says.
type Choice struct {
	Field string    `cbor:"1,keyasint" json:"field"` // "name" or "address"
	Place int       `cbor:"2,keyasint" json:"place"` // of the character, from 1
	By    string    `cbor:"3,keyasint" json:"by"`
	At    time.Time `cbor:"4,keyasint" json:"at"`
}

// Step is one step that was carried out and ended well.
type Step struct {
	ID string    `cbor:"1,keyasint" json:"id"`
	At time.Time `cbor:"2,keyasint" json:"at"`
}

// Certificate is one certificate on the card.
type Certificate struct {
	On     string `cbor:"1,keyasint" json:"on"`
	Serial string `cbor:"2,keyasint" json:"serial"` // hex
	SHA256 string `cbor:"3,keyasint" json:"sha256"` // of the DER, hex
}

// Signer signs receipts.
type Signer struct {
	key    *ecdsa.PrivateKey
	kid    []byte
	public []byte // PEM
}

// PublicFile is the public key's name in a Signer's directory.
const PublicFile = "receipt.pub"

// keyFile is the private key's.
const keyFile = "receipt.key"

// OpenSigner reads the station's receipt key, P-256, and makes it on first use
// (mode 0600). The public half lies beside it for whoever verifies. A key that is gone
// while its public half is there is not made anew, and two halves that do not belong
// together are refused: receipts would be signed that nobody here can verify.
func OpenSigner(dir string) (*Signer, error) {
	path := filepath.Join(dir, keyFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Lstat(filepath.Join(dir, PublicFile)); err == nil {
			return nil, fmt.Errorf("cannot read receipt key %s: it is missing though %s is there", path, PublicFile)
		}
		return newSigner(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read receipt key: %w", err)
	}
	defer clear(b)
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("cannot read receipt key %s: it is not PEM", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	ec, ok := key.(*ecdsa.PrivateKey)
	if err != nil || !ok || ec.Curve != elliptic.P256() {
		return nil, fmt.Errorf("cannot read receipt key %s: it is not a P-256 key in PKCS #8", path)
	}
	s, err := signerOf(ec)
	if err != nil {
		return nil, err
	}
	return s, s.publish(dir)
}

// publish lays the public half beside the key unless it is there.
func (s *Signer) publish(dir string) error {
	path := filepath.Join(dir, PublicFile)
	there, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return writeOnce(path, s.public, 0o644)
	case err != nil:
		return fmt.Errorf("cannot read %s: %w", path, err)
	case !bytes.Equal(there, s.public):
		return fmt.Errorf("cannot use receipt key: %s is not its public half", path)
	}
	return nil
}

func newSigner(dir string) (*Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make receipt key: %w", err)
	}
	s, err := signerOf(key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("cannot make receipt key: %w", err)
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	defer clear(private)
	defer clear(der)
	if err := writeOnce(filepath.Join(dir, keyFile), private, 0o600); err != nil {
		return nil, err
	}
	return s, s.publish(dir)
}

// writeOnce writes a file whole or not at all: the key is durable before the
// first receipt is.
func writeOnce(path string, b []byte, mode os.FileMode) error {
	if err := durable.WriteFile(path, b, mode); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

func signerOf(key *ecdsa.PrivateKey) (*Signer, error) {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("cannot use receipt key: %w", err)
	}
	kid := sha256.Sum256(der)
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return &Signer{key: key, kid: kid[:], public: public}, nil
}

// Public is the key that verifies, in PEM.
func (s *Signer) Public() []byte { return bytes.Clone(s.public) }

// contentType of the payload, a header every receipt has.
const contentType = "application/cardd-receipt+cbor"

// Sign makes the receipt.
func (s *Signer) Sign(st Statement) ([]byte, error) {
	payload, err := encMode.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("cannot encode receipt: %w", err)
	}
	signer, err := cose.NewSigner(cose.AlgorithmES256, s.key)
	if err != nil {
		return nil, fmt.Errorf("cannot sign receipt: %w", err)
	}
	headers := cose.Headers{Protected: cose.ProtectedHeader{
		cose.HeaderLabelAlgorithm:   cose.AlgorithmES256,
		cose.HeaderLabelKeyID:       s.kid,
		cose.HeaderLabelContentType: contentType,
	}}
	b, err := cose.Sign1(rand.Reader, signer, headers, payload, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot sign receipt: %w", err)
	}
	return b, nil
}

// Verify checks a receipt under a public key in PEM and gives what it says.
func Verify(b, publicPEM []byte) (*Statement, error) {
	if len(b) > sizeMax {
		return nil, fmt.Errorf("cannot verify receipt: it is longer than %d bytes", sizeMax)
	}
	pub, kid, err := parsePublic(publicPEM)
	if err != nil {
		return nil, err
	}
	var m cose.Sign1Message
	if err := m.UnmarshalCBOR(b); err != nil {
		return nil, fmt.Errorf("cannot verify receipt: it is not a COSE_Sign1: %v", err)
	}
	if got, _ := m.Headers.Protected[cose.HeaderLabelKeyID].([]byte); !bytes.Equal(got, kid) {
		return nil, fmt.Errorf("cannot verify receipt: it was signed with key %s and this one is %s; give the signing station's key with --key",
			short(got), short(kid))
	}
	verifier, err := cose.NewVerifier(cose.AlgorithmES256, pub)
	if err != nil {
		return nil, fmt.Errorf("cannot verify receipt: %v", err)
	}
	if err := m.Verify(nil, verifier); err != nil {
		return nil, fmt.Errorf("cannot verify receipt: the signature is wrong, it was changed after signing")
	}
	var st Statement
	if err := decMode.Unmarshal(m.Payload, &st); err != nil {
		return nil, fmt.Errorf("cannot read receipt: %v", err)
	}
	if st.Version != 1 {
		return nil, fmt.Errorf("cannot read receipt: version %d is not known, 1 is", st.Version)
	}
	return &st, nil
}

// sizeMax bounds a receipt: a full issue makes some 6 KB.
const sizeMax = 1 << 18

func short(kid []byte) string {
	return hex.EncodeToString(kid[:min(len(kid), 8)])
}

func parsePublic(p []byte) (crypto.PublicKey, []byte, error) {
	block, _ := pem.Decode(p)
	if block == nil {
		return nil, nil, fmt.Errorf("cannot verify receipt: the key is not PEM")
	}
	pub, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot verify receipt: the key is not a public key: %v", err)
	}
	kid := sha256.Sum256(block.Bytes)
	return pub, kid[:], nil
}

var (
	encMode = must(cbor.EncOptions{Sort: cbor.SortCoreDeterministic, Time: cbor.TimeRFC3339Nano, TimeTag: cbor.EncTagRequired}.EncMode())
	decMode = must(cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField, MaxArrayElements: 4096, MaxMapPairs: 64}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return v
}
