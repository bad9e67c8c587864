package plan

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// Order is what is wanted of a card, with every content as a name, a length and
// a digest. It is made from a resident's order and holds nothing of the resident.
type Order struct {
	ID         string
	Product    string
	Files      []Content     // what stands in EFs
	Objects    []Content     // what stands in data objects of the issuer domain
	Keys       []KeyPair     // keys made on the card and certified
	References []ReferenceTo // PINs and 照合番号
	Print      bool          // the face is printed
}

// Content is the wanted content of one EF or data object.
type Content struct {
	On     string // "text/number"
	Length int    // bytes
	Digest string // [Digest] of the bytes; empty when they depend on the card or the authority
	After  string // a step's ID that must come first, because the bytes depend on it
}

// KeyPair is a key to be made on the card, with the certificate for it.
type KeyPair struct {
	On      string // "jpki/sign-key"
	Cert    string // "jpki/sign-cert"
	Purpose string // the authority's word: "signature" or "authentication"
}

// ReferenceTo is reference data to be set.
type ReferenceTo struct {
	On     string // "jpki/sign-pin"
	Secret string // "pin:signature"
}

// DigestLen is the length of a content digest in bytes.
const DigestLen = 16

// Digest is a keyed digest of content: HMAC-SHA-256 cut to 16 bytes, in hex. It
// is keyed, because a bare digest of a twelve-digit number is the number.
func Digest(key, content []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write(content)
	return hex.EncodeToString(m.Sum(nil)[:DigestLen])
}
