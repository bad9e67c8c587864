package simulator

import (
	"bytes"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/tlv"
)

// P2 of SELECT: which occurrence and what to answer (ISO/IEC 7816-4:2020, Table 63).
const (
	selectFirst = 0x00
	selectNext  = 0x02
	noFCI       = 0x0C
)

// swCardLocked warns that the card is locked (GPC_SPE_034 v2.3.1, Table 11-83).
const swCardLocked = apdu.SWDeactivated

// selectFile is SELECT (card fact sheet, 1, "SELECT variants").
func (c *Card) selectFile(cmd apdu.Command) apdu.SW {
	occurrence, silent := cmd.P2&0x03, cmd.P2&noFCI == noFCI
	if cmd.P2&^(noFCI|0x03) != 0 || !silent && cmd.P2&noFCI != 0 {
		return apdu.SWIncorrectP1P2
	}
	switch cmd.P1 {
	case 0x00:
		return c.selectMF(cmd)
	case 0x02:
		return c.selectEF(cmd)
	case 0x04:
		if occurrence != selectFirst && occurrence != selectNext {
			return apdu.SWIncorrectP1P2
		}
		return c.selectByName(cmd.Data, occurrence == selectNext, !silent && cmd.Ne > 0)
	}
	return apdu.SWIncorrectP1P2 // paths among them
}

// selectMF is the trap that looks like success: with an AP current it says 9000 and
// changes nothing, after reset it says 6A86, and no identifier is found by it.
func (c *Card) selectMF(cmd apdu.Command) apdu.SW {
	switch {
	case len(cmd.Data) > 0:
		return apdu.SWFileNotFound
	case c.app == c.domain:
		return apdu.SWIncorrectP1P2
	}
	return apdu.SWOK
}

func (c *Card) selectEF(cmd apdu.Command) apdu.SW {
	if len(cmd.Data) != 2 {
		return apdu.SWWrongLength
	}
	e := c.app.byID(profile.FileID(cmd.Data[0])<<8 | profile.FileID(cmd.Data[1]))
	if e == nil {
		return apdu.SWFileNotFound
	}
	c.ef = e
	return apdu.SWOK
}

// selectByName selects an application by its AID or the beginning of it. An empty name
// is the issuer domain's (GPC_SPE_034 v2.3.1, 11.9.2.3). What FCI an AP would give is
// not public: it gives none.
func (c *Card) selectByName(name []byte, next, fci bool) apdu.SW {
	a := c.byName(name, next)
	switch {
	case a == nil:
		return apdu.SWFileNotFound
	case a != c.domain && c.life == lifeLocked:
		return apdu.SWFunctionNotSupported // GPC_SPE_034 v2.3.1, Table 11-84
	case a != c.domain && c.life == lifeTerminated:
		return apdu.SWConditionsNotSatisfied
	}
	c.enter(a)
	if a != c.domain {
		return apdu.SWOK
	}
	if fci {
		c.out = c.appendFCI(c.out)
	}
	if c.life == lifeLocked {
		return swCardLocked
	}
	return apdu.SWOK
}

// byName finds the first application whose AID begins with name, or the next one
// behind the current; nil when there is none.
func (c *Card) byName(name []byte, next bool) *application {
	if len(name) == 0 {
		return c.domain
	}
	from := 0
	if next {
		from = c.app.index + 1
	}
	for _, a := range c.all[from:] {
		if bytes.HasPrefix(a.aid, name) {
			return a
		}
	}
	return nil
}

// enter makes an application current. The security status of the same one is kept,
// which clients rely on between VERIFY and signing; another's is gone. The issuer's
// channel ends with any selection by name.
func (c *Card) enter(a *application) {
	c.ef = nil
	c.text.end()
	c.listed = 0
	c.channel.Reset()
	if a == c.app {
		return
	}
	c.app = a
	c.verified = 0
}

// appendFCI is the domain's file control information: AID, and the most command data
// a key manager should send (GPC_SPE_034 v2.3.1, 11.9.3.1).
func (c *Card) appendFCI(dst []byte) []byte {
	const (
		tagFCI         tlv.Tag = 0x6F
		tagAID         tlv.Tag = 0x84
		tagProprietary tlv.Tag = 0xA5
		tagMaxData     tlv.Tag = 0x9F65
	)
	proprietary := tlv.Append(nil, tagMaxData, []byte{apdu.MaxShortData})
	inner := tlv.Append(nil, tagAID, c.domain.aid)
	return tlv.Append(dst, tagFCI, tlv.Append(inner, tagProprietary, proprietary))
}

// bySFI makes the EF of a short identifier current; nil when there is none.
func (c *Card) bySFI(sfi byte) *element {
	if int(sfi) >= len(c.app.short) || c.app.short[sfi] == nil {
		return nil
	}
	c.ef = c.app.short[sfi]
	return c.ef
}

// byP2 is the EF that P2 = 80 | short identifier names, 80 being the current one
// (card fact sheet, 1, "Short EF identifier").
func (c *Card) byP2(p2 byte) (*element, apdu.SW) {
	switch {
	case p2&0xE0 != 0x80:
		return nil, apdu.SWIncorrectP1P2
	case p2 == 0x80:
		if c.ef == nil {
			return nil, apdu.SWNoCurrentEF
		}
		return c.ef, apdu.SWOK
	}
	e := c.bySFI(p2 & 0x1F)
	if e == nil {
		return nil, apdu.SWFileNotFound
	}
	return e, apdu.SWOK
}
