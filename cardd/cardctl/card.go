package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/slot"
	"jukicard/cardd/juki"
	"jukicard/reader"
)

func (a *app) cardCommand() *cobra.Command {
	c := group("card", "Look at the card in a reader; no daemon is needed")
	c.Long = "Commands for technicians, straight on a reader, also for real cards. None of them personalises a card,\n" +
		"none spends the last try of a PIN or presents one to a card of no known generation, and the card is reset\n" +
		"when they leave it."
	pin := group("pin", "Ask for tries left, verify or change a PIN")
	pin.AddCommand(a.pinStatusCommand(), a.pinVerifyCommand(), a.pinChangeCommand())
	c.AddCommand(a.showCommand(), pin, a.readCommand(), a.verifyCommand())
	return c
}

// opened is the card in the reader meant.
type opened struct {
	sighting
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
	s, err := recognise(ctx, c, c.ATR())
	if err == nil {
		err = f(&opened{sighting: s, reader: name, atr: c.ATR()})
		s.Close()
	}
	_ = c.Close(reader.Reset) // the card is given up either way
	return err
}

// identified is withCard for a card that must be a My Number card of any kind.
func (a *app) identified(ctx context.Context, m reader.Mode, f func(*opened) error) error {
	return a.withCard(ctx, m, func(c *opened) error {
		switch {
		case errors.Is(c.refusal, card.ErrOtherCard):
			return failure.New(failure.CardNotMyNumber, "", c.refusal)
		case c.refusal != nil:
			return c.refusal
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
	"reference-6": {"照合番号 of 6 digits (the last two digits of the year of expiry, security code)", "照合番号 (有効期限の西暦の下2桁とセキュリティコード4桁)"},
	"birth":       {"生年月日 (YYMMDD with the year of the era, 6 digits)", "生年月日 (和暦YYMMDD、6桁)"},
}

// referenceClasses are the classes of 照合番号 in any generation.
func referenceClasses() []string {
	var classes []string
	for _, p := range generations() {
		for _, app := range p.Applications {
			for _, r := range app.PINs {
				if strings.HasPrefix(r.Class, "reference-") {
					classes = append(classes, r.Class)
				}
			}
		}
	}
	slices.Sort(classes)
	return slices.Compact(classes)
}

// referenceFlags are a flag for each of referenceClasses.
type referenceFlags map[string]*bool

// flags adds them; usage has the place of the 照合番号's name.
func (r *referenceFlags) flags(c *cobra.Command, usage string) {
	*r = referenceFlags{}
	for _, class := range referenceClasses() {
		name, _, _ := strings.Cut(referenceNames[class].en, " (")
		(*r)[class] = c.Flags().Bool(class, false, fmt.Sprintf(usage, name))
	}
}

// given are the classes whose flags were given.
func (r referenceFlags) given() []string {
	return slices.DeleteFunc(referenceClasses(), func(class string) bool { return r[class] == nil || !*r[class] })
}

// of gets the value of one reference of the card. The caller destroys it.
func (s *secretSource) of(ctx context.Context, a *app, r *profile.Reference) (secret.Bytes, error) {
	if name, ok := referenceNames[r.Class]; ok {
		return a.ask(ctx, a.in2(name.en, name.ja))
	}
	class := juki.PINClass(r.Class)
	if !slices.Contains(juki.PINClasses, class) {
		return a.ask(ctx, r.Japanese)
	}
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

// present verifies a value unless it cannot be one, its last try would be spent or the
// card does not tell its generation.
func (c *opened) present(ctx context.Context, path string, value secret.Bytes) error {
	if err := c.unsure(); err != nil {
		return err
	}
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
