package cmp

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"jukicard/apdu/secret"
)

// Algorithms of protection (RFC 9481).
var (
	oidPBM          = asn1.ObjectIdentifier{1, 2, 840, 113533, 7, 66, 13}   // RFC 9810, 5.1.3.1
	oidPBMAC1       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}    // RFC 8018, 7.1
	oidPBKDF2       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}    // RFC 8018, A.2
	oidHMACSHA1CMP  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 8, 1, 2}      // RFC 9810, 5.1.3.1
	oidHMACSHA1     = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}        // RFC 8018, B.1.1
	oidHMACSHA256   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}        // RFC 8018, B.1.2
	oidHMACSHA384   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}       // 〃
	oidHMACSHA512   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}       // 〃
	oidSHA1         = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}             // RFC 9481, 2
	oidSHA256       = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1} // 〃
	oidSHA384       = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2} // 〃
	oidSHA512       = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3} // 〃
	oidSHA256RSA    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}    // RFC 4055, 5
	oidSHA384RSA    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}    // 〃
	oidSHA512RSA    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}    // 〃
	oidECDSASHA256  = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}      // RFC 5758, 3.2
	oidECDSASHA384  = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}      // 〃
	oidECDSASHA512  = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}      // 〃
	errUnprotected  = errors.New("the answer is not protected, so anybody may have sent it")
	errProtection   = errors.New("the answer's protection is not that of the authority")
	errWeakSettings = errors.New("the answer's protection has settings that are refused: want 100 to 1000000 rounds, a salt of 8 to 128 bytes and a key of 20 to 64")
)

// Bounds of password-based protection that is believed: fewer rounds can be guessed, more
// are an attack (RFC 9810, 8.9; RFC 8018, 4.2). RFC 4211, 4.4 wants at least 100.
const (
	roundsMin = 100
	roundsMax = 1_000_000
	saltMin   = 8
	saltMax   = 128
	rounds    = 10_000 // ours; OpenSSL 3.0 takes at most 100,000
	saltSize  = 16

	// Who answers chooses how long the key is that PBMAC1 makes of the secret. RFC 9579, 8
	// has a shorter one refused: one of a byte anybody guesses who never had the secret.
	lengthMin = 20
	lengthMax = 64
)

// MAC is a scheme of password-based protection.
type MAC string

// PBM is PasswordBasedMac (RFC 9810, 5.1.3.1, with SHA-256 and HMAC-SHA-256), which every
// server knows; PBMAC1 (RFC 8018, 7.1, with PBKDF2 and HMAC-SHA-256) is what RFC 9481, 6.1
// recommends.
const (
	PBM    MAC = "pbm"
	PBMAC1 MAC = "pbmac1"
)

// Protection is how messages are protected. Its methods are what the package needs of it.
type Protection interface {
	// check says what is missing.
	check() error
	// protect fills in the header's part and the protection.
	protect(m *message) error
	// verify says whether an answer is the authority's.
	verify(m *message) error
}

// Shared is protection by a secret that both sides have.
type Shared struct {
	Reference string       // senderKID: by which the authority knows the secret
	Secret    secret.Bytes // the more random the better: whoever reads a message can try
	MAC       MAC          // PBM when empty
}

// hashes are the functions that a name stands for.
func hashOf(id asn1.ObjectIdentifier) func() hash.Hash {
	for _, h := range []struct {
		new func() hash.Hash
		ids []asn1.ObjectIdentifier
	}{
		{sha1.New, []asn1.ObjectIdentifier{oidSHA1, oidHMACSHA1CMP, oidHMACSHA1}},
		{sha256.New, []asn1.ObjectIdentifier{oidSHA256, oidHMACSHA256}},
		{sha512.New384, []asn1.ObjectIdentifier{oidSHA384, oidHMACSHA384}},
		{sha512.New, []asn1.ObjectIdentifier{oidSHA512, oidHMACSHA512}},
	} {
		for _, known := range h.ids {
			if known.Equal(id) {
				return h.new
			}
		}
	}
	return nil
}

