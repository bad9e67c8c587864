package simulator

import (
	"bytes"
	"slices"

	"jukicard/apdu"
	"jukicard/apdu/tlv"
)

// swMoreData is "more data available" (GPC_SPE_034 v2.3.1, Table 11-38).
const swMoreData apdu.SW = 0x6310

// Subsets of the registry, P1 of GET STATUS (GPC_SPE_034 v2.3.1, 11.4.2.1).
const (
	statusDomain       = 0x80
	statusApplications = 0x40
	statusFiles        = 0x20
	statusModules      = 0x10
)

// Tags of an entry of the registry (GPC_SPE_034 v2.3.1, Table 11-36).
const (
	tagEntry      tlv.Tag = 0xE3
	tagEntryAID   tlv.Tag = 0x4F
	tagEntryState tlv.Tag = 0x9F70
	tagEntryPriv  tlv.Tag = 0xC5
	tagEntryOwner tlv.Tag = 0xCC
	tagTagList    tlv.Tag = 0x5C
)

const (
	stateSelectable  = 0x07 // of an application (GPC_SPE_034 v2.3.1, Table 11-4)
	privilegesDomain = 0x9E // security domain, card lock, terminate, reset, CVM (Table 11-7)
	listingMax       = 200  // bytes of entries in one answer: fits a short one, protected too
)

// getStatus is GET STATUS of the domain and the applications, in the old form (P2 00)
// and in TLV (P2 02); P2 odd goes on after 6310. There are no load files to list.
func (c *Card) getStatus(cmd apdu.Command) apdu.SW {
	if sw := c.onDomain(); sw != apdu.SWOK {
		return sw
	}
	if cmd.P2&^0x03 != 0 || !slices.Contains([]byte{statusDomain, statusApplications, statusFiles, statusModules}, cmd.P1) {
		return apdu.SWIncorrectP1P2
	}
	qualifier, ok := tlv.Find(cmd.Data, tagEntryAID)
	if !ok {
		return apdu.SWWrongData
	}
	tags, _ := tlv.Find(cmd.Data, tagTagList)
	if cmd.P2&0x01 == 0 {
		c.listed = 0
	}
	return c.list(c.matching(cmd.P1, qualifier), cmd.P2&0x02 != 0, tags)
}

// matching is the subset of the registry whose AIDs begin with the qualifier.
func (c *Card) matching(subset byte, qualifier []byte) []*application {
	var from []*application
	switch subset {
	case statusDomain:
		from = []*application{c.domain}
	case statusApplications:
		from = c.apps
	}
	var found []*application
	for _, a := range from {
		if bytes.HasPrefix(a.aid, qualifier) {
			found = append(found, a)
		}
	}
	return found
}

// list appends entries from where the last answer ended, as many as fit.
func (c *Card) list(found []*application, asTLV bool, tags []byte) apdu.SW {
	if c.listed >= len(found) {
		return apdu.SWReferenceDataNotFound
	}
	for ; c.listed < len(found); c.listed++ {
		entry := c.entry(found[c.listed], asTLV, tags)
		if len(c.out)+len(entry) > listingMax {
			return swMoreData
		}
		c.out = append(c.out, entry...)
	}
	return apdu.SWOK
}

func (c *Card) entry(a *application, asTLV bool, tags []byte) []byte {
	state, privileges := byte(stateSelectable), byte(0)
	if a == c.domain {
		state, privileges = c.life, privilegesDomain
	}
	if !asTLV {
		b := append([]byte{byte(len(a.aid))}, a.aid...)
		return append(b, state, privileges)
	}
	var inner []byte
	add := func(tag tlv.Tag, value ...byte) {
		if tag == tagEntryAID || len(tags) == 0 || listedTag(tags, tag) {
			inner = tlv.Append(inner, tag, value)
		}
	}
	add(tagEntryAID, a.aid...)
	add(tagEntryState, state)
	add(tagEntryPriv, privileges)
	if a != c.domain {
		add(tagEntryOwner, c.domain.aid...)
	}
	return tlv.Append(nil, tagEntry, inner)
}

// listedTag looks for a tag in a tag list (ISO/IEC 7816-4:2020, 12.1).
func listedTag(list []byte, tag tlv.Tag) bool {
	want := []byte{byte(tag)}
	if tag > 0xFF {
		want = []byte{byte(tag >> 8), byte(tag)}
	}
	return bytes.Contains(list, want)
}

// setStatus is SET STATUS of the domain: the lock. To the state there is already is
// success, so that a lost answer may be followed by the same command.
func (c *Card) setStatus(cmd apdu.Command) apdu.SW {
	if sw := c.onDomain(); sw != apdu.SWOK {
		return sw
	}
	switch {
	case cmd.P1 != statusDomain:
		return apdu.SWFunctionNotSupported // single applications are not locked here
	case cmd.P2 == c.life:
		return apdu.SWOK
	case !c.mayBecome(cmd.P2):
		return apdu.SWConditionsNotSatisfied
	}
	return c.commit(change{Op: opLife, N: int(cmd.P2)})
}

// mayBecome is the life cycle (GPC_SPE_034 v2.3.1, 5.1.2): from issue on never back,
// only a locked card may be unlocked.
func (c *Card) mayBecome(state byte) bool {
	switch state {
	case c.profile.Domain.Locked:
		return c.life == c.profile.Domain.Blank || c.life == lifeLocked
	case lifeLocked, lifeTerminated:
		return true
	}
	return false
}
