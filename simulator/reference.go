package simulator

import (
	"crypto/subtle"

	"jukicard/apdu"
)

// byReference is the PIN that P2 names.
func (c *Card) byReference(p2 byte) (*element, *reference, apdu.SW) {
	e, sw := c.byP2(p2)
	switch {
	case sw != apdu.SWOK:
		return nil, nil, sw
	case e.opaque:
		return nil, nil, apdu.SWSecurityStatus
	case e.reference == nil:
		return nil, nil, apdu.SWCommandIncompatible
	}
	return e, e.reference, apdu.SWOK
}

// verify is VERIFY. Without data it tells the tries left, 63Cx, also when the
// reference is verified already: 9000 would break clients. A blocked or unset
// reference answers 6984 (card fact sheet, 3).
func (c *Card) verify(cmd apdu.Command) apdu.SW {
	if cmd.P1 != 0 {
		return apdu.SWIncorrectP1P2
	}
	e, r, sw := c.byReference(cmd.P2)
	switch {
	case sw != apdu.SWOK:
		return sw
	case len(cmd.Data) == 0:
		return triesLeft(r.left)
	case r.left == 0:
		return apdu.SWReferenceDataUnusable
	case !equal(r.value, cmd.Data):
		return c.spendTry(e, r)
	case r.left < r.Tries:
		if sw := c.commit(change{Op: opTries, On: e.path, N: r.Tries}); sw != apdu.SWOK {
			return sw
		}
	}
	c.verified |= r.bit
	return apdu.SWOK
}

func triesLeft(n int) apdu.SW { return apdu.SWVerificationFailed | 0xC0 | apdu.SW(n) }

// spendTry counts a wrong presentation, of whatever length, and takes back the status.
// The counter is down before the answer is out.
func (c *Card) spendTry(e *element, r *reference) apdu.SW {
	c.verified &^= r.bit
	c.spent++
	if sw := c.commit(change{Op: opTries, On: e.path, N: r.left - 1}); sw != apdu.SWOK {
		return sw
	}
	return triesLeft(r.left)
}

// TriesSpent is how many wrong values were presented to this card since it was made,
// loaded or cloned, also where the tries were filled up again: what no counter on the
// card shows afterwards.
func (c *Card) TriesSpent() int { return c.spent }

// referenceMax is the longest reference a profile may have.
const referenceMax = 32

// equal compares in a time that tells neither where nor in what length they differ.
func equal(held, given []byte) bool {
	var a, b [referenceMax]byte
	copy(a[:], held)
	copy(b[:], given)
	same := subtle.ConstantTimeCompare(a[:], b[:]) & subtle.ConstantTimeEq(int32(len(held)), int32(len(given)))
	clear(a[:])
	clear(b[:])
	return same == 1
}

// changeReferenceData is CHANGE REFERENCE DATA with the new value only, after VERIFY.
func (c *Card) changeReferenceData(cmd apdu.Command) apdu.SW {
	if cmd.P1 != 0x01 {
		return apdu.SWIncorrectP1P2
	}
	return c.change(cmd, "reference-data")
}

// changeKey is JICSAP's CHANGE KEY, which the resident and common APs have instead.
func (c *Card) changeKey(cmd apdu.Command) apdu.SW {
	if cmd.P1 != 0 {
		return apdu.SWIncorrectP1P2
	}
	return c.change(cmd, "key")
}

// change sets a new value if this reference may be changed by that mechanism and has
// been verified. What a real card answers without VERIFY, or to a value it does not
// accept, is not public; 6982 and 6A80 are ours.
func (c *Card) change(cmd apdu.Command, mechanism string) apdu.SW {
	e, r, sw := c.byReference(cmd.P2)
	switch {
	case sw != apdu.SWOK:
		return sw
	case r.Change != mechanism || c.verified&r.bit == 0:
		return apdu.SWSecurityStatus
	case len(cmd.Data) == 0:
		return apdu.SWWrongLength
	case !r.accepts(cmd.Data):
		return apdu.SWWrongData
	}
	return c.commit(change{Op: opReference, On: e.path, N: r.Tries, Data: cmd.Data})
}

// resetRetryCounter is RESET RETRY COUNTER with new reference data, inside the channel:
// value and counter are set at once or not at all (ISO/IEC 7816-4:2020, 11.6.10).
func (c *Card) resetRetryCounter(cmd apdu.Command) apdu.SW {
	if cmd.P1 != 0x02 {
		return apdu.SWIncorrectP1P2
	}
	e, r, sw := c.byReference(cmd.P2)
	switch {
	case sw != apdu.SWOK:
		return sw
	case !c.secured:
		return apdu.SWSecurityStatus
	case len(cmd.Data) == 0:
		return apdu.SWWrongLength
	case r.Class == "":
		return apdu.SWConditionsNotSatisfied
	case !r.accepts(cmd.Data):
		return apdu.SWWrongData
	}
	c.verified &^= r.bit
	return c.commit(change{Op: opReference, On: e.path, N: r.Tries, Data: cmd.Data})
}

// accepts says whether a value has the length and the characters of this reference.
func (r *reference) accepts(value []byte) bool {
	if len(value) < r.MinLen || len(value) > r.MaxLen {
		return false
	}
	for _, b := range value {
		digit := b >= '0' && b <= '9'
		if !digit && (r.Alphabet != "upper-alnum" || b < 'A' || b > 'Z') {
			return false
		}
	}
	return true
}
