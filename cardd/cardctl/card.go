package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/slot"
	"jukicard/cardd/juki"
	"jukicard/reader"
)

// generation is the profile that the commands under `card` know.
const generation = "mynumber-1"

func (a *app) cardCommand() *cobra.Command {
	c := group("card", "Look at the card in a reader; no daemon is needed")
	c.Long = "Commands for technicians, straight on a reader, also for real cards. None of them personalises a card,\n" +
		"none spends the last try of a PIN, and the card is reset when they leave it."
	pin := group("pin", "Ask for tries left, verify or change a PIN")
	pin.AddCommand(a.pinStatusCommand(), a.pinVerifyCommand(), a.pinChangeCommand())
	c.AddCommand(a.showCommand(), pin, a.readCommand(), a.verifyCommand())
	return c
}

// mustProfile is an embedded profile, which its own test keeps sound.
func mustProfile(id string) *profile.Card {
	p, err := profile.Load(id)
	must(err)
	return p
}

// opened is the card in the reader meant.
type opened struct {
	*card.Session
	reader string
	atr    reader.ATR
}

// withCard opens the card, lets f use it and resets it: what was verified must not
// stay verified for whoever comes next (PC/SC leaves it so).
func (a *app) withCard(ctx context.Context, m reader.Mode, f func(*opened) error) error {
	name, err := slot.Find(ctx, a.readers, a.reader)
	if err != nil {
		return err
	}
	c, err := a.readers.Open(ctx, name, m)
	if err != nil {
		return slot.Unopened(err)
	}
	s := card.New(c, mustProfile(generation), card.Options{})
	err = f(&opened{Session: s, reader: name, atr: c.ATR()})
	s.Close()
	_ = c.Close(reader.Reset) // the card is given up either way
	return err
}

// identified is withCard for a card that must be a My Number card of any kind.
func (a *app) identified(ctx context.Context, m reader.Mode, f func(*opened) error) error {
	return a.withCard(ctx, m, func(c *opened) error {
		if _, err := c.Identify(ctx); errors.Is(err, card.ErrOtherCard) {
			return failure.New(failure.CardNotMyNumber, "", err)
		} else if err != nil {
			return err
		}
		return f(c)
	})
}

// secretSource is where a command gets PINs and 照合番号 from: a PIN file, or the
// person at the keyboard.
type secretSource struct {
	pinsFile string
}

func (s *secretSource) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.pinsFile, "pins", "", "PIN `file` to take PINs from; asked for without it")
}

// referenceNames are what reference data without a PIN class is called.
var referenceNames = map[string]struct{ en, ja string }{
	"reference-a": {"照合番号A (the 12 digits of 個人番号)", "照合番号A (個人番号12桁)"},
	"reference-b": {"照合番号B (birth date YYMMDD with the year of the era, year of expiry, security code: 14 digits)", "照合番号B (和暦の生年月日6桁、有効期限の西暦4桁、セキュリティコード4桁)"},
	"birth":       {"生年月日 (YYMMDD with the year of the era, 6 digits)", "生年月日 (和暦YYMMDD、6桁)"},
}

// of gets the value of one reference of the card. The caller destroys it.
func (s *secretSource) of(ctx context.Context, a *app, r *profile.Reference) (secret.Bytes, error) {
	if name, ok := referenceNames[r.Class]; ok {
		return a.ask(ctx, a.in2(name.en, name.ja))
	}
	class := juki.PINClass(r.Class)
	if s.pinsFile == "" {
		return a.ask(ctx, a.className(class))
	}
	pins, err := a.readPINs(s.pinsFile)
	if err != nil {
		return secret.Bytes{}, err
	}
	for other, pin := range pins {
		if other != class {
			pin.Destroy()
		}
	}
	if pins[class].Len() == 0 {
		return secret.Bytes{}, refused(fmt.Errorf("cannot take the %s PIN: %s does not hold one; leave --pins out to be asked", class, s.pinsFile))
	}
	return pins[class], nil
}

// present verifies a value unless it cannot be one or its last try would be spent.
func (c *opened) present(ctx context.Context, path string, value secret.Bytes) error {
	_, r, err := c.Profile().Reference(path)
	if err != nil {
		return refused(err)
	}
	if n := value.Len(); n < r.MinLen || n > r.MaxLen {
		return refused(fmt.Errorf("cannot present %s (%s): it has %s characters, not %d; no try was spent", path, r.Japanese, lengths(r), n))
	}
	switch tries, err := c.Tries(ctx, path); {
	case err != nil:
		return err
	case tries == 0:
		return fmt.Errorf("cannot present %s (%s): it is blocked or was never set; only the municipal window can set it anew", path, r.Japanese)
	case tries == 1:
		return fmt.Errorf("cannot present %s (%s): one try is left and is not spent here; only the holder may, where the value is certain, or the municipal window sets it anew", path, r.Japanese)
	}
	err = c.Verify(ctx, path, value)
	if sw, ok := isRefusal(err); ok {
		if left, counted := sw.Retries(); counted {
			return fmt.Errorf("cannot verify %s (%s): the value is wrong, tries left: %d", path, r.Japanese, left)
		}
	}
	return err
}

func lengths(r *profile.Reference) string {
	if r.MinLen == r.MaxLen {
		return fmt.Sprint(r.MinLen)
	}
	return fmt.Sprintf("%d to %d", r.MinLen, r.MaxLen)
}
