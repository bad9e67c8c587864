//go:build !cgo

package wire

import (
	"context"
	"errors"
)

var errNoUSB = errors.New("this program was built without cgo and drives no USB: build it with CGO_ENABLED=1 and Debian's libusb-1.0-0-dev")

// Dial refuses and says how to build a program that dials.
func (u USB) Dial(context.Context) (Wire, error) {
	return nil, &Error{Op: "dial", Name: u.String(), Kind: Broken, Err: errNoUSB}
}

// List refuses and says how to build a program that lists.
func List(context.Context) ([]Attached, error) {
	return nil, &Error{Op: "list", Name: "usb", Kind: Broken, Err: errNoUSB}
}
