//go:build linux

package usbbed

import (
	"encoding/binary"
	"errors"
)

// Standard requests (USB 2.0, tables 9-3 and 9-4).
const (
	requestGetStatus     = 0
	requestClearFeature  = 1
	requestGetDescriptor = 6
	requestGetConfig     = 8

	toEndpoint   = 0x02 // request types: direction and recipient
	fromDevice   = 0x80
	fromEndpoint = 0x82

	featureHalt = 0
	selfPowered = 1
)

var errNotStandard = errors.New("not a standard request")

// control does a transfer on endpoint 0. The struct's buffer begins with the setup packet
// and what comes in goes behind it.
func (u *urb) control(n *node) error {
	p := u.out
	s := Setup{
		Type: p[0], Request: p[1],
		Value: binary.LittleEndian.Uint16(p[2:]), Index: binary.LittleEndian.Uint16(p[4:]), Length: binary.LittleEndian.Uint16(p[6:]),
	}
	u.buffer += setupSize
	answer, err := n.standard(s)
	if err == errNotStandard {
		answer, err = n.function.Control(u.ctx, s, p[setupSize:])
	}
	if err != nil {
		return err
	}
	u.actual = int(s.Length)
	if s.Type&inBit != 0 {
		u.in = answer[:min(len(answer), int(s.Length))]
		u.actual = len(u.in)
	}
	return nil
}

// standard answers what every device answers alike.
func (n *node) standard(s Setup) ([]byte, error) {
	type key struct{ kind, request byte }
	switch (key{s.Type, s.Request}) {
	case key{fromDevice, requestGetDescriptor}:
		if d := n.seat.device.descriptor(s.Value); d != nil {
			return d, nil
		}
		return nil, ErrStall
	case key{fromDevice, requestGetConfig}:
		return []byte{1}, nil
	case key{fromDevice, requestGetStatus}:
		return []byte{selfPowered, 0}, nil
	case key{fromEndpoint, requestGetStatus}:
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.halted[byte(s.Index)] {
			return []byte{1, 0}, nil
		}
		return []byte{0, 0}, nil
	case key{toEndpoint, requestClearFeature}:
		if s.Value != featureHalt {
			return nil, ErrStall
		}
		n.clear(func(e byte) bool { return e == byte(s.Index) })
		return nil, nil
	}
	if s.Type&0x60 == 0 { // standard, but not one that this device knows
		return nil, ErrStall
	}
	return nil, errNotStandard
}
