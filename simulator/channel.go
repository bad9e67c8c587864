package simulator

import (
	"context"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
)

const sequenceMax = 1<<24 - 1 // three bytes (Amendment D v1.1.2, 7.1.1.6)

// initializeUpdate is INITIALIZE UPDATE, on the domain or, by its keys, on the selected
// AP. P1 names the key version, 00 the default set. The sequence counter is kept
// before it is used, so that no card challenge comes twice. Wrong keys are not
// counted: a laboratory's card is not to be lost to a typing error.
func (c *Card) initializeUpdate(cmd apdu.Command) apdu.SW {
	c.channel.Reset()
	set := c.keySet(cmd.P1)
	switch {
	case set == nil:
		return apdu.SWReferenceDataNotFound
	case len(cmd.Data) != int(c.options.Mode()):
		return apdu.SWWrongLength
	case cmd.P2 != 0:
		return apdu.SWIncorrectP1P2
	case c.sequence == sequenceMax:
		return apdu.SWConditionsNotSatisfied
	}
	if sw := c.commit(change{Op: opSequence, N: int(c.sequence) + 1}); sw != apdu.SWOK {
		return sw
	}
	c.opened = set.keys
	r, err := c.channel.InitializeUpdate(context.Background(), scp03.CardParams{
		Info: scp03.Info{
			Diversification: c.diversification(),
			KeyVersion:      set.version,
			Options:         c.options,
			Sequence:        c.sequence,
		},
		Keys: set.keys,
		AID:  c.app.aid,
	}, cmd)
	if err != nil {
		return apdu.SWUnknown
	}
	c.out = append(c.out, r.Data...)
	return r.SW
}

// keySet finds a version; 0 is the default set, the first there is.
func (c *Card) keySet(version byte) *keySet {
	for i := range c.sets {
		if version == 0 || c.sets[i].version == version {
			return &c.sets[i]
		}
	}
	return nil
}

// externalAuthenticate answers an EXTERNAL AUTHENTICATE that comes without secure
// messaging, or inside a channel: it opens nothing.
func (c *Card) externalAuthenticate(apdu.Command) apdu.SW {
	return apdu.SWConditionsNotSatisfied
}

// openChannel is EXTERNAL AUTHENTICATE, secured and in its place.
func (c *Card) openChannel(cmd apdu.Command) apdu.SW {
	return c.channel.ExternalAuthenticate(cmd)
}

// dispatchSecured handles CLA 04 and 84: it opens the channel, or carries out a
// command that came through it and protects the answer.
func (c *Card) dispatchSecured(cmd apdu.Command) apdu.SW {
	switch {
	case c.channel.Pending() && cmd.INS == apdu.INSExternalAuthenticate && c.life != lifeTerminated:
		return c.unlessRefused((*Card).openChannel, cmd)
	case c.channel.Pending():
		c.channel.Reset()
	}
	plain, sw := c.channel.Unwrap(cmd)
	if sw != apdu.SWOK {
		return sw
	}
	c.secured = true
	sw = c.dispatch(plain)
	c.secured = false
	if isError(sw) {
		clear(c.out)
		c.out = c.out[:0]
	}
	c.wrapped = c.channel.Wrap(c.wrapped[:0], apdu.Response{Data: c.out, SW: sw})
	c.out = append(c.out[:0], c.wrapped[:len(c.wrapped)-2]...)
	return sw
}
