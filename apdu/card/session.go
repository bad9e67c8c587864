// Package card speaks to one My Number card in the names of its profile: select,
// verify, read, and through the issuer's channel update, generate, sign and lock.
//
// A Session knows which application is selected and selects another when a name
// demands it. It never presents reference data twice and never on its own: every
// VERIFY is one call of Verify. What public clients do works on real cards; what
// needs the channel is described in docs/CARD-WRITING.md and is ours.
package card

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
)

// Domain is the name of the issuer domain where an application's name is wanted.
const Domain = "domain"

// Options say how a Session talks.
type Options struct {
	Extended bool // use extended length where it saves round trips
}

// Session is one card between insertion and removal. One goroutine owns it.
type Session struct {
	p       *profile.Card
	raw     apdu.Transport // the card itself
	plain   apdu.Transport // with 61xx handled
	channel *scp03.Session // nil when none is open
	app     string         // selected application, Domain, or "" when unknown
	o       Options
	version byte // of the issuer's keys on this card; 0: the profile's
}

// getResponseSteps and getResponseBytes bound what 61xx may drag in.
const (
	getResponseSteps = 300
	getResponseBytes = 1 << 16
)

// New is a session over t on a card of that profile. Nothing is sent.
func New(t apdu.Transport, p *profile.Card, o Options) *Session {
	return &Session{p: p, raw: t, plain: apdu.GetResponse(apdu.Budget{Steps: getResponseSteps, Bytes: getResponseBytes})(t), o: o}
}

// Profile is the card's generation.
func (s *Session) Profile() *profile.Card { return s.p }

// Selected is the application in force, "" when unknown.
func (s *Session) Selected() string { return s.app }

// Secured says whether the issuer's channel is open.
func (s *Session) Secured() bool { return s.channel != nil }

// Lost forgets the application and the channel: after a reset or a failed link.
func (s *Session) Lost() {
	s.closeChannel()
	s.app = ""
}

// Close forgets the channel's keys.
func (s *Session) Close() { s.closeChannel() }

func (s *Session) closeChannel() {
	if s.channel != nil {
		s.channel.Close()
		s.channel = nil
	}
}

// Select makes an application current, or the issuer domain; the channel ends.
// SELECT by name without asking for data (ISO/IEC 7816-4:2020, 11.2.2). A locked card
// warns with 6283 and has selected the domain all the same (GlobalPlatform Card
// Specification 2.3.1, Table 11-83).
func (s *Session) Select(ctx context.Context, app string) error {
	_, err := s.choose(ctx, app, 0x0C, 0)
	return err
}

// choose selects by name and gives what the card says of it.
func (s *Session) choose(ctx context.Context, app string, p2 byte, ne int) ([]byte, error) {
	aid, err := s.aid(app)
	if err != nil {
		return nil, err
	}
	s.Lost()
	c := apdu.Command{CLA: 0x00, INS: apdu.INSSelect, P1: 0x04, P2: p2, Data: aid, Ne: ne}
	r, err := s.exchange(ctx, c)
	if err != nil {
		return nil, err
	}
	err = r.Err(c, app)
	if locked := app == Domain && errors.Is(err, apdu.SWDeactivated); err != nil && !locked {
		return nil, err
	}
	s.app = app
	return bytes.Clone(r.Data), nil
}

func (s *Session) aid(app string) ([]byte, error) {
	if app == Domain {
		return s.p.Domain.AID, nil
	}
	if a := s.p.App(app); a != nil {
		return a.AID, nil
	}
	return nil, fmt.Errorf("cannot select %q: profile %s has no such application", app, s.p.ID)
}

// enter selects the application of path unless it is current.
func (s *Session) enter(ctx context.Context, path string) error {
	app, _, _ := strings.Cut(path, "/")
	if s.app == app {
		return nil
	}
	return s.Select(ctx, app)
}

// ErrNoChannel refuses to send what belongs into the issuer's channel where none is
// open on the object's application: a new PIN must not go over the wire in the clear.
var ErrNoChannel = errors.New("cannot write: the issuer's channel is not open on the application")

// inChannel says whether the channel is open on the application of path. Selecting
// another application would end it, so nothing is selected here.
func (s *Session) inChannel(path string) error {
	if app, _, _ := strings.Cut(path, "/"); s.channel == nil || s.app != app {
		return fmt.Errorf("%w (%s)", ErrNoChannel, path)
	}
	return nil
}