// settings are the parameters of either scheme.
type settings struct {
	scheme asn1.ObjectIdentifier
	salt   []byte
	rounds int
	length int                   // of the key in bytes; PBMAC1 alone uses it
	owf    asn1.ObjectIdentifier // one-way function, or PBKDF2's
	mac    asn1.ObjectIdentifier
}

// compute is the protection of a text.
func (s settings) compute(key secret.Bytes, text []byte) (sum []byte, err error) {
	owf, mac := hashOf(s.owf), hashOf(s.mac)
	if owf == nil || mac == nil {
		return nil, errProtection
	}
	err = key.LendString(func(password string) error {
		derived, err := s.derive(owf, password)
		if err != nil {
			return err
		}
		defer clear(derived)
		h := hmac.New(mac, derived)
		_, _ = h.Write(text) // a hash takes everything
		sum = h.Sum(nil)
		return nil
	})
	return sum, err
}

// derive is the key of the MAC.
func (s settings) derive(owf func() hash.Hash, password string) ([]byte, error) {
	if s.scheme.Equal(oidPBM) {
		return s.iterate(owf, password), nil
	}
	return pbkdf2.Key(owf, password, s.salt, s.rounds, s.length)
}

// iterate is the one-way function over secret and salt, and then over itself (RFC 4211,
// 4.4.1).
func (s settings) iterate(owf func() hash.Hash, password string) []byte {
	h := owf()
	_, _ = io.WriteString(h, password)
	_, _ = h.Write(s.salt)
	derived := h.Sum(nil)
	for range s.rounds - 1 {
		h.Reset()
		_, _ = h.Write(derived)
		derived = h.Sum(derived[:0])
	}
	return derived
}

func addAlgorithm(b *cryptobyte.Builder, id asn1.ObjectIdentifier, parameters func(b *cryptobyte.Builder)) {
	sequence(b, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id)
		if parameters != nil {
			parameters(b)
		}
	})
}

func addNULL(b *cryptobyte.Builder) { b.AddASN1NULL() }

// der is the AlgorithmIdentifier.
func (s settings) der() []byte {
	return encode(func(b *cryptobyte.Builder) {
		addAlgorithm(b, s.scheme, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				if s.scheme.Equal(oidPBM) {
					b.AddASN1OctetString(s.salt)
					addAlgorithm(b, s.owf, addNULL)
					b.AddASN1Int64(int64(s.rounds))
					addAlgorithm(b, s.mac, addNULL)
					return
				}
				addAlgorithm(b, oidPBKDF2, func(b *cryptobyte.Builder) {
					sequence(b, func(b *cryptobyte.Builder) {
						b.AddASN1OctetString(s.salt)
						b.AddASN1Int64(int64(s.rounds))
						b.AddASN1Int64(int64(s.length)) // RFC 9579, 8 wants it
						addAlgorithm(b, s.owf, addNULL)
					})
				})
				addAlgorithm(b, s.mac, addNULL)
			})
		})
	})
}

// parseSettings reads the AlgorithmIdentifier of a password-based protection.
func parseSettings(der []byte) (s settings, err error) {
	input := cryptobyte.String(der)
	var outer, parameters cryptobyte.String
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() || !outer.ReadASN1ObjectIdentifier(&s.scheme) ||
		!outer.ReadASN1(&parameters, cbasn1.SEQUENCE) || !outer.Empty() {
		return s, errProtection
	}
	ok := false
	switch {
	case s.scheme.Equal(oidPBM):
		ok = s.parsePBM(parameters)
	case s.scheme.Equal(oidPBMAC1):
		ok = s.parsePBMAC1(parameters)
	}
	if !ok {
		return s, errProtection
	}
	if s.rounds < roundsMin || s.rounds > roundsMax || len(s.salt) < saltMin || len(s.salt) > saltMax || s.length < lengthMin || s.length > lengthMax {
		return s, errWeakSettings
	}
	return s, nil
}

