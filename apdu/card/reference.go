package card

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
)

// ErrEmptyPIN refuses an empty value: VERIFY without data asks for the tries left,
// and a caller who meant to present a PIN would take its answer for one.
var ErrEmptyPIN = errors.New("cannot present an empty PIN")

// ErrForm refuses a value that the reference cannot have: a card would count it as a
// wrong try.
var ErrForm = errors.New("cannot present the value: it has not the length or the characters of its kind")

// ErrLastTry refuses to spend the last try of a reference.
var ErrLastTry = errors.New("cannot present the PIN: one try is left, and it is not spent by this software")

// Tries is how many wrong tries the reference still allows; 0 is blocked or never
// set. It spends none: VERIFY without data (JICSAP 1.1, 6.4.9).
func (s *Session) Tries(ctx context.Context, path string) (int, error) {
	_, ref, err := s.p.Reference(path)
	if err != nil {
		return 0, err
	}
	if err := s.enter(ctx, path); err != nil {
		return 0, err
	}
	c := referenceCommand(apdu.INSVerify, 0, ref)
	r, err := s.exchange(ctx, c)
	if err != nil {
		return 0, err
	}
	if n, ok := r.SW.Retries(); ok {
		return n, nil
	}
	if r.SW == apdu.SWReferenceDataUnusable || r.SW == apdu.SWAuthenticationBlocked {
		return 0, nil
	}
	if r.SW == apdu.SWOK {
		return 0, fmt.Errorf("cannot tell the tries left of %s: the card answered 9000 to a VERIFY without data", path)
	}
	return 0, r.Err(c, path)
}

// Verify presents a value once. A wrong one gives a *apdu.StatusError whose SW
// tells the tries left; 6984 is a blocked reference. It is never repeated here,
// and must not be by the caller.
func (s *Session) Verify(ctx context.Context, path string, value secret.Bytes) error {
	return s.present(ctx, apdu.INSVerify, 0, path, value)
}

// VerifyGuarded asks for the tries left first and refuses to spend the last one.
func (s *Session) VerifyGuarded(ctx context.Context, path string, value secret.Bytes) error {
	n, err := s.Tries(ctx, path)
	if err != nil {
		return err
	}
	if n == 1 {
		return ErrLastTry
	}
	return s.Verify(ctx, path, value)
}

// Set sets reference data and fills its counter through the channel: RESET RETRY
// COUNTER with P1 02 (ISO/IEC 7816-4:2020, 11.6.10). Twice is once. ErrNoChannel where
// the channel is not open on the application.
func (s *Session) Set(ctx context.Context, path string, value secret.Bytes) error {
	if err := s.inChannel(path); err != nil {
		return err
	}
	return s.present(ctx, apdu.INSResetRetryCounter, 0x02, path, value)
}

// Change replaces reference data after it was verified, the way the profile says
// the reference is changed.
func (s *Session) Change(ctx context.Context, path string, value secret.Bytes) error {
	_, ref, err := s.p.Reference(path)
	if err != nil {
		return err
	}
	switch ref.Change {
	case "reference-data":
		return s.present(ctx, apdu.INSChangeReferenceData, 0x01, path, value)
	case "key":
		return s.present(ctx, apdu.INSChangeKey, 0x00, path, value)
	}
	return fmt.Errorf("cannot change %s: profile %s knows no way to", path, s.p.ID)
}

func (s *Session) present(ctx context.Context, ins, p1 byte, path string, value secret.Bytes) error {
	_, ref, err := s.p.Reference(path)
	if err != nil {
		return err
	}
	if value.Len() == 0 {
		return ErrEmptyPIN
	}
	if err := value.Lend(func(b []byte) error { return form(ref, b) }); err != nil {
		return err
	}
	if err := s.enter(ctx, path); err != nil {
		return err
	}
	c := referenceCommand(ins, p1, ref)
	return value.Lend(func(b []byte) error {
		c.Data = b
		_, err := s.send(ctx, c, path)
		return err
	})
}

// form holds a value against the profile's rule; its error shows nothing of the value.
func form(ref *profile.Reference, value []byte) error {
	upper := ref.Alphabet == "upper-alnum"
	strange := bytes.ContainsFunc(value, func(r rune) bool {
		return (r < '0' || r > '9') && (!upper || r < 'A' || r > 'Z')
	})
	if strange || len(value) < ref.MinLen || len(value) > ref.MaxLen {
		return fmt.Errorf("%w: %d to %d characters of %s", ErrForm, ref.MinLen, ref.MaxLen, ref.Alphabet)
	}
	return nil
}

// referenceCommand addresses a reference by its short identifier, so that no
// SELECT is needed (card fact sheet, 1). JICSAP CHANGE KEY is of class 80.
func referenceCommand(ins, p1 byte, ref *profile.Reference) apdu.Command {
	c := apdu.Command{INS: ins, P1: p1, P2: 0x80 | ref.ID.SFI()}
	if ins == apdu.INSChangeKey {
		c.CLA = 0x80
	}
	return c
}
