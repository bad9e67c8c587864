package scp03

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"

	"jukicard/apdu"
)

// CardParams is what a card brings to INITIALIZE UPDATE.
type CardParams struct {
	Info          // stated in the answer; Sequence is the counter to use now
	Keys   Keys   // the static keys of Info.KeyVersion
	AID    []byte // of the selected application, for the pseudo-random challenge
	Random bool   // draw the challenge at random whatever Options say
	// Challenge, when set, is the card challenge, Mode bytes; for tests.
	Challenge []byte
}

// CardSession is the card's end of a channel: the zero value has no session.
// Whoever runs the card calls Reset on power-off, reset and selection of another
// application, keeps the sequence counter, and never uses one value of it for two
// challenges. It is used by one goroutine.
type CardSession struct {
	held       func() *channel // see channel; nil until the first INITIALIZE UPDATE
	options    Options
	challenges []byte // set between INITIALIZE UPDATE and EXTERNAL AUTHENTICATE
}

func (s *CardSession) ch() *channel {
	if s.held == nil {
		return nil
	}
	return s.held()
}

// Reset ends whatever there is.
func (s *CardSession) Reset() {
	s.ch().clear()
	s.challenges = s.challenges[:0]
}

// String shows the level and nothing secret.
func (s *CardSession) String() string {
	return fmt.Sprintf("SCP03 card session at level %v", s.Level())
}

// Format shows what String shows whatever the verb.
func (s *CardSession) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// Open says whether the host has authenticated.
func (s *CardSession) Open() bool { return s.Level() != 0 }

// Pending says whether INITIALIZE UPDATE has been answered and EXTERNAL AUTHENTICATE
// must be next; any other command must be preceded by Reset.
func (s *CardSession) Pending() bool { return s.ch().live() && s.ch().level == 0 }

// Level is the security level of an open session, else 0.
func (s *CardSession) Level() Level {
	if !s.ch().live() {
		return 0
	}
	return s.ch().level
}

// InitializeUpdate answers INITIALIZE UPDATE (Amendment D v1.1.2, 7.1.1). It ends any
// session there is, also where it refuses. The choice of keys by P1 is the caller's.
// An error is one of the Keys.
func (s *CardSession) InitializeUpdate(ctx context.Context, p CardParams, c apdu.Command) (apdu.Response, error) {
	s.Reset()
	mode := p.Options.Mode()
	switch {
	case len(c.Data) != int(mode):
		return apdu.Response{SW: apdu.SWWrongLength}, nil
	case c.P2 != 0:
		return apdu.Response{SW: apdu.SWIncorrectP1P2}, nil
	}
	challenge, err := p.challenge(ctx, mode)
	if err != nil {
		return apdu.Response{SW: apdu.SWUnknown}, err
	}
	s.challenges = append(append(s.challenges[:0], c.Data...), challenge...)
	if s.held == nil {
		s.held = hold(&channel{})
	}
	if err := s.ch().start(ctx, p.Keys, mode, s.challenges); err != nil {
		s.Reset()
		return apdu.Response{SW: apdu.SWUnknown}, err
	}
	s.options = p.Options
	a := initializeUpdate{Info: p.Info, challenge: challenge, cryptogram: s.ch().cryptogram(constCardCryptogram, s.challenges)}
	return apdu.Response{Data: a.append(make([]byte, 0, 48)), SW: apdu.SWOK}, nil
}

func (p *CardParams) challenge(ctx context.Context, mode Mode) ([]byte, error) {
	if p.Challenge != nil {
		return p.Challenge, nil
	}
	out := make([]byte, mode)
	if p.Options&OptionPseudoRandom != 0 && !p.Random {
		return out, cardChallenge(ctx, p.Keys, p.Sequence, p.AID, out)
	}
	_, err := rand.Read(out)
	return out, err
}

// ExternalAuthenticate answers EXTERNAL AUTHENTICATE (Amendment D v1.1.2, 7.1.2):
// 9000 and the session is open at the level in P1, or a refusal and there is no
// session. 6985 without INITIALIZE UPDATE right before it, 6982 for a wrong MAC,
// 6300 for a wrong host cryptogram.
func (s *CardSession) ExternalAuthenticate(c apdu.Command) apdu.SW {
	sw := s.authenticate(c)
	if sw != apdu.SWOK {
		s.Reset()
	}
	s.challenges = s.challenges[:0]
	return sw
}

func (s *CardSession) authenticate(c apdu.Command) apdu.SW {
	if !s.Pending() {
		return apdu.SWConditionsNotSatisfied
	}
	level := Level(c.P1)
	switch {
	case c.CLA&classSM == 0:
		return apdu.SWSecurityStatus
	case !s.options.Supports(level) || c.P2 != 0:
		return apdu.SWIncorrectP1P2
	case len(c.Data) != 2*int(s.ch().mode):
		return apdu.SWWrongLength
	}
	plain, ok := s.ch().openCommand(c)
	if !ok {
		return apdu.SWSecurityStatus
	}
	clear(s.ch().counter[:]) // the first command after this one is number 1
	want := s.ch().cryptogram(constHostCryptogram, s.challenges)
	if subtle.ConstantTimeCompare(want, plain.Data) != 1 {
		return apdu.SWVerificationFailed
	}
	s.ch().level = level
	return apdu.SWOK
}

// Secured says whether CLA claims this kind of secure messaging.
func Secured(cla byte) bool { return cla&0x40 == 0 && cla&0x0C == classSM }

// Unwrap checks and opens a protected command. With 9000 the plain command may be
// carried out; its Data is good until the next Unwrap. A command without the
// secure-messaging bit is refused with 6987 and leaves the session alone; one whose
// protection is wrong ends the session (GPC_SPE_034 v2.3.1, chapter 10) with 6982, which
// is our choice. Without a session it is 6985.
func (s *CardSession) Unwrap(c apdu.Command) (apdu.Command, apdu.SW) {
	switch {
	case !s.Open():
		return apdu.Command{}, apdu.SWConditionsNotSatisfied
	case !Secured(c.CLA):
		return apdu.Command{}, apdu.SWSecureMessagingMissing
	}
	plain, ok := s.ch().openCommand(c)
	if !ok {
		s.Reset()
		return apdu.Command{}, apdu.SWSecurityStatus
	}
	return plain, apdu.SWOK
}

// ResponseRoom is the most plain bytes a response to c may have: c.Ne, or less where
// the protected response would outgrow the form of the command, 256 bytes in answer to a
// short one.
func (s *CardSession) ResponseRoom(c apdu.Command) int {
	if !s.Open() {
		return c.Ne
	}
	frame := apdu.MaxShortNe
	if c.NeedsExtended() {
		frame = apdu.MaxExtendedNe
	}
	return min(c.Ne, s.ch().level.ResponsePayload(s.ch().mode, frame))
}

// Wrap appends the protected response to dst; call it once for each command that
// Unwrap let through. An error status word goes bare and drops the data
// (Amendment D v1.1.2, 6.2.5). Without an open session r is appended as it is.
func (s *CardSession) Wrap(dst []byte, r apdu.Response) []byte {
	if !s.Open() {
		return r.Append(dst)
	}
	return s.ch().secureResponse(dst, r)
}
