package simulator

import (
	"encoding/binary"
	"encoding/hex"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/apdu/tlv"
)

// computed are the data objects that a card works out when asked, by their names in
// the profile.
var computed = map[string]func(*Card) []byte{
	"recognition":     (*Card).recognition,
	"capabilities":    (*Card).capabilities,
	"key-information": (*Card).keyInformation,
	"cplc":            (*Card).cplc,
	contactATR:        (*Card).storedATR,
}

// contactATR names the one object that also answers inside an AP (card fact sheet, 1.1).
const contactATR = "contact-atr"

// getData is GET DATA: objects of the issuer domain while no AP is selected. A Le
// shorter than the object is 6700, not 6Cxx (card fact sheet, 1.1).
func (c *Card) getData(cmd apdu.Command) apdu.SW {
	if len(cmd.Data) > 0 || cmd.Ne == 0 {
		return apdu.SWWrongLength
	}
	value := c.dataObject(profile.FileID(cmd.P1)<<8 | profile.FileID(cmd.P2))
	switch {
	case value == nil:
		return apdu.SWReferenceDataNotFound
	case len(value) > cmd.Ne:
		return apdu.SWWrongLength
	}
	c.out = append(c.out, value...)
	return apdu.SWOK
}

// dataObject is the value of a tag, nil when it is absent here.
func (c *Card) dataObject(tag profile.FileID) []byte {
	if c.app == c.domain && tag == c.profile.Writing.StateObject {
		return c.personalisation()
	}
	o := c.domain.objectByTag(tag)
	switch {
	case o == nil, c.app != c.domain && o.Name != contactATR:
		return nil
	case computed[o.Name] != nil:
		return computed[o.Name](c)
	}
	return o.value
}

// putData is PUT DATA for the objects of the domain that issuing writes.
func (c *Card) putData(cmd apdu.Command) apdu.SW {
	tag := profile.FileID(cmd.P1)<<8 | profile.FileID(cmd.P2)
	var o *object
	if c.app == c.domain {
		o = c.domain.objectByTag(tag)
	}
	switch {
	case o == nil:
		return apdu.SWReferenceDataNotFound
	case len(o.Write) == 0 || !c.secured:
		return apdu.SWSecurityStatus
	case len(cmd.Data) == 0:
		return apdu.SWWrongLength
	case o.Size != 0 && len(cmd.Data) != o.Size || len(cmd.Data) > apdu.MaxShortData:
		return apdu.SWWrongData
	}
	return c.commit(objectChange(tag, cmd.Data))
}

// storedATR is the contact ATR without TS, on a contactless card too.
func (c *Card) storedATR() []byte {
	if atr := firstATR(c.profile, false); len(atr) > 1 {
		return atr[1:]
	}
	return nil
}

// Object identifiers below 1.2.840.114283, GlobalPlatform (GPC_SPE_034 v2.3.1, H.2).
var (
	oidGlobalPlatform = []byte{0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B}
	oidRecognition    = append(oidGlobalPlatform[:6:6], 1)
	oidManagement231  = append(oidGlobalPlatform[:6:6], 2, 2, 3, 1) // Card Specification 2.3.1
	oidIdentification = append(oidGlobalPlatform[:6:6], 3)
)

// recognition is 66, the card recognition data, naming SCP03 and its "i".
func (c *Card) recognition() []byte {
	const tagOID tlv.Tag = 0x06
	oid := func(value ...byte) []byte { return tlv.Append(nil, tagOID, value) }
	scp := append(oidGlobalPlatform[:6:6], 4, 3, byte(c.options))
	inner := oid(oidRecognition...)
	inner = tlv.Append(inner, 0x60, oid(oidManagement231...))
	inner = tlv.Append(inner, 0x63, oid(oidIdentification...))
	inner = tlv.Append(inner, 0x64, oid(scp...))
	return tlv.Append(nil, 0x66, tlv.Append(nil, 0x73, inner))
}

// capabilities is 67: SCP03 with this "i" and AES keys of 128, 192 and 256 bits
// (GPC_SPE_034 v2.3.1, H.4).
func (c *Card) capabilities() []byte {
	scp := tlv.Append(nil, 0x80, []byte{3})
	scp = tlv.Append(scp, 0x81, []byte{byte(c.options)})
	scp = tlv.Append(scp, 0x82, []byte{0x07})
	return tlv.Append(nil, 0x67, tlv.Append(nil, 0xA0, scp))
}

// keyInformation is E0: key identifier, version, type AES and length of every key
// (GPC_SPE_034 v2.3.1, 11.3.3.1).
func (c *Card) keyInformation() []byte {
	const typeAES = 0x88
	var inner []byte
	for _, s := range c.sets {
		for id := scp03.ENC; id <= scp03.DEK; id++ {
			inner = tlv.Append(inner, 0xC0, []byte{byte(id), s.version, typeAES, byte(s.keys.Size())})
		}
	}
	return tlv.Append(nil, 0xE0, inner)
}

// cplc is 9F7F, the production life cycle data: 42 bytes, all zero but the IC serial
// number and batch, which are the end of the card number in BCD. No real maker has
// the number 0000.
func (c *Card) cplc() []byte {
	const serialAt, size = 12, 42 // GlobalPlatform's CPLC: IC serial 4, IC batch 2
	b := make([]byte, size)
	_, _ = hex.Decode(b[serialAt:], []byte(c.id[len(c.id)-12:]))
	return tlv.Append(nil, 0x9F7F, b)
}

// States in the personalisation state (docs/CARD-WRITING.md).
const (
	statePresent = 0x01 // written, present, set
	stateBlocked = 0x02 // by wrong tries
)

// personalisation says what is no longer as the maker left it.
func (c *Card) personalisation() []byte {
	b := []byte{c.life}
	entry := func(app int, id profile.FileID, state byte, value int) {
		b = append(b, byte(app))
		b = binary.BigEndian.AppendUint16(b, uint16(id))
		b = append(b, state)
		b = binary.BigEndian.AppendUint16(b, uint16(value))
	}
	for _, o := range c.domain.objects {
		if len(o.Write) > 0 && o.value != nil {
			entry(0, o.Tag, statePresent, len(o.value))
		}
	}
	for _, a := range c.apps {
		for _, e := range a.elements {
			if state, value := e.personalisation(); state != 0 {
				entry(a.index, e.id, state, value)
			}
		}
	}
	return b
}

// personalisation is the state and value of one EF; state 0 when it is as made.
func (e *element) personalisation() (state byte, value int) {
	switch {
	case e.file != nil && e.file.written && !e.file.made:
		if e.file.record {
			return statePresent, len(e.file.records)
		}
		return statePresent, e.file.high
	case e.key != nil && e.key.private != nil && !e.key.Made:
		return statePresent, e.key.kind.bits
	case e.reference != nil && e.reference.value != nil:
		if e.reference.left == 0 {
			return stateBlocked, 0
		}
		return statePresent, e.reference.left
	}
	return 0, 0
}
