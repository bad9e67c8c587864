package main

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/cardd/internal/failure"
	"jukicard/reader"
)

// generations are the profiles inside, which their own test keeps sound.
func generations() []*profile.Card {
	all, err := profile.All()
	must(err)
	return all
}

// sighting is a card as one generation's profile sees it.
type sighting struct {
	*card.Session
	label   string // of its token; empty where it gives none
	refusal error  // card.ErrOtherCard where the generation's first application is not there
}

// fit is how well the card fits the generation, 0 not at all and 3 wholly.
func (s sighting) fit() int {
	switch {
	case s.refusal == nil && s.label == s.Profile().Label:
		return 3
	case s.refusal == nil:
		return 2
	case !errors.Is(s.refusal, card.ErrOtherCard):
		return 1
	}
	return 0
}

// unsure is why nothing is presented to a card: which of its references a value is for
// depends on its generation, and a guess spends the tries of another. nil where the card
// tells its generation.
func (s sighting) unsure() error {
	if s.fit() == 3 {
		return nil
	}
	return failure.New(failure.CardGeneration, "its token label is not that of a generation known here; no try was spent", nil)
}

// recognise finds the generation of a card by what a station asks of one: that its first
// application is there and its token label is the profile's. Generations that are known by
// the card's answer to reset are tried first, and of a card that fits none wholly the one
// that fits best speaks. Only a failed link is an error.
func recognise(ctx context.Context, t apdu.Transport, atr reader.ATR) (sighting, error) {
	likely := slices.Clone(generations())
	slices.SortStableFunc(likely, func(a, b *profile.Card) int { return cmp.Compare(known(b, atr), known(a, atr)) })
	var best sighting
	for _, p := range likely {
		s := sighting{Session: card.New(t, p, card.Options{})}
		s.label, s.refusal = s.Identify(ctx)
		if err := fatal(s.refusal); err != nil {
			return sighting{}, err
		}
		if s.fit() == 3 {
			return s, nil
		}
		if best.Session == nil || s.fit() > best.fit() {
			best = s
		}
	}
	best.Lost() // others have selected since
	return best, nil
}

func known(p *profile.Card, atr reader.ATR) int {
	if p.Interface(atr) != "" {
		return 1
	}
	return 0
}

// interfaceOf is where a card is that gave an answer to reset: as listed for it, or by the
// form of those that contactless readers make up.
func interfaceOf(atr reader.ATR) string {
	for _, p := range generations() {
		if listed := p.Interface(atr); listed != "" {
			return listed
		}
	}
	if atr.Contactless() {
		return "contactless"
	}
	return "contact"
}

// inSome is nil where one generation at least has what find looks for, else what the first
// says: what no card has is refused before there is one.
func inSome(find func(*profile.Card) error) error { return inSomeOf(generations(), find) }

func inSomeOf(all []*profile.Card, find func(*profile.Card) error) error {
	var first error
	for _, p := range all {
		err := find(p)
		if err == nil {
			return nil
		}
		first = cmp.Or(first, err)
	}
	return first
}

// generationOf is the profile of the card in the reader, for a command that asks for a
// secret: which one is meant depends on it, and nobody may be kept from the card while
// somebody types.
func (a *app) generationOf(ctx context.Context) (p *profile.Card, err error) {
	err = a.identified(ctx, reader.Shared, func(c *opened) error {
		p = c.Profile()
		return c.unsure()
	})
	return p, err
}

// identifiedAs is identified for a card that must still be of the generation that a secret
// was asked for.
func (a *app) identifiedAs(ctx context.Context, p *profile.Card, f func(*opened) error) error {
	return a.identified(ctx, reader.Exclusive, func(c *opened) error {
		if c.Profile() != p {
			return failure.New(failure.CardGeneration, "another card was in the reader when this began", nil)
		}
		return f(c)
	})
}
