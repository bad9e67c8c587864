package simulator

import "jukicard/apdu"

// byOffset is the EF and the offset in P1 P2 of READ and UPDATE BINARY: 15 bits in the
// current EF, or P1 = 80 | short identifier and 8 bits (ISO/IEC 7816-4:2020, 11.3.2).
func (c *Card) byOffset(p1, p2 byte) (e *element, offset int, sw apdu.SW) {
	switch {
	case p1&0x80 == 0:
		if c.ef == nil {
			return nil, 0, apdu.SWNoCurrentEF
		}
		return c.ef, int(p1)<<8 | int(p2), apdu.SWOK
	case p1&0x60 != 0 || p1&0x1F == 0:
		return nil, 0, apdu.SWIncorrectP1P2
	}
	if e = c.bySFI(p1 & 0x1F); e == nil {
		return nil, 0, apdu.SWFileNotFound
	}
	return e, int(p2), apdu.SWOK
}

// transparent gives the file in e, or why it has none of that structure. An EF of
// which the public knows nothing is refused as one that wants a key nobody has.
func (e *element) transparent() (*file, apdu.SW) {
	switch {
	case e.file != nil && !e.file.record:
		return e.file, apdu.SWOK
	case e.opaque:
		return nil, apdu.SWSecurityStatus
	}
	return nil, apdu.SWCommandIncompatible
}

// readBinary is READ BINARY: fewer bytes than Le at the end of the file with 9000,
// 6B00 from there on (card fact sheet, 4.1).
func (c *Card) readBinary(cmd apdu.Command) apdu.SW {
	e, offset, sw := c.byOffset(cmd.P1, cmd.P2)
	if sw != apdu.SWOK {
		return sw
	}
	f, sw := e.transparent()
	switch {
	case sw != apdu.SWOK:
		return sw
	case cmd.Ne == 0 || len(cmd.Data) > 0:
		return apdu.SWWrongLength
	case !c.allowed(f.read):
		return apdu.SWSecurityStatus
	case offset >= f.limit:
		return apdu.SWWrongP1P2
	}
	c.out = append(c.out, f.content[offset:min(offset+cmd.Ne, f.limit)]...)
	return apdu.SWOK
}

// updateBinary is UPDATE BINARY, inside the channel (docs/CARD-WRITING.md).
func (c *Card) updateBinary(cmd apdu.Command) apdu.SW {
	e, offset, sw := c.byOffset(cmd.P1, cmd.P2)
	if sw != apdu.SWOK {
		return sw
	}
	f, sw := e.transparent()
	switch {
	case sw != apdu.SWOK:
		return sw
	case !f.write || !c.secured:
		return apdu.SWSecurityStatus
	case len(cmd.Data) == 0:
		return apdu.SWWrongLength
	case offset >= f.size || f.elastic && offset > f.limit:
		return apdu.SWWrongP1P2
	case offset+len(cmd.Data) > f.size:
		return apdu.SWNotEnoughMemory
	}
	return c.commit(change{Op: opWrite, On: e.path, At: offset, Data: cmd.Data})
}
