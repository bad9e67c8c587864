package pki

import "crypto/sha256"

// digestInfoSHA256 is the DER of DigestInfo up to the digest: sha-256 with NULL
// parameters and an OCTET STRING of 32 bytes (RFC 8017, 9.2, note 1).
var digestInfoSHA256 = []byte{
	0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
}

// DigestInfoSHA256 wraps a SHA-256 digest as the card wants it for COMPUTE DIGITAL
// SIGNATURE, which pads verbatim what it is given: 51 bytes for a digest of 32.
// Another length is a fault of the caller and panics.
func DigestInfoSHA256(digest []byte) []byte {
	if len(digest) != sha256.Size {
		panic("internal error: a SHA-256 digest has 32 bytes")
	}
	return append(append(make([]byte, 0, len(digestInfoSHA256)+len(digest)), digestInfoSHA256...), digest...)
}
