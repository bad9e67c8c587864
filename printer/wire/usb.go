package wire

import "fmt"

// USB dials a printer on the bus by vendor, product and serial number, whatever address
// it has today.
type USB struct {
	Vendor, Product uint16 // Product 0 is any of the vendor's
	// Serial is the serial number in its descriptor. Empty takes the only printer of
	// this vendor and product; of two none is taken.
	Serial string
	// Interface is the number of the interface; Out and In are the numbers of its
	// bulk endpoints, with or without the direction bit. 0 is the only one there is.
	Interface, Out, In int
}

// String names the printer, for example "usb 2166:701d serial 81500123".
func (u USB) String() string {
	name := fmt.Sprintf("usb %04x:%04x", u.Vendor, u.Product)
	if u.Serial != "" {
		name += " serial " + u.Serial
	}
	return name
}

// Attached is a device on the bus that could be a printer: it has an interface with a
// bulk endpoint each way. Which it is the drivers know by vendor and product.
type Attached struct {
	Vendor, Product     uint16
	Maker, Name, Serial string
	// Err is why the names could not be read, or nil; most often that this user may
	// not open the device.
	Err error
}