// Open selects the application, or the issuer domain, and opens the issuer's
// channel on it at the profile's security level.
//
// The answer to SELECT proves nothing: whoever holds the line can give it, and what is
// written then goes to the application that was selected before. So the card's challenge
// must follow from the AID (Amendment D v1.1.2, 6.2.2.1), or the error is
// scp03.ErrChallenge.
//
// The keys are of the profile's version. A card that has none of it, for they were
// changed, is asked which it has.
func (s *Session) Open(ctx context.Context, app string, find scp03.KeyFinder) error {
	if s.version != 0 {
		return s.openVersion(ctx, app, s.version, find)
	}
	err := s.openVersion(ctx, app, s.p.Domain.KeyVersion, find)
	if !errors.Is(err, apdu.SWReferenceDataNotFound) {
		return err
	}
	if version, ok := s.changedVersion(ctx); ok {
		return s.OpenVersion(ctx, app, version, find)
	}
	return err
}

func (s *Session) openVersion(ctx context.Context, app string, version byte, find scp03.KeyFinder) error {
	if err := s.Select(ctx, app); err != nil {
		return err
	}
	aid, err := s.aid(app)
	if err != nil {
		return err
	}
	ch, err := scp03.Open(ctx, s.plain, scp03.Config{
		Find: find, KeyVersion: version, Level: scp03.Level(s.p.Writing.SecurityLevel), AID: aid,
	})
	if err == nil && ch.Info().Options&scp03.OptionPseudoRandom == 0 {
		ch.Close()
		err = scp03.ErrChallenge // one drawn at random proves nothing either
	}
	if err != nil {
		s.Lost()
		return fmt.Errorf("cannot open the channel on %s: %w", app, err)
	}
	s.channel = ch
	return nil
}

// send carries one command through the channel if one is open, and turns a
// refusal into a *apdu.StatusError that names the object.
func (s *Session) send(ctx context.Context, c apdu.Command, on string) ([]byte, error) {
	r, err := s.exchange(ctx, c)
	if err != nil {
		return nil, err
	}
	return r.Data, r.Err(c, on)
}

func (s *Session) exchange(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	t := s.plain
	if s.channel != nil {
		t = s.channel
	}
	c.Extended = c.Extended || s.extends(c)
	return apdu.Send(ctx, t, c)
}

// extends says whether the extended form is needed once the channel has added its
// own bytes.
func (s *Session) extends(c apdu.Command) bool {
	return s.o.Extended && s.channel != nil && (len(c.Data) > s.chunk(false) || c.Ne > s.readChunk(false))
}

// chunk is the most plain data of one command in the form chosen.
func (s *Session) chunk(extended bool) int {
	frame := apdu.MaxShortData
	if extended {
		frame = s.p.Limits.CommandData
	}
	if s.channel != nil {
		return s.channel.Payload(frame)
	}
	return frame
}

// readMax bounds one extended READ BINARY: what 15 bits of offset reach.
const readMax = 0x7FFF

// readChunk is the most plain data asked of one response in the form chosen.
func (s *Session) readChunk(extended bool) int {
	if extended {
		return readMax
	}
	if s.channel != nil {
		return s.channel.ResponsePayload(apdu.MaxShortNe)
	}
	return apdu.MaxShortNe
}

// Identify says whether the card is a My Number card: SELECT of its first
// application answers 9000. A card that does not know the application, or the command,
// is ErrOtherCard. label is the token label, the profile's for its generation; it is empty
// when the card has the application and gives no label that can be shown.
func (s *Session) Identify(ctx context.Context) (label string, err error) {
	first := s.p.Applications[0].Name
	if err := s.Select(ctx, first); err != nil {
		if strange(err) {
			return "", ErrOtherCard
		}
		return "", err
	}
	b, err := s.Read(ctx, first+"/token-info", 0, labelLen)
	var refused *apdu.StatusError
	if errors.As(err, &refused) {
		return "", nil
	}
	return printable(b), err
}

// printable is a label without its filler; empty where a terminal could not show it.
func printable(b []byte) string {
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == 0x00 || b[len(b)-1] == 0xFF) {
		b = b[:len(b)-1]
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return ""
		}
	}
	return string(b)
}

// strange says whether a card refused SELECT by name in the way of one that never
// heard of the application or of such commands.
func strange(err error) bool {
	for _, sw := range []apdu.SW{
		apdu.SWFileNotFound, apdu.SWInstructionNotSupported, apdu.SWClassNotSupported, apdu.SWWrongLength,
		apdu.SWIncorrectP1P2, apdu.SWNcInconsistentP1P2, apdu.SWWrongData,
	} {
		if errors.Is(err, sw) {
			return true
		}
	}
	return false
}

// labelLen is the length of CK_TOKEN_INFO.label (PKCS #11 v2.40, 3.3).
const labelLen = 32

// Label is the token label of the cards of today (card fact sheet, 2.1), for who looks at
// one without asking for its generation; a profile says its own.
const Label = "JPKIAPICCTOKEN2"

// ErrOtherCard means that the card has no application of this profile.
var ErrOtherCard = errors.New("cannot use the card: it is not a My Number card")