func (s *settings) parsePBM(p cryptobyte.String) bool {
	s.length = lengthMin // it has none: the key is as long as the hash
	return p.ReadASN1Bytes(&s.salt, cbasn1.OCTET_STRING) && readAlgorithm(&p, &s.owf) &&
		p.ReadASN1Integer(&s.rounds) && readAlgorithm(&p, &s.mac) && p.Empty()
}

func (s *settings) parsePBMAC1(p cryptobyte.String) bool {
	var derivation, kdf cryptobyte.String
	var id asn1.ObjectIdentifier
	ok := p.ReadASN1(&derivation, cbasn1.SEQUENCE) && readAlgorithm(&p, &s.mac) && p.Empty() &&
		derivation.ReadASN1ObjectIdentifier(&id) && id.Equal(oidPBKDF2) &&
		derivation.ReadASN1(&kdf, cbasn1.SEQUENCE) && derivation.Empty() &&
		kdf.ReadASN1Bytes(&s.salt, cbasn1.OCTET_STRING) && kdf.ReadASN1Integer(&s.rounds)
	if !ok {
		return false
	}
	mac := hashOf(s.mac)
	if mac == nil {
		return false
	}
	s.length = mac().Size() // where none is given: RFC 8018, 7.1
	if kdf.PeekASN1Tag(cbasn1.INTEGER) && !kdf.ReadASN1Integer(&s.length) {
		return false
	}
	s.owf = oidHMACSHA1 // the default of RFC 8018, A.2
	return (kdf.Empty() || readAlgorithm(&kdf, &s.owf)) && kdf.Empty()
}

// readAlgorithm takes an AlgorithmIdentifier without parameters of its own.
func readAlgorithm(s *cryptobyte.String, id *asn1.ObjectIdentifier) bool {
	var a cryptobyte.String
	return s.ReadASN1(&a, cbasn1.SEQUENCE) && a.ReadASN1ObjectIdentifier(id) && a.SkipOptionalASN1(cbasn1.NULL) && a.Empty()
}

func (p Shared) check() error {
	if p.Reference == "" || p.Secret.Len() == 0 || p.MAC != "" && p.MAC != PBM && p.MAC != PBMAC1 {
		return errors.New("a reference, a secret and one of the MACs pbm and pbmac1 are needed")
	}
	return nil
}

func (p Shared) settings() settings {
	s := settings{scheme: oidPBM, salt: make([]byte, saltSize), rounds: rounds, owf: oidSHA256, mac: oidHMACSHA256}
	if p.MAC == PBMAC1 {
		s.scheme, s.owf, s.length = oidPBMAC1, oidHMACSHA256, sha256.Size
	}
	_, _ = rand.Read(s.salt) // crypto/rand ends the program rather than fail
	return s
}

func (p Shared) protect(m *message) (err error) {
	s := p.settings()
	// RFC 9483, 3.1: the reference as CN too, for there is no certificate with a name.
	m.sender = directoryName(encode(func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{2, 5, 4, 3})
					b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(p.Reference)) })
				})
			})
		})
	}))
	m.algorithm, m.keyID = s.der(), []byte(p.Reference)
	m.protection, err = s.compute(p.Secret, m.protectedPart())
	return err
}

func (p Shared) verify(m *message) error {
	if m.protection == nil || m.algorithm == nil {
		return errUnprotected
	}
	s, err := parseSettings(m.algorithm)
	if err != nil {
		return err
	}
	want, err := s.compute(p.Secret, m.protected)
	if err != nil {
		return err
	}
	if !hmac.Equal(want, m.protection) {
		return errProtection
	}
	return nil
}

// Signed is protection by signatures.
type Signed struct {
	Key   crypto.Signer       // ours, RSA or ECDSA
	Chain []*x509.Certificate // ours, that of Key first
	// Trusted are who vouches for the certificate that signs answers, and Server is the CN
	// it must have: they vouch for others too, perhaps for other stations.
	Trusted *x509.CertPool
	Server  string
	Now     func() time.Time // nil: time.Now
}

