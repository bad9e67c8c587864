//go:build windows || cgo

package pcsc

import (
	"errors"
	"fmt"

	"github.com/ebfe/scard"

	"jukicard/reader"
)

// kinds sorts PC/SC's codes (pcsclite.h, winscard.h); any other is a broken link.
// The four that mean a lost service are what pcsc-lite 1.9.9 really returns when
// pcscd is killed: 6A and 13 at first, 1D and 1E after.
var kinds = map[scard.Error]error{
	0x80100009: reader.ErrNoReader, // SCARD_E_UNKNOWN_READER
	0x80100017: reader.ErrNoReader, // SCARD_E_READER_UNAVAILABLE
	0x8010002E: reader.ErrNoReader, // SCARD_E_NO_READERS_AVAILABLE
	0x8010000C: reader.ErrNoCard,   // SCARD_E_NO_SMARTCARD
	0x80100066: reader.ErrMute,     // SCARD_W_UNRESPONSIVE_CARD
	0x8010000B: reader.ErrSharing,  // SCARD_E_SHARING_VIOLATION
	0x80100069: reader.ErrRemoved,  // SCARD_W_REMOVED_CARD
	0x80100068: reader.ErrReset,    // SCARD_W_RESET_CARD
	0x80100067: reader.ErrReset,    // SCARD_W_UNPOWERED_CARD: switched off by another
	0x8010001D: reader.ErrDaemon,   // SCARD_E_NO_SERVICE
	0x8010001E: reader.ErrDaemon,   // SCARD_E_SERVICE_STOPPED
	0x80100013: reader.ErrDaemon,   // SCARD_F_COMM_ERROR
	0x8010006A: reader.ErrDaemon,   // SCARD_W_SECURITY_VIOLATION, from a dying pcscd
}

// failure is a PC/SC call's error as a *reader.Error.
func failure(op, name string, err error) *reader.Error {
	e := &reader.Error{Op: op, Reader: name, Kind: reader.ErrLink, Detail: err.Error()}
	var code scard.Error
	if !errors.As(err, &code) {
		return e
	}
	e.Detail = fmt.Sprintf("0x%08X", uint32(code))
	if kind, ok := kinds[code]; ok {
		e.Kind = kind
	}
	return e
}
