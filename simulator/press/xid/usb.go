package xid

import (
	"context"
	"encoding/binary"

	"jukicard/printer"
	"jukicard/simulator/usbbed"
)

// bulkOnly is where the USB conversation stands (USB Mass Storage Class, Bulk-Only
// Transport 1.0). It is guarded by Printer.mu.
type bulkOnly struct {
	wrapper  []byte // the command block wrapper whose data is coming in; nil: a wrapper comes next
	data     []byte
	told     bool // the middle of the data was told to the mechanics
	transfer []reply
	sense    uint32
	lost     bool // a wrapper was not valid: only a reset helps
	wake     chan struct{}
}

// reply is one transfer to the host, or a stall in its place.
type reply struct {
	bytes []byte
	stall bool
}

const (
	wrapperSize = 31
	statusSize  = 13
)

// Device is what it says of itself on the bus (usb.txt: the maker's and product's names;
// the class is that of mass storage).
func (p *Printer) Device() usbbed.Device {
	serial, _ := p.label()
	return usbbed.Device{
		Vendor: 0x2166, Product: 0x701D, Maker: "G-Printec, Inc.", Name: "Card Printer", Serial: serial,
		Interfaces: []usbbed.Interface{{Class: [3]byte{0x08, 0x06, 0x50}, Out: 2, In: 1}},
	}
}

// Control takes the Bulk-Only reset (BOT 3.1) and nothing else.
func (p *Printer) Control(_ context.Context, s usbbed.Setup, _ []byte) ([]byte, error) {
	if s.Type != 0x21 || s.Request != 0xFF {
		return nil, usbbed.ErrStall
	}
	p.mu.Lock()
	p.usb = bulkOnly{wake: p.usb.wake, sense: p.usb.sense}
	p.mu.Unlock()
	p.cfg.Press.Hear()
	return nil, nil
}

// Out takes a command wrapper or data.
func (p *Printer) Out(ctx context.Context, _ int, b []byte) (int, error) {
	p.took(len(b))
	p.mu.Lock()
	u := &p.usb
	switch {
	case u.lost:
		p.mu.Unlock()
		return 0, usbbed.ErrStall
	case u.wrapper == nil && (len(b) != wrapperSize || string(b[:4]) != "USBC" || b[14] < 1 || b[14] > 16):
		u.lost = true // BOT 6.6.1
		p.mu.Unlock()
		return 0, usbbed.ErrStall
	case u.wrapper == nil:
		u.wrapper = append([]byte(nil), b...)
	default:
		u.data = append(u.data, b...)
	}
	whole, half := u.whole(), u.half()
	p.mu.Unlock()
	if half {
		if t := p.cfg.Press.Receive(); t != nil || p.cfg.Press.Deaf() {
			<-ctx.Done()
			return 0, ctx.Err()
		}
	}
	if whole {
		p.run()
	}
	return len(b), nil
}

// whole is whether the command has all its data.
func (u *bulkOnly) whole() bool {
	return u.wrapper[12]&0x80 != 0 || len(u.data) >= int(binary.LittleEndian.Uint32(u.wrapper[8:]))
}

// half is whether the middle of a plane has just come in.
func (u *bulkOnly) half() bool {
	if u.wrapper[15] != 0x2A || u.told || 2*len(u.data) < int(binary.LittleEndian.Uint32(u.wrapper[8:])) {
		return false
	}
	u.told = true
	return true
}

// run carries a command out and puts its data and its status in line.
func (p *Printer) run() {
	p.mu.Lock()
	wrapper, data, sense := p.usb.wrapper, p.usb.data, p.usb.sense
	p.usb.wrapper, p.usb.data, p.usb.told = nil, nil, false
	p.mu.Unlock()
	want := int(binary.LittleEndian.Uint32(wrapper[8:]))
	out, code := p.scsi(wrapper[15:15+int(wrapper[14])], data, sense)
	if code == noAnswer {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.usb.sense = code
	residue := 0
	if wrapper[12]&0x80 != 0 {
		out = out[:min(len(out), want)]
		residue = want - len(out)
		// What has nothing to give stalls before its status (BOT 6.7.2).
		p.usb.transfer = append(p.usb.transfer, reply{bytes: out, stall: len(out) == 0})
	}
	status := make([]byte, statusSize)
	copy(status, "USBS")
	copy(status[4:8], wrapper[4:8])
	binary.LittleEndian.PutUint32(status[8:], uint32(residue))
	if code != fine {
		status[12] = 1
	}
	p.usb.transfer = append(p.usb.transfer, reply{bytes: status})
	select {
	case p.usb.wake <- struct{}{}:
	default:
	}
}

// In gives the next transfer.
func (p *Printer) In(ctx context.Context, _ int, n int) ([]byte, error) {
	for {
		p.mu.Lock()
		if len(p.usb.transfer) > 0 {
			r := p.usb.transfer[0]
			if len(r.bytes) > n {
				p.usb.transfer[0].bytes = r.bytes[n:]
			} else {
				p.usb.transfer = p.usb.transfer[1:]
			}
			p.mu.Unlock()
			if r.stall {
				return nil, usbbed.ErrStall
			}
			return r.bytes[:min(n, len(r.bytes))], nil
		}
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.usb.wake:
		}
	}
}

// scsi is one command: what it gives, and its code. sense is that of the one before.
func (p *Printer) scsi(cdb, data []byte, sense uint32) ([]byte, uint32) {
	cdb = append(append([]byte(nil), cdb...), make([]byte, 10)...)
	switch cdb[0] {
	case 0x00:
		return nil, p.state()
	case 0x01:
		return nil, p.done(p.cfg.Press.Initialise())
	case 0x03:
		b := make([]byte, 20)
		b[0], b[2], b[7], b[12] = 0x70, byte(sense>>16), 0x0C, byte(sense>>8)
		return b, fine
	case 0x12:
		return p.inquiry(), fine
	case 0x15:
		return nil, p.settings(cdb[2], data)
	case 0x1A:
		return p.page(cdb[2])
	case 0x1D:
		return nil, p.done(p.cfg.Press.TestCard())
	case 0x2A:
		planes := "KCMY"
		if int(cdb[2]) >= len(planes) {
			return nil, cannot
		}
		return nil, p.plane(planes[cdb[2]], data)
	case 0x31:
		return nil, p.mechanism(cdb)
	case 0x32:
		return nil, p.contacts(cdb[1])
	case 0x34:
		mode, at, code := p.where()
		if code != fine {
			return nil, code
		}
		return []byte{mode, 0, 0, 0, 0, 0, 0, at}, fine
	case 0x4D:
		return p.log(cdb[2])
	}
	return nil, badCommand
}

// mechanism is command 31h.
func (p *Printer) mechanism(cdb []byte) uint32 {
	switch cdb[1] {
	case 0x01:
		return p.load(cdb[7])
	case 0x0B:
		return p.move(cdb[7], cdb[4]&2 != 0)
	case 0x08:
		panels := ""
		if cdb[2]&0x02 != 0 {
			panels = "YMC"
		}
		if cdb[2]&0x04 != 0 {
			panels += "K"
		}
		return p.film(panels)
	case 0x09:
		return p.transfer(eject)
	case 0x0A:
		return p.transfer(turn)
	case 0x0D:
		return p.transfer(back)
	}
	return badCommand
}

// contacts is command 32h.
func (p *Printer) contacts(what byte) uint32 {
	switch what {
	case 0:
		return p.chip(printer.Contact, true)
	case 4:
		return p.chip(printer.Contactless, true)
	case 1, 5:
		return p.chip(printer.Hopper, false)
	}
	return badCommand
}