func (p Signed) check() error {
	if p.Key == nil || len(p.Chain) == 0 || p.Trusted == nil || p.Server == "" {
		return errors.New("a key with its certificate, whom to trust, and the server's CN are needed")
	}
	return nil
}

// signing is how each signature algorithm is named and hashed.
var signing = []struct {
	id        asn1.ObjectIdentifier
	hash      crypto.Hash
	ec        bool
	algorithm x509.SignatureAlgorithm
}{
	{oidSHA256RSA, crypto.SHA256, false, x509.SHA256WithRSA},
	{oidSHA384RSA, crypto.SHA384, false, x509.SHA384WithRSA},
	{oidSHA512RSA, crypto.SHA512, false, x509.SHA512WithRSA},
	{oidECDSASHA256, crypto.SHA256, true, x509.ECDSAWithSHA256},
	{oidECDSASHA384, crypto.SHA384, true, x509.ECDSAWithSHA384},
	{oidECDSASHA512, crypto.SHA512, true, x509.ECDSAWithSHA512},
}

func (p Signed) protect(m *message) (err error) {
	id, hash, null := oidSHA256RSA, crypto.SHA256, addNULL
	switch key := p.Key.Public().(type) {
	case *rsa.PublicKey:
	case *ecdsa.PublicKey:
		id, null = oidECDSASHA256, nil // RFC 5758, 3.2: no parameters
		if key.Curve.Params().BitSize > 256 {
			id, hash = oidECDSASHA384, crypto.SHA384
		}
	default:
		return errors.New("cannot protect a message: the key must be RSA or ECDSA")
	}
	m.algorithm = encode(func(b *cryptobyte.Builder) { addAlgorithm(b, id, null) })
	m.sender, m.keyID, m.extra = directoryName(p.Chain[0].RawSubject), p.Chain[0].SubjectKeyId, p.Chain
	if len(m.keyID) == 0 {
		m.keyID = nil
	}
	h := hash.New()
	_, _ = h.Write(m.protectedPart())
	m.protection, err = p.Key.Sign(rand.Reader, h.Sum(nil), hash)
	if err != nil {
		return fmt.Errorf("cannot protect a message: %w", err)
	}
	return nil
}

// verify wants a signature of the certificate that comes first beside the message (RFC
// 9810, 5.1.3.3), whose name is the sender's, which may sign, and for which somebody
// trusted vouches now.
func (p Signed) verify(m *message) error {
	if m.protection == nil || m.algorithm == nil {
		return errUnprotected
	}
	input := cryptobyte.String(m.algorithm)
	var id asn1.ObjectIdentifier
	if !readAlgorithm(&input, &id) || len(m.extra) == 0 {
		return errProtection
	}
	signer := m.extra[0]
	if !bytes.Equal(m.sender, directoryName(signer.RawSubject)) {
		return fmt.Errorf("%w: its sender is not whom its certificate names", errProtection)
	}
	if signer.Subject.CommonName != p.Server {
		return fmt.Errorf("%w: its certificate is not the server's", errProtection)
	}
	if signer.KeyUsage != 0 && signer.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return fmt.Errorf("%w: its certificate is not for signatures", errProtection)
	}
	for _, s := range signing {
		if s.id.Equal(id) {
			if err := signer.CheckSignature(s.algorithm, m.protected, m.protection); err != nil {
				return errProtection
			}
			return p.vouched(signer, m.extra[1:])
		}
	}
	return fmt.Errorf("%w: it has an algorithm that is not known", errProtection)
}

func (p Signed) vouched(signer *x509.Certificate, others []*x509.Certificate) error {
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	between := x509.NewCertPool()
	for _, c := range others {
		between.AddCert(c)
	}
	if _, err := signer.Verify(x509.VerifyOptions{
		Roots: p.Trusted, Intermediates: between, CurrentTime: now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}); err != nil {
		return fmt.Errorf("%w: nobody trusted vouches for it: %w", errProtection, err)
	}
	return nil
}
