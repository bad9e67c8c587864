package pki

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// JST is Japan Standard Time, in which JPKI counts days. Japan has no summer time.
var JST = time.FixedZone("JST", 9*60*60)

const (
	windowLen       = 9  // 受付窓口識別記号
	randomLen       = 14 // first part of a 利用者証明用 common name
	municipalityLen = 5  // 市区町村コード without check digit
	signatureCNLen  = 14 + 5 + windowLen
	authCNLen       = randomLen + municipalityLen + len(authCNSuffix)

	// authCNSuffix ends every 利用者証明用 common name seen; its meaning is not
	// public (card fact sheet, 6.2).
	authCNSuffix = "003A"

	digits   = "0123456789"
	alphanum = digits + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// SignatureCN is the subject CN of a 署名用 certificate: the time of reception as
// YYYYMMDDhhmmss (JST, which is ours), a sequence number of five digits and the
// nine characters 0-9A-Z of the 受付窓口識別記号 (card fact sheet, 6.2).
func SignatureCN(t time.Time, seq int, window string) (string, error) {
	if seq < 0 || seq > 99999 {
		return "", fmt.Errorf("cannot build a signature common name: sequence %d is not 0 to 99999", seq)
	}
	if !made(window, windowLen, alphanum) {
		return "", errors.New("cannot build a signature common name: the window code must be 9 characters 0-9A-Z")
	}
	if y := t.In(JST).Year(); y < 1 || y > 9999 {
		return "", fmt.Errorf("cannot build a signature common name: year %d has not four digits", y)
	}
	return fmt.Sprintf("%s%05d%s", t.In(JST).Format("20060102150405"), seq, window), nil
}

// AuthenticationCN is the subject CN of a 利用者証明用 certificate, such as
// 997794E9AGCIEG13221003A: 14 characters from CNRandom, the 5-digit code of the
// municipality and 003A (card fact sheet, 6.2).
func AuthenticationCN(random, municipality string) (string, error) {
	if !made(random, randomLen, alphanum) {
		return "", errors.New("cannot build an authentication common name: the random part must be 14 characters 0-9A-Z")
	}
	if !made(municipality, municipalityLen, digits) {
		return "", errors.New("cannot build an authentication common name: the municipality must be 5 digits")
	}
	return random + municipality + authCNSuffix, nil
}

// CNRandom draws the random part of AuthenticationCN from r. How the real service
// draws it is not public; ours is 14 characters of 36, about 72 bits.
func CNRandom(r io.Reader) (string, error) {
	const limit = 256 - 256%len(alphanum) // reject above, so that no letter is likelier
	out := make([]byte, 0, randomLen)
	for tries := 0; len(out) < randomLen; tries++ {
		var one [1]byte
		if _, err := io.ReadFull(r, one[:]); err != nil {
			return "", fmt.Errorf("cannot draw a common name: %w", err)
		}
		if tries > 100*randomLen {
			return "", errors.New("cannot draw a common name: the random source is stuck")
		}
		if int(one[0]) < limit {
			out = append(out, alphanum[int(one[0])%len(alphanum)])
		}
	}
	return string(out), nil
}

// checkCN says whether cn has the form that the purpose asks for.
func checkCN(p Purpose, cn string) error {
	switch p {
	case Signature:
		if len(cn) == signatureCNLen && made(cn[:19], 19, digits) && made(cn[19:], windowLen, alphanum) {
			if _, err := time.Parse("20060102150405", cn[:14]); err == nil {
				return nil
			}
		}
		return errors.New("common name: must be YYYYMMDDhhmmss, 5 digits and 9 characters 0-9A-Z; use SignatureCN")
	case Authentication:
		if len(cn) == authCNLen && strings.HasSuffix(cn, authCNSuffix) && made(cn[:randomLen], randomLen, alphanum) &&
			made(cn[randomLen:randomLen+municipalityLen], municipalityLen, digits) {
			return nil
		}
		return errors.New("common name: must be 14 characters 0-9A-Z, 5 digits and 003A; use AuthenticationCN")
	}
	return errPurpose(p)
}

func errPurpose(p Purpose) error {
	return fmt.Errorf("purpose: must be %q or %q, not %q", Signature, Authentication, p)
}

// made says whether s is n characters, each out of set.
func made(s string, n int, set string) bool {
	return len(s) == n && strings.Trim(s, set) == ""
}
