package remote

import (
	"errors"
	"fmt"
	"net"
)

// NotSent makes an error of an exchange over TLS or without it an ErrNotSent, where the other
// side cannot have read anything: there never was a connection, as sent says, or it ended the
// handshake because of who we are. In TLS 1.3 that is told after the client has begun to
// send, and before anything of it is read (RFC 8446, 4.4.2.4 and 6.2).
func NotSent(sent bool, err error) error {
	if !sent || turnedAway(err) {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return err
}

// turnedAway says whether an error is an alert about our certificate.
func turnedAway(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return false
	}
	for _, alert := range []string{
		"bad certificate", "unsupported certificate", "revoked certificate", "expired certificate",
		"unknown certificate", "unknown certificate authority", "access denied", "certificate required",
	} {
		if op.Err.Error() == "tls: "+alert {
			return true
		}
	}
	return false
}
