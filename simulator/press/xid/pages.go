package xid

import "encoding/binary"

// inquiry is its name: 96 bytes.
func (p *Printer) inquiry() []byte {
	b := make([]byte, 96)
	b[0], b[4] = 0x02, 91 // a printer (SPC)
	copy(b[8:], "GPRINTEC")
	copy(b[16:24], p.cfg.Type)
	serial, _ := p.label()
	copy(b[24:32], serial)
	copy(b[58:71], "1.02A        ")
	copy(b[71:79], "0.9     ")
	copy(b[79:87], "3.1     ")
	return b
}

// page is MODE SENSE: 63h the ribbon's label, 68h sizes, settings and what is left.
func (p *Printer) page(number byte) ([]byte, uint32) {
	s := p.cfg.Press.Snapshot()
	switch number {
	case 0x63:
		b := make([]byte, 44)
		b[0], b[2], b[4], b[5], b[6] = 0x2B, 0x10, 0x23, 0x26, ink(s)
		binary.BigEndian.PutUint16(b[8:], uint16(s.RibbonMax))
		copy(b[12:18], "FC2221")
		return b, fine
	case 0x68:
		b := make([]byte, 64)
		b[0], b[2], b[4], b[5] = 0x2F, 0x10, 0x28, 0x3A
		width, height := p.cfg.Press.Size()
		dpi := 300
		if p.turned {
			dpi = 600
		}
		for at, n := range map[int]int{8: dpi, 10: dpi, 16: width * 2026 / 2072, 18: height * 1278 / 1328, 32: width, 34: height} {
			binary.BigEndian.PutUint16(b[at:], uint16(n))
		}
		b[51], b[52], b[53] = share(s.FilmLeft, s.FilmMax, 10), share(s.Ribbon, s.RibbonMax, 50), hopper(s)
		return b, fine
	}
	return nil, badCommand
}

// log is LOG SENSE 78h, the counters.
func (p *Printer) log(number byte) ([]byte, uint32) {
	if number != 0x78 {
		return nil, badCommand
	}
	s := p.cfg.Press.Snapshot()
	b := make([]byte, 52)
	b[0], b[3] = 0x38, 0x20
	for tag, n := range []uint64{s.Cards, s.Cards % 100, s.Passes, s.SinceCleaning, s.Errors} {
		entry := b[4+8*tag:]
		binary.BigEndian.PutUint16(entry, uint16(tag))
		binary.BigEndian.PutUint16(entry[2:], 4)
		binary.BigEndian.PutUint32(entry[4:], uint32(n))
	}
	return b, fine
}

// settings is MODE SELECT of block 2Ah: FF leaves a setting as it is.
func (p *Printer) settings(block byte, b []byte) uint32 {
	if block != 0x2A || len(b) != 10 || b[0] != 0x2A || b[1] != 8 {
		return cannot
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if b[7] != 0xFF {
		p.retry = b[7]
	}
	return fine
}
