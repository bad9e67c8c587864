// Package scp03 is the Secure Channel Protocol '03' of GlobalPlatform (GPC_SPE_014,
// Card Specification v2.3, Amendment D v1.1.2), for both ends of the wire: [Open]
// gives the host a [Session], and [CardSession] is what a card does.
//
// S8 and S16, AES of 128, 192 and 256 bits, pseudo-random and explicit card
// challenges, C-MAC, C-ENC, R-MAC and R-ENC are here. Left out: logical channels
// above 3 and the BEGIN/END R-MAC SESSION commands.
//
// Static keys are never asked for as bytes: see [Keys]. Whatever goes wrong inside a
// session ends it: there is no way to go on after a MAC that does not match.
package scp03

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"

	"jukicard/apdu"
)

// ErrClosed is returned by a Session that was closed or has failed.
var ErrClosed = errors.New("cannot use secure channel: it is closed")

// ErrIntegrity means that a response's MAC or padding is wrong, or that one came
// without. The session is over; what the card did is unknown.
var ErrIntegrity = errors.New("cannot trust response: its protection is wrong, the secure channel is closed")

// ErrCryptogram means that the card has not got the keys this side has. Cards count
// failed attempts: it must not be tried again blindly.
var ErrCryptogram = errors.New("cannot open secure channel: the card's cryptogram is wrong, card and host hold different keys")

// ErrChallenge means that the card's pseudo-random challenge is not that of the
// application of Config.AID: the channel would be open on another one.
var ErrChallenge = errors.New("cannot open secure channel: the card challenge does not follow from the AID")

// Config says how to open a session.
type Config struct {
	Find       KeyFinder // required
	KeyVersion byte      // P1 of INITIALIZE UPDATE; 0 lets the card choose
	Mode       Mode      // S8 when 0; the card must be made for it
	Level      Level     // required, one of the Level constants
	// AID, when set, is that of the application the session is opened on, and a
	// card that states a pseudo-random challenge is held to it.
	AID []byte
	// HostChallenge is drawn at random when nil; a fixed one, Mode bytes, is for tests.
	HostChallenge []byte
}

// Info is what the card stated about itself in its answer to INITIALIZE UPDATE.
type Info struct {
	Diversification [10]byte
	KeyVersion      byte
	Options         Options
	Sequence        uint32 // 24 bits; only with OptionPseudoRandom
}

// Session is the host's end of an open channel. It is an apdu.Transport for plain
// commands: each is protected, sent, and its answer checked and opened.
//
// A Session is used by one goroutine. A command that comes in short form stays
// short, and one whose protected form is too long is refused before it is sent; see
// [Session.Payload]. CLA is 0x or 8x on logical channels 0 to 3, without the
// secure-messaging bits. Le stays as the caller gave it: it counts plain bytes.
//
// An answer is good until the next Transmit or Close.
//
// Any failure of the link or of the protection closes the Session, for host and
// card can no longer agree on the counter. A card's refusal does not.
type Session struct {
	t    apdu.Transport
	held func() *channel // see channel
	keys Keys
	info Info
}

