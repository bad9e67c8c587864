package simulator

import "jukicard/apdu"

// byRecord is the EF in P2 of READ and UPDATE RECORD: short identifier and 4, "P1 is
// a record number" (ISO/IEC 7816-4:2020, Table 83). Reading from P1 to the last record
// is one a card need not have, and this one has not.
func (c *Card) byRecord(cmd apdu.Command) (*element, *file, apdu.SW) {
	e := c.ef
	if sfi := cmd.P2 >> 3; sfi != 0 {
		if e = c.bySFI(sfi); e == nil {
			return nil, nil, apdu.SWFileNotFound
		}
	}
	switch {
	case e == nil:
		return nil, nil, apdu.SWNoCurrentEF
	case e.opaque:
		return nil, nil, apdu.SWSecurityStatus
	case e.file == nil || !e.file.record:
		return nil, nil, apdu.SWCommandIncompatible
	case cmd.P2&0x07 == 5:
		return nil, nil, apdu.SWFunctionNotSupported
	case cmd.P2&0x07 != 4:
		return nil, nil, apdu.SWIncorrectP1P2
	}
	return e, e.file, apdu.SWOK
}

func (f *file) has(record byte) bool { return record >= 1 && int(record) <= len(f.records) }

// readRecord is READ RECORD.
func (c *Card) readRecord(cmd apdu.Command) apdu.SW {
	_, f, sw := c.byRecord(cmd)
	switch {
	case sw != apdu.SWOK:
		return sw
	case cmd.Ne == 0 || len(cmd.Data) > 0:
		return apdu.SWWrongLength
	case !c.allowed(f.read):
		return apdu.SWSecurityStatus
	case !f.has(cmd.P1):
		return apdu.SWRecordNotFound
	}
	r := f.records[cmd.P1-1]
	c.out = append(c.out, r[:min(cmd.Ne, len(r))]...)
	return apdu.SWOK
}

// updateRecord is UPDATE RECORD, inside the channel (docs/CARD-WRITING.md).
func (c *Card) updateRecord(cmd apdu.Command) apdu.SW {
	e, f, sw := c.byRecord(cmd)
	switch {
	case sw != apdu.SWOK:
		return sw
	case !f.write || !c.secured:
		return apdu.SWSecurityStatus
	case len(cmd.Data) == 0:
		return apdu.SWWrongLength
	case !f.has(cmd.P1):
		return apdu.SWRecordNotFound
	case len(cmd.Data) > f.size:
		return apdu.SWNotEnoughMemory
	}
	return c.commit(change{Op: opRecord, On: e.path, At: int(cmd.P1), Data: cmd.Data})
}
