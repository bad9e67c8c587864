package simulator

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"slices"
	"sync"

	"jukicard/apdu/scp03"
	"jukicard/apdu/tlv"
)

// Tags of the objects a maker writes (card fact sheet, 2.1 to 2.5).
const (
	tagExponent      tlv.Tag = 0x90
	tagModulus       tlv.Tag = 0x91
	tagSessionKey    tlv.Tag = 0xA1
	tagAPBasic       tlv.Tag = 0xFF40
	tagAPVersion     tlv.Tag = 0xDF41
	tagAPKeyID       tlv.Tag = 0xDF42
	tagAPValue       tlv.Tag = 0xDF43
	tagCVBody        tlv.Tag = 0x5F4E
	tagCVSignature   tlv.Tag = 0x5F37
	tagPublicKey     tlv.Tag = 0x7F49
	tagPublicModulus tlv.Tag = 0x81
	tagPublicExp     tlv.Tag = 0x82
)

const cardIDLen = 16 // digits

// manufacture is everything that makes a blank card of an empty one.
func (c *Card) manufacture(o Options) ([]change, error) {
	if err := c.nameCard(); err != nil {
		return nil, err
	}
	changes, err := c.makeKeySets(o)
	if err != nil {
		return nil, err
	}
	keys, public, err := c.makeKeys()
	if err != nil {
		return nil, err
	}
	changes = append(changes, keys...)
	objects, err := c.makeObjects()
	if err != nil {
		return nil, err
	}
	files, err := c.makeFiles(public)
	if err != nil {
		return nil, err
	}
	return append(append(changes, objects...), files...), nil
}

// nameCard draws a card number, plainly invented, unless one was given. The last
// fifteen digits are the serial number that record 1 of the common AP will carry.
func (c *Card) nameCard() error {
	if c.id == "" {
		var b [8]byte
		if _, err := io.ReadFull(c.rand, b[:]); err != nil {
			return err
		}
		c.id = fmt.Sprintf("0999%012d", binary.BigEndian.Uint64(b[:])%1e12)
	}
	if len(c.id) != cardIDLen || bytes.ContainsFunc([]byte(c.id), func(r rune) bool { return r < '0' || r > '9' }) {
		return fmt.Errorf("card number has %d characters, it has %d digits", len(c.id), cardIDLen)
	}
	return nil
}

// diversification is the ten bytes by which a card tells its keys from another's:
// its number in BCD, and two bytes 00. Which data real cards give is not public.
func (c *Card) diversification() (kdd [10]byte) {
	_, _ = hex.Decode(kdd[:], []byte(c.id)) // sixteen digits, seen to by nameCard
	return kdd
}

// makeKeySets writes the laboratory's key set, which as the first is the default one,
// and the issuer's.
func (c *Card) makeKeySets(o Options) ([]change, error) {
	var changes []change
	d := &c.profile.Domain
	if o.LabKey.Len() > 0 {
		set := keySet{d.LabVersion, scp03.StaticKeys{Enc: o.LabKey, Mac: o.LabKey, Dek: o.LabKey}}
		if err := set.keys.Check(); err != nil {
			return nil, err
		}
		changes = append(changes, putKeysChange(0, set))
	}
	if o.Master.Len() > 0 {
		keys, err := scp03.Diversify(o.Master, c.diversification())
		if err != nil {
			return nil, err
		}
		changes = append(changes, putKeysChange(0, keySet{d.KeyVersion, keys}))
	}
	if len(changes) == 0 {
		return nil, fmt.Errorf("a card without keys can never be written: give LabKey or Master")
	}
	return changes, nil
}

// makeKeys generates the keys that are on a card when it leaves its maker. public is
// by path, for the files that publish one.
func (c *Card) makeKeys() (changes []change, public map[string]crypto.PublicKey, err error) {
	public = map[string]crypto.PublicKey{}
	add := func(path string, kind keyKind) error {
		private, err := kind.pair(c)
		if err != nil {
			return err
		}
		public[path] = private.Public()
		changes = append(changes, keyChange(path, private))
		return nil
	}
	for _, a := range c.apps {
		for _, k := range a.keys {
			if !k.Made {
				continue
			}
			if err := add(k.path, k.kind); err != nil {
				return nil, nil, err
			}
		}
		if a.messaging != nil {
			if err := add(a.messaging.path, rsaKind(rsaBits)); err != nil {
				return nil, nil, err
			}
		}
	}
	return changes, public, nil
}

// rsaBits is the size of keys whose size no entry of the profile states.
const rsaBits = 2048

// newKey takes a key from the pool or generates one.
func (c *Card) newKey(bits int) (*rsa.PrivateKey, error) {
	if c.pool != nil {
		if k := c.pool(); k != nil {
			if k.N.BitLen() != bits {
				return nil, fmt.Errorf("cannot use key from pool: %d bits, wanted %d", k.N.BitLen(), bits)
			}
			return k, nil
		}
	}
	return rsa.GenerateKey(nil, bits)
}

// makeObjects writes the data objects of the domain that say whose card it is.
func (c *Card) makeObjects() ([]change, error) {
	var changes []change
	for _, o := range c.domain.objects {
		var value []byte
		var err error
		switch o.Name {
		case "issuer-id":
			value = keyID(issuerKey, 1)
		case "card-id":
			value = []byte(c.id)
		case "intermediate-key-id":
			value = keyID(intermediateKey, 1)
		case "intermediate-cv-certificate":
			value, err = intermediateCertificate()
		case "cv-certificate":
			value, err = cardCertificate()
		}
		if err != nil {
			return nil, err
		}
		if value != nil {
			changes = append(changes, objectChange(o.Tag, value))
		}
	}
	return changes, nil
}

