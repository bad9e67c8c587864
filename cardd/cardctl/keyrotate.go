package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jukicard/apdu/card"
	"jukicard/apdu/scp03"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/keys"
	"jukicard/pki/keystore"
	"jukicard/reader"
)

const rotateLong = `Changes the issuer-domain keys of cards to those of another master. On each card the new
set is added beside the old one; a session is opened with the new set; only then the old
one is deleted. Killed or torn at any point, the card is usable with a version that it
still has, and the same command goes on: it asks the card which versions there are.
The laboratory's set, where a card has one, is left alone. Two persons are there; a record
of the cards that were changed, without key material, is kept to be printed and signed.

CARD is a card identification number, 16 digits; the cards are put into the reader one
after the other, in any order.`

func (a *app) rotateCommand() *cobra.Command {
	var to string
	var two persons
	var p paper
	c := &cobra.Command{
		Use: "rotate CARD...", Short: "Change the keys of cards to another version, safe against tearing", Long: rotateLong, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, cards []string) error {
			v, err := parseVersion("to", to)
			if err != nil {
				return err
			}
			if err := two.check(); err != nil {
				return err
			}
			if err := p.check(); err != nil {
				return err
			}
			return a.withKeys(keys.Open, func(r *keyRoom) error {
				return r.recorded(cmd.Context(), &turned{persons: two, to: v}, p, cards)
			})
		},
	}
	c.Flags().StringVar(&to, "to", "", "`version` that the cards are to have, two hexadecimal digits (required)")
	two.flags(c)
	p.flags(c)
	return c
}

// rotation is what is remembered of one card, for people: the truth is on the card.
type rotation struct {
	Card  string    `json:"card"`
	From  string    `json:"from,omitempty"`
	To    string    `json:"to"`
	Stage string    `json:"stage"` // intended, added, proven, done
	At    time.Time `json:"at"`
	persons
}

// Stages of a rotation, each written before what it names can be in doubt.
const (
	rotationIntended = "intended" // PUT KEY may be sent
	rotationAdded    = "added"    // the card confirmed both versions
	rotationProven   = "proven"   // a session with the new one was open; DELETE may be sent
	rotationDone     = "done"     // the card has the new version alone
)

// recorded rotates, and keeps the record of the cards that were changed, also when one
// of them was not.
func (r *keyRoom) recorded(ctx context.Context, t *turned, p paper, cards []string) error {
	t.begun = r.now().UTC()
	err := r.rotateAll(ctx, t, cards)
	if len(t.cards) == 0 {
		return err
	}
	path := filepath.Join(r.dir("rotations"), "record-"+t.begun.Format("20060102T150405.000000000Z"))
	text := t.text(r.config.Station.Name, fmt.Sprint(r.store), r.now().UTC())
	if err := errors.Join(err, r.keep(path, text, p)); err != nil {
		return err
	}
	r.notef(r.in2("Record to be signed: %s.pdf\n", "署名する記録: %s.pdf\n"), path)
	return r.print(ctx, path, text, p)
}

// rotateAll takes the cards as they come.
func (r *keyRoom) rotateAll(ctx context.Context, t *turned, cards []string) error {
	if there, err := r.find(ctx, keystore.ID{Use: keystore.Master, Version: t.to}); err != nil || there == nil {
		return errors.Join(err, noMaster(t.to, there))
	}
	left := slices.Clone(cards)
	for len(left) > 0 {
		var done rotation
		err := r.identified(ctx, reader.Exclusive, func(c *opened) (err error) {
			done, err = r.rotate(ctx, c, left, t)
			return err
		})
		if err != nil {
			return err
		}
		t.cards = append(t.cards, done)
		r.printf(r.in2("Card %s has keys of version %02X.\n", "カード %s の鍵は版 %02X です。\n"), done.Card, t.to)
		left = slices.DeleteFunc(left, func(id string) bool { return id == done.Card })
		if len(left) > 0 {
			if _, err := r.askLine(fmt.Sprintf(r.in2("Put the next card in (%s) and press Enter", "次のカード（%s）を入れてEnterを押してください"), strings.Join(left, ", "))); err != nil {
				return err
			}
		}
	}
	return nil
}

func noMaster(version byte, there *keystore.Key) error {
	if there != nil {
		return nil
	}
	return failure.New(failure.KeysNone, fmt.Sprintf("master %02X", version), nil)
}

