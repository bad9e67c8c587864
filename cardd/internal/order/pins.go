package order

import (
	"jukicard/apdu/secret"
	"jukicard/cardd/juki"
)

// PINs are the PINs a holder set, by class. They travel apart from the order and
// are never written down.
type PINs map[juki.PINClass]secret.Bytes

// ParsePINs reads pins.json: an object with one text per class, "signature",
// "authentication", "resident" or "text". Each must be as its class demands; which
// classes a card needs is Check's question. The error is Problems. b stays the
// caller's, who clears it.
func ParsePINs(b []byte) (PINs, error) {
	d := document{root: rootPINs, b: b}
	n, err := d.readJSON()
	return parsePINs(&d, n, err)
}

// ParsePINsCBOR is ParsePINs for the same structure in CBOR.
func ParsePINsCBOR(b []byte) (PINs, error) {
	d := document{root: rootPINs, b: b}
	n, err := d.readCBOR()
	return parsePINs(&d, n, err)
}

func parsePINs(d *document, n node, broken *juki.InputError) (PINs, error) {
	defer d.clear()
	if broken != nil {
		return nil, Problems{broken}
	}
	var problems Problems
	f := openForm(&problems, rootPINs, "", &n, classNames()...)
	pins := PINs{}
	for _, class := range juki.PINClasses {
		pin := f.text(string(class), optional)
		if pin == nil {
			continue
		}
		f.refuse(string(class), juki.CheckPIN(class, pin))
		pins[class] = secret.New(pin)
	}
	if err := problems.err(); err != nil {
		pins.Destroy()
		return nil, err
	}
	return pins, nil
}

func classNames() []string {
	names := make([]string, len(juki.PINClasses))
	for i, c := range juki.PINClasses {
		names[i] = string(c)
	}
	return names
}

// Check compares the classes with those that the card needs; every one missing and
// every one too many is in the error, which is Problems.
func (p PINs) Check(e juki.Eligibility) error {
	var problems Problems
	for _, class := range juki.PINClasses {
		needed, offered := only(e.PINs, class), p.only(class)
		problems.noteErr(juki.CheckPINClasses(needed, offered), rootPINs+"."+string(class), "ORDER-FIELD-UNKNOWN")
	}
	return problems.err()
}

// only is class alone where it is among classes.
func only(classes []juki.PINClass, class juki.PINClass) []juki.PINClass {
	for _, c := range classes {
		if c == class {
			return []juki.PINClass{class}
		}
	}
	return nil
}

func (p PINs) only(class juki.PINClass) []juki.PINClass {
	if _, ok := p[class]; ok {
		return []juki.PINClass{class}
	}
	return nil
}

// Wire is the PINs as ParsePINs reads them, for who sends them to the daemon. The
// result is the caller's to clear. A PIN that its class does not allow is an
// error, and so is a destroyed one.
func (p PINs) Wire() ([]byte, error) {
	out := append(make([]byte, 0, 256), '{') // four classes of 16 characters fit: no outgrown copy is left
	for _, class := range juki.PINClasses {
		pin, ok := p[class]
		if !ok {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), class...), `":"`...)
		err := pin.Lend(func(b []byte) error {
			out = append(out, b...)
			return juki.CheckPIN(class, b) // letters and digits: nothing to escape
		})
		if err != nil {
			clear(out[:cap(out)])
			return nil, err
		}
		out = append(out, '"')
	}
	return append(out, '}'), nil
}

// Destroy clears all PINs.
func (p PINs) Destroy() {
	for _, pin := range p {
		pin.Destroy()
	}
}