// Names of the invented keys above a simulated card; real ones begin 5, those of the
// real test cards 6 (card fact sheet, 2.2, key id format).
const (
	issuerKey       = "9000020"
	intermediateKey = "9000021"
	cardKey         = "9000022"
)

// keyID is a key's name of sixteen bytes: seven digits, 08 05, three digits, padding
// (card fact sheet, 2.2).
func keyID(name string, number int) []byte {
	b := append([]byte(name), 0x08, 0x05)
	b = fmt.Appendf(b, "%03d", number)
	return append(b, 0, 0, 0, 0)
}

// makerKey signs the card-verifiable certificates at the master file level. All of
// them carry and verify under this one key: it is drawn once a process, and nobody
// off the card knows it.
var makerKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(nil, rsaBits) })

// The certificates from the issuer down to a card name keys of the maker's and not
// the card: they are signed once a process.
var (
	intermediateCertificate = sync.OnceValues(func() ([]byte, error) {
		return cvCertificate(keyID(issuerKey, 1), keyID(intermediateKey, 1))
	})
	cardCertificate = sync.OnceValues(func() ([]byte, error) {
		return cvCertificate(keyID(intermediateKey, 1), keyID(cardKey, 1))
	})
)

// cvCertificate is what stands inside 7F21: GET DATA gives it without the template
// (card fact sheet, 1.1; 2.2, EF 0004).
func cvCertificate(issuer, subject []byte) ([]byte, error) {
	private, err := makerKey()
	if err != nil {
		return nil, err
	}
	body := slices.Concat(issuer, subject, publicKeyObjects(&private.PublicKey))
	digest := sha256.Sum256(body)
	signature, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
	if err != nil {
		return nil, err
	}
	return tlv.Append(tlv.Append(nil, tagCVBody, body), tagCVSignature, signature), nil
}

// publicKeyObjects is 90 e 91 n, the form public keys have in the 券面 applications.
func publicKeyObjects(k *rsa.PublicKey) []byte {
	e := big.NewInt(int64(k.E)).Bytes()
	return tlv.Append(tlv.Append(nil, tagExponent, e), tagModulus, modulus(k))
}

func modulus(k *rsa.PublicKey) []byte { return k.N.FillBytes(make([]byte, k.Size())) }

// makeFiles writes the files that are on a card when it leaves its maker. A made file
// whose content is not known stays FF.
func (c *Card) makeFiles(public map[string]crypto.PublicKey) ([]change, error) {
	var changes []change
	for _, a := range c.apps {
		for _, e := range a.elements {
			if e.file == nil || !e.file.made {
				continue
			}
			content, err := c.madeContent(e.path, public)
			if err != nil {
				return nil, err
			}
			if content == nil {
				continue
			}
			ch := change{Op: opWrite, On: e.path, Data: content}
			if e.file.record {
				ch = change{Op: opRecord, On: e.path, At: 1, Data: content}
			}
			changes = append(changes, ch)
		}
	}
	return changes, nil
}

func (c *Card) madeContent(path string, public map[string]crypto.PublicKey) ([]byte, error) {
	switch path {
	case "jpki/token-info":
		return tokenInfo(c.profile.Label), nil
	case "text/basic":
		return c.apBasic()
	case "resident/key-reference", "common/key-reference":
		return keyID(cardKey, 2), nil
	}
	if k, ok := public[path].(*rsa.PublicKey); ok { // the key that session keys are delivered under
		return tlv.Append(nil, tagSessionKey, publicKeyObjects(k)), nil
	}
	return nil, nil
}

// apBasic is FF40 {version, key id, value}: version 1, extended lengths supported
// (03), vendor 0E 01; a value of 32 bytes and FF to 128 (card fact sheet, 2.2, EF 0005).
func (c *Card) apBasic() ([]byte, error) {
	value := bytes.Repeat([]byte{0xFF}, 128)
	if _, err := io.ReadFull(c.rand, value[:32]); err != nil {
		return nil, err
	}
	inner := tlv.Append(nil, tagAPVersion, []byte{0x01, 0x03, 0x0E, 0x01})
	inner = tlv.Append(inner, tagAPKeyID, keyID(cardKey, 3))
	inner = appendLong(inner, tagAPValue, value)
	return appendLong(nil, tagAPBasic, inner), nil
}

// appendLong writes an object with the length 82 hh ll however short it is, as real
// cards do here.
func appendLong(dst []byte, tag tlv.Tag, value []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(tag))
	dst = append(dst, 0x82, byte(len(value)>>8), byte(len(value)))
	return append(dst, value...)
}

// tokenInfo is CK_TOKEN_INFO in 160 bytes as seen on a card, CK_ULONG in four bytes
// big-endian (card fact sheet, 2.1, EF 0006).
func tokenInfo(label string) []byte {
	const none = 0xFFFFFFFF
	b := fmt.Appendf(nil, "%-32s%-32s%-16s%-16s", label, "00000000000000000000000000000001", "E16R01NJ", "0000000020500003")
	for _, v := range []uint32{
		0x40D,      // flags
		1, 0, 1, 0, // sessions: most, now; read-write: most, now
		16, 6, // PIN: longest, shortest
		none, none, none, none, // memory
	} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return fmt.Appendf(b, "%s%s%s", "03", "01", "9999999999999999")
}