// Open authenticates both sides by INITIALIZE UPDATE and EXTERNAL AUTHENTICATE
// (Amendment D v1.1.2, 7.1). The card's refusal is an *apdu.StatusError; a card
// with other keys is ErrCryptogram.
func Open(ctx context.Context, t apdu.Transport, cfg Config) (*Session, error) {
	if cfg.Mode == 0 {
		cfg.Mode = S8
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Session{t: t, held: hold(&channel{})}
	if err := s.open(ctx, cfg); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (cfg *Config) check() error {
	switch {
	case cfg.Find == nil:
		return fmt.Errorf("cannot open secure channel: Config.Find is nil")
	case cfg.Mode != S8 && cfg.Mode != S16:
		return fmt.Errorf("cannot open secure channel: mode %v, S8 and S16 are known", cfg.Mode)
	case !cfg.Level.Valid():
		return fmt.Errorf("cannot open secure channel: level %v, 01, 03, 11, 13 and 33 are known", cfg.Level)
	case cfg.HostChallenge != nil && len(cfg.HostChallenge) != int(cfg.Mode):
		return fmt.Errorf("cannot open secure channel: a host challenge of %d bytes, %v wants %d",
			len(cfg.HostChallenge), cfg.Mode, int(cfg.Mode))
	}
	return nil
}

func (s *Session) open(ctx context.Context, cfg Config) error {
	challenges := make([]byte, cfg.Mode, 2*cfg.Mode) // host's, then card's
	if cfg.HostChallenge != nil {
		copy(challenges, cfg.HostChallenge)
	} else if _, err := rand.Read(challenges); err != nil {
		return fmt.Errorf("cannot draw host challenge: %w", err)
	}
	c := apdu.Command{CLA: 0x80, INS: apdu.INSInitializeUpdate, P1: cfg.KeyVersion, Data: challenges, Ne: apdu.MaxShortNe}
	r, err := apdu.Send(ctx, s.t, c)
	if err != nil {
		return err
	}
	if err := r.Err(c, ""); err != nil {
		return err
	}
	answer, err := parseInitializeUpdate(r.Data, cfg)
	if err != nil {
		return err
	}
	s.info = answer.Info
	challenges = append(challenges, answer.challenge...)
	if err := s.derive(ctx, cfg, challenges, answer); err != nil {
		return err
	}
	return s.authenticate(ctx, cfg.Level, challenges)
}

// derive finds the keys, derives those of the session and checks what the card claimed.
func (s *Session) derive(ctx context.Context, cfg Config, challenges []byte, a initializeUpdate) error {
	k, err := cfg.Find(ctx, a.KeyVersion, a.Diversification)
	if err != nil {
		return fmt.Errorf("cannot find SCP03 keys of version %02X: %w", a.KeyVersion, err)
	}
	if k == nil {
		return fmt.Errorf("cannot find SCP03 keys of version %02X: the finder gave none", a.KeyVersion)
	}
	s.keys = k
	if err := s.ch().start(ctx, k, cfg.Mode, challenges); err != nil {
		return fmt.Errorf("cannot derive session keys: %w", err)
	}
	if subtle.ConstantTimeCompare(s.ch().cryptogram(constCardCryptogram, challenges), a.cryptogram) != 1 {
		return ErrCryptogram
	}
	return checkChallenge(ctx, cfg, k, a)
}

// checkChallenge holds a card to its pseudo-random challenge where Config.AID asks for it.
func checkChallenge(ctx context.Context, cfg Config, k Keys, a initializeUpdate) error {
	if cfg.AID == nil || a.Options&OptionPseudoRandom == 0 {
		return nil
	}
	want := make([]byte, cfg.Mode)
	if err := cardChallenge(ctx, k, a.Sequence, cfg.AID, want); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(want, a.challenge) != 1 {
		return fmt.Errorf("%w (sequence counter %06X)", ErrChallenge, a.Sequence)
	}
	return nil
}

// authenticate sends EXTERNAL AUTHENTICATE: the host cryptogram under a C-MAC with a
// zero chaining value and no encryption (Amendment D v1.1.2, 7.1.2).
func (s *Session) authenticate(ctx context.Context, level Level, challenges []byte) error {
	c := apdu.Command{CLA: 0x80, INS: apdu.INSExternalAuthenticate, P1: byte(level)}
	c.Data = s.ch().cryptogram(constHostCryptogram, challenges)
	s.ch().level = LevelCMAC
	s.ch().out = s.ch().secureCommand(s.ch().out[:0], c, false)
	clear(s.ch().counter[:]) // the first command after this one is number 1
	answer, err := s.t.Transmit(ctx, s.ch().out)
	if err != nil {
		return err
	}
	r, err := apdu.ParseResponse(answer)
	if err != nil {
		return err
	}
	s.ch().level = level
	return r.Err(c, "")
}

func (s *Session) ch() *channel { return s.held() }

// Info is what the card stated when the session was opened.
func (s *Session) Info() Info { return s.info }

// Level is the security level; 0 once the session is closed.
func (s *Session) Level() Level { return s.ch().level }

// Payload is the most plain data bytes one command can carry when its data field
// holds frame bytes: apdu.MaxShortData or what the card takes in extended form.
func (s *Session) Payload(frame int) int { return s.ch().level.Payload(s.ch().mode, frame) }

// ResponsePayload is the same for a response: apdu.MaxShortNe or the card's limit.
func (s *Session) ResponsePayload(frame int) int {
	return s.ch().level.ResponsePayload(s.ch().mode, frame)
}

// Close forgets the session keys, and closes the static ones where the KeyFinder gave
// an io.Closer. The card is told nothing: it keeps its side open until reset, another
// SELECT or another INITIALIZE UPDATE. Close may be called twice.
func (s *Session) Close() {
	s.ch().clear()
	if k, ok := s.keys.(io.Closer); ok {
		_ = k.Close() // whoever holds such keys counts what could not be closed
	}
	s.keys = nil
}

// String shows the level and nothing secret.
func (s *Session) String() string { return fmt.Sprintf("SCP03 session at level %v", s.Level()) }

// Format shows what String shows whatever the verb.
func (s *Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// Transmit implements apdu.Transport.
func (s *Session) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if !s.ch().live() {
		return nil, ErrClosed
	}
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return nil, err
	}
	if err := s.fits(c); err != nil {
		return nil, err
	}
	s.ch().out = s.ch().secureCommand(s.ch().out[:0], c, c.NeedsExtended())
	answer, err := s.t.Transmit(ctx, s.ch().out)
	clear(s.ch().out) // without C-ENC it held the plain data
	if err != nil {
		s.Close()
		return nil, err
	}
	return s.receive(answer)
}

func (s *Session) receive(answer []byte) ([]byte, error) {
	r, err := apdu.ParseResponse(answer)
	if err != nil {
		s.Close()
		return nil, err
	}
	if !s.ch().openResponse(r) {
		s.Close()
		return nil, ErrIntegrity
	}
	return s.ch().plain, nil
}

func (s *Session) fits(c apdu.Command) error {
	if c.CLA&0x40 != 0 || c.CLA&0x0C != 0 {
		return fmt.Errorf("cannot secure %v: CLA must be 0x or 8x without secure messaging, on channels 0 to 3", c)
	}
	frame := apdu.MaxShortData
	if c.NeedsExtended() {
		frame = apdu.MaxExtendedData
	}
	if most := s.Payload(frame); len(c.Data) > most {
		return fmt.Errorf("cannot secure %v: at most %d data bytes fit at level %v, %v", c, most, s.ch().level, s.ch().mode)
	}
	return nil
}