// rotate changes the keys of the card in the reader, from wherever it is.
func (r *keyRoom) rotate(ctx context.Context, c *opened, wanted []string, t *turned) (done rotation, err error) {
	id, err := c.CardID(ctx)
	if err != nil {
		return done, err
	}
	if !slices.Contains(wanted, id) {
		return done, failure.New(failure.KeysRotation, "the card in the reader is "+id+", not one of those named", nil)
	}
	from, has, err := r.versions(ctx, c, t.to)
	if err != nil {
		return done, err
	}
	turn := &turning{keyRoom: r, card: c, to: t.to, from: from, state: rotation{Card: id, To: fmt.Sprintf("%02X", t.to), persons: t.persons}}
	if from != 0 {
		turn.state.From = fmt.Sprintf("%02X", from)
	}
	if !has {
		if err := turn.add(ctx); err != nil {
			return done, err
		}
	}
	err = turn.replace(ctx)
	return turn.state, err
}

// versions asks the card what it has: the version to leave, 0 when it was left already,
// and whether the new one is there.
func (r *keyRoom) versions(ctx context.Context, c *opened, to byte) (from byte, has bool, err error) {
	all, err := c.KeyVersions(ctx)
	if err != nil {
		return 0, false, err
	}
	var others []byte
	for _, v := range all {
		switch v {
		case to:
			has = true
		case c.Profile().Domain.LabVersion:
		default:
			others = append(others, v)
		}
	}
	switch {
	case len(others) > 1:
		return 0, false, failure.New(failure.KeysRotation, fmt.Sprintf("the card has versions % X: end the change that is under way first, with --to one of them", others), nil)
	case len(others) == 1:
		return others[0], has, nil
	case !has:
		return 0, false, failure.New(failure.KeysRotation, "the card has no keys but a laboratory's", nil)
	}
	return 0, has, nil
}

// turning is one card's change of keys.
type turning struct {
	*keyRoom
	card     *opened
	from, to byte
	state    rotation
}

// note remembers how far it is.
func (t *turning) note(stage string) error {
	t.state.Stage, t.state.At = stage, t.now().UTC().Truncate(time.Second)
	return saveState(filepath.Join(t.dir("rotations"), t.state.Card+".json"), t.state)
}

// open opens the domain's channel with one version and gives its keys, which the
// channel closes.
func (t *turning) open(ctx context.Context, version byte) (kept keystore.CardKeys, err error) {
	err = t.card.OpenVersion(ctx, card.Domain, version, func(ctx context.Context, v byte, kdd [10]byte) (scp03.Keys, error) {
		k, err := t.store.Card(ctx, v, kdd)
		if err != nil {
			return nil, keys.Coded(err)
		}
		kept = k
		return k, nil
	})
	if errors.Is(err, scp03.ErrCryptogram) {
		return nil, failure.New(failure.KeysRotation, fmt.Sprintf("version %02X on the card is not of this store's master %02X; nothing was removed", version, version), err)
	}
	return kept, err
}

// add puts the new set beside the old one: at once or not at all.
func (t *turning) add(ctx context.Context) error {
	if err := t.note(rotationIntended); err != nil {
		return err
	}
	old, err := t.open(ctx, t.from)
	if err != nil {
		return err
	}
	next, ok := old.(keystore.Successor)
	if !ok {
		return failure.New(failure.KeysUnable, "the key store wraps no keys", nil)
	}
	wrapped, err := next.Successor(ctx, t.to)
	if err != nil {
		return err
	}
	if err := t.card.PutKeys(ctx, t.to, wrapped); err != nil {
		return err
	}
	return t.note(rotationAdded)
}

// replace proves the new set and only then removes the old one.
func (t *turning) replace(ctx context.Context) error {
	if _, err := t.open(ctx, t.to); err != nil {
		return err
	}
	if t.from == 0 {
		return t.note(rotationDone)
	}
	if err := t.note(rotationProven); err != nil {
		return err
	}
	if err := t.card.DeleteKeys(ctx, t.from); err != nil {
		return err
	}
	left, err := t.card.KeyVersions(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(left, t.from) || !slices.Contains(left, t.to) {
		return failure.New(failure.KeysRotation, fmt.Sprintf("the card has versions % X", left), nil)
	}
	return t.note(rotationDone)
}
