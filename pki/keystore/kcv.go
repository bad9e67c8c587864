package keystore

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
)

// KCV is the check value of an AES key or of a component of one: the first five bytes
// of the AES-CMAC of sixteen zero bytes (ANSI X9.24-1:2017 and PCI PIN Security,
// requirement 15-1, which want CMAC for AES). It is not the check value that PUT KEY
// carries, which is GlobalPlatform's: see scp03.StaticKeys.CheckValue.
type KCV [5]byte

// kcvMin is the fewest bytes of a check value that are written down: three, as most
// modules show it.
const kcvMin = 3

var zeroBlock [16]byte

// KCVOf computes the check value of a key of 16, 24 or 32 bytes.
func KCVOf(key secret.Bytes) (kcv KCV, err error) {
	if err := checkSize(key.Len()); err != nil {
		return kcv, err
	}
	mac, err := scp03.StaticKeys{Enc: key}.CMAC(context.Background(), scp03.ENC, zeroBlock[:])
	copy(kcv[:], mac[:])
	return kcv, err
}

// String is ten hexadecimal digits.
func (k KCV) String() string { return strings.ToUpper(hex.EncodeToString(k[:])) }

// ParseKCV reads a check value as people write it down: six to ten hexadecimal digits,
// spaces between them left out. n is how many bytes were given.
func ParseKCV(text string) (kcv KCV, n int, err error) {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil || len(b) < kcvMin || len(b) > len(kcv) {
		return kcv, 0, fmt.Errorf("cannot read check value: it has 6, 8 or 10 hexadecimal digits")
	}
	return kcv, copy(kcv[:], b), nil
}

// Matches says whether the first n bytes are those of other.
func (k KCV) Matches(other KCV, n int) bool {
	return n >= kcvMin && n <= len(k) && string(k[:n]) == string(other[:n])
}
