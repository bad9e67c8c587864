//go:build linux

package usbbed

import (
	"encoding/binary"
	"unicode/utf16"
)

// Descriptor types (USB 2.0, table 9-5).
const (
	typeDevice    = 1
	typeConfig    = 2
	typeString    = 3
	typeInterface = 4
	typeEndpoint  = 5
)

// Numbers of the device's strings.
const (
	stringMaker = iota + 1
	stringName
	stringSerial
)

// deviceDescriptor is USB 2.0, 9.6.1.
func (d Device) deviceDescriptor() []byte {
	x := make([]byte, 18)
	x[0], x[1] = 18, typeDevice
	binary.LittleEndian.PutUint16(x[2:], 0x0200) // USB 2.0
	x[7] = 64                                    // packet size of endpoint 0
	binary.LittleEndian.PutUint16(x[8:], d.Vendor)
	binary.LittleEndian.PutUint16(x[10:], d.Product)
	binary.LittleEndian.PutUint16(x[12:], 0x0100) // release 1.0
	x[14], x[15], x[16] = stringMaker, stringName, stringSerial
	x[17] = 1 // one configuration
	return x
}

// configDescriptor is the configuration with its interfaces and endpoints (USB 2.0,
// 9.6.3, 9.6.5, 9.6.6).
func (d Device) configDescriptor() []byte {
	c := []byte{9, typeConfig, 0, 0, byte(len(d.Interfaces)), 1, 0, 0xC0, 1} // self-powered
	for i, n := range d.Interfaces {
		c = append(c, 9, typeInterface, byte(i), 0, 2, n.Class[0], n.Class[1], n.Class[2], 0)
		for _, address := range []byte{byte(n.Out), byte(n.In) | inBit} {
			c = append(c, 7, typeEndpoint, address, 2, packetSize&0xFF, packetSize>>8, 0) // bulk
		}
	}
	binary.LittleEndian.PutUint16(c[2:], uint16(len(c)))
	return c
}

// stringDescriptor is USB 2.0, 9.6.7; string 0 is the list of languages, English alone.
func stringDescriptor(text string) []byte {
	b := []byte{0, typeString}
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	b[0] = byte(len(b))
	return b
}

// descriptor answers GET_DESCRIPTOR; nil is a refusal.
func (d Device) descriptor(value uint16) []byte {
	switch byte(value >> 8) {
	case typeDevice:
		return d.deviceDescriptor()
	case typeConfig:
		return d.configDescriptor()
	case typeString:
		switch byte(value) {
		case 0:
			return []byte{4, typeString, 0x09, 0x04}
		case stringMaker:
			return stringDescriptor(d.Maker)
		case stringName:
			return stringDescriptor(d.Name)
		case stringSerial:
			return stringDescriptor(d.Serial)
		}
	}
	return nil
}
