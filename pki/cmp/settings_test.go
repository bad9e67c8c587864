package cmp

import (
	"encoding/asn1"
	"errors"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

// pbmac1 is an AlgorithmIdentifier of RFC 8018, 7.1, with a length of the key or without.
func pbmac1(length int64, mac asn1.ObjectIdentifier) []byte {
	return encode(func(b *cryptobyte.Builder) {
		addAlgorithm(b, oidPBMAC1, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				addAlgorithm(b, oidPBKDF2, func(b *cryptobyte.Builder) {
					sequence(b, func(b *cryptobyte.Builder) {
						b.AddASN1OctetString([]byte("salt salt"))
						b.AddASN1Int64(1000)
						if length >= 0 {
							b.AddASN1Int64(length)
						}
						addAlgorithm(b, oidHMACSHA256, addNULL)
					})
				})
				addAlgorithm(b, mac, addNULL)
			})
		})
	})
}

// Who answers chooses the settings, so those that make forging easy are refused.
func TestSettings(t *testing.T) {
	pbm := func(edit func(s *settings)) []byte {
		s := Shared{}.settings()
		edit(&s)
		return s.der()
	}
	tests := []struct {
		name   string
		der    []byte
		length int   // of the key, PBMAC1 alone
		want   error // nil: taken
	}{
		{"PBMAC1 of 32 bytes", pbmac1(32, oidHMACSHA256), 32, nil},
		{"without a length it is the hash's", pbmac1(-1, oidHMACSHA512), 64, nil},
		{"the shortest", pbmac1(20, oidHMACSHA256), 20, nil},
		{"shorter", pbmac1(19, oidHMACSHA256), 0, errWeakSettings},
		{"of a byte", pbmac1(1, oidHMACSHA256), 0, errWeakSettings},
		{"of nothing", pbmac1(0, oidHMACSHA256), 0, errWeakSettings},
		{"endless", pbmac1(1<<40, oidHMACSHA256), 0, errWeakSettings},
		{"by no hash that is known", pbmac1(-1, oidPBM), 0, errProtection},
		{"PasswordBasedMac", pbm(func(*settings) {}), lengthMin, nil},
		{"few rounds", pbm(func(s *settings) { s.rounds = 99 }), 0, errWeakSettings},
		{"many rounds", pbm(func(s *settings) { s.rounds = 1_000_001 }), 0, errWeakSettings},
		{"a short salt", pbm(func(s *settings) { s.salt = s.salt[:7] }), 0, errWeakSettings},
		{"a long salt", pbm(func(s *settings) { s.salt = make([]byte, 129) }), 0, errWeakSettings},
		{"a signature's", encode(func(b *cryptobyte.Builder) { addAlgorithm(b, oidSHA256RSA, addNULL) }), 0, errProtection},
		{"a byte more", append(pbm(func(*settings) {}), 0), 0, errProtection},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := parseSettings(tt.der)
			if !errors.Is(err, tt.want) || err == nil && s.length != tt.length {
				t.Errorf("want %v and %d bytes, got %v and %d", tt.want, tt.length, err, s.length)
			}
		})
	}
}
