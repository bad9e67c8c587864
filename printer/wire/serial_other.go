//go:build !linux

package wire

import (
	"context"
	"errors"
)

// Dial refuses: on this system nothing is known of serial lines.
func (s Serial) Dial(context.Context) (Wire, error) {
	return nil, &Error{Op: "dial", Name: s.String(), Kind: Broken, Err: errors.New("serial lines are driven on Linux only: connect the printer by TCP")}
}
