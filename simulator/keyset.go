package simulator

import (
	"errors"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
	"jukicard/apdu/tlv"
)

// swCheckValue is "invalid key check value" (GPC_SPE_034 v2.3.1, Table 11-78).
const swCheckValue apdu.SW = 0x9485

const (
	keySetID    = 0x81 // PUT KEY P2: several keys, the first has identifier 1
	versionMax  = 0x7F
	checkValues = 3 // bytes
)

// onDomain says why a command of the issuer domain cannot be carried out, 9000 when
// it can: it wants the domain current and the channel.
func (c *Card) onDomain() apdu.SW {
	switch {
	case !c.secured:
		return apdu.SWSecurityStatus
	case c.app != c.domain:
		return apdu.SWConditionsNotSatisfied
	}
	return apdu.SWOK
}

// putKey is PUT KEY: P1 00 adds a key set, another P1 replaces that version, at once or
// not at all (GPC_SPE_034 v2.3.1, 11.8; Amendment D v1.1.2, 7.2). The channel that
// carried it goes on.
func (c *Card) putKey(cmd apdu.Command) apdu.SW {
	if sw := c.onDomain(); sw != apdu.SWOK {
		return sw
	}
	switch {
	case cmd.P2 != keySetID:
		return apdu.SWIncorrectP1P2
	case cmd.P1 != 0 && c.keySet(cmd.P1) == nil:
		return apdu.SWReferenceDataNotFound
	}
	version, keys, err := scp03.ParsePutKey(cmd.Data, c.opened)
	switch {
	case errors.Is(err, scp03.ErrCheckValue):
		return swCheckValue
	case err != nil, version == 0 || version > versionMax, version != cmd.P1 && c.keySet(version) != nil:
		return apdu.SWWrongData
	}
	set := keySet{version: version, keys: keys}
	if sw := c.commit(putKeysChange(cmd.P1, set)); sw != apdu.SWOK {
		return sw
	}
	var kcv [3][checkValues]byte
	for i := range kcv {
		if kcv[i], err = keys.CheckValue(scp03.Usage(i + 1)); err != nil {
			return apdu.SWUnknown
		}
	}
	c.out = append(c.out, scp03.PutKeyAnswer(version, kcv)...)
	return apdu.SWOK
}

// deleteKey is DELETE of a whole key set, D2 {version} (GPC_SPE_034 v2.3.1, 11.2.2.3.2).
// The last one stays, and single keys too: a set of two opens nothing.
func (c *Card) deleteKey(cmd apdu.Command) apdu.SW {
	const tagKeyVersion, tagKeyIdentifier tlv.Tag = 0xD2, 0xD0
	if sw := c.onDomain(); sw != apdu.SWOK {
		return sw
	}
	version, ok := tlv.Find(cmd.Data, tagKeyVersion)
	_, single := tlv.Find(cmd.Data, tagKeyIdentifier)
	switch {
	case cmd.P1 != 0:
		return apdu.SWIncorrectP1P2
	case !ok || single || len(version) != 1:
		return apdu.SWWrongData
	case version[0] == 0 || c.keySet(version[0]) == nil:
		return apdu.SWReferenceDataNotFound
	case len(c.sets) == 1:
		return apdu.SWConditionsNotSatisfied
	}
	if sw := c.commit(change{Op: opDropKeys, N: int(version[0])}); sw != apdu.SWOK {
		return sw
	}
	c.out = append(c.out, 0x00) // no confirmation (GPC_SPE_034 v2.3.1, 11.2.3.1)
	return apdu.SWOK
}
