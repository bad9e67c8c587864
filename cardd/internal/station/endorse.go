package station

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/order/facecheck"
	"jukicard/cardd/plan"
	"jukicard/printer"
	"jukicard/printer/face"
)

// An entry (追記) is made on a card in use: its holder has brought it to the window, its
// chip is asked for its number and for nothing else, and one entry is printed into its
// 追記欄, or recorded there where it was written by hand. All that can be refused is
// refused before a card is fed: the entry is drawn when the order is accepted.

// Enterer draws entries; a Painter that is one, too, lets cards in use be endorsed. *face.Fonts is
// one.
type Enterer interface {
	// Panel is the 追記欄 of a card as it is issued with these data.
	Panel(l *face.Layout, d face.Data) (face.Panel, error)
	// Endorse draws one entry below those that stand on the card.
	Endorse(l *face.Layout, p face.Panel, e face.Entry) (face.Overlay, error)
}

// entering is what a job keeps of the card's 追記欄, as it is and as it will be.
type entering struct {
	Before []byte `cbor:"1,keyasint"`           // JSON of face.Panel
	After  []byte `cbor:"2,keyasint"`           // likewise
	Told   bool   `cbor:"3,keyasint,omitempty"` // Before is the clerk's word alone
}

// readyEntry makes a dossier for an order to endorse that has no job yet.
func (s *Station) readyEntry(ctx context.Context, o *order.Order, wire []byte) (*dossier, error) {
	if err := s.unclaimed(ctx, o.Endorsement.Card); err != nil {
		return nil, err
	}
	m := &material{Order: wire, DigestKey: make([]byte, digestKeyLen), Made: s.c.Now().UTC().Truncate(time.Second)}
	if _, err := rand.Read(m.DigestKey); err != nil {
		return nil, fmt.Errorf("cannot draw a digest key: %w", err)
	}
	p, err := profile.Shared(o.Profile)
	if err != nil {
		return nil, err
	}
	if m.Entering, err = s.entering(ctx, p, o.Endorsement); err != nil {
		return nil, err
	}
	return s.assembleEntry(p, o, m)
}

// assembleEntry is the dossier of an order to endorse.
func (s *Station) assembleEntry(p *profile.Card, o *order.Order, m *material) (*dossier, error) {
	if m.Entering == nil {
		return nil, failure.New(failure.StationContent, "the sealed order says nothing of its card's panel", nil)
	}
	entry := &plan.Entry{Card: o.Endorsement.Card, ByHand: o.Endorsement.ByHand > 0}
	if !entry.ByHand {
		e, err := facecheck.Entry(o.Endorsement.Entry)
		if err != nil {
			return nil, failure.New(failure.EntryRefused, err.Error(), err)
		}
		entry.Digest = entryDigest(m.DigestKey, e)
	}
	return &dossier{
		order: o, profile: p, material: m, cardID: o.Endorsement.Card,
		wanted: plan.Order{ID: o.ID, Product: string(o.Product), Print: s.c.Printer != nil, Entry: entry},
	}, nil
}

// entryDigest is the keyed digest of an entry's words.
func entryDigest(key []byte, e face.Entry) string {
	return plan.Digest(key, []byte(strings.Join([]string{e.Date, e.Reason, e.Content, e.Seal}, "\x00")))
}

// entering says what stands on the order's card and what will; the entry is drawn once,
// so that what cannot be printed, or does not fit, is refused now.
func (s *Station) entering(ctx context.Context, p *profile.Card, e order.Endorsement) (*entering, error) {
	before, told, err := s.panelBefore(ctx, e)
	if err != nil {
		return nil, err
	}
	layout, err := s.layoutOf(p, before)
	if err != nil {
		return nil, err
	}
	var after face.Panel
	if e.ByHand > 0 {
		after, err = layout.ByHand(before, e.ByHand)
		err = entryFailure(err)
	} else {
		var o face.Overlay
		o, err = s.overlay(ctx, layout, before, e.Entry)
		after = o.After
	}
	if err != nil {
		return nil, err
	}
	return &entering{Before: panelJSON(before), After: panelJSON(after), Told: told}, nil
}

// panelBefore is what stands in the 追記欄 of the order's card: by this station's record,
// else by the clerk's word. Where both speak they must agree.
func (s *Station) panelBefore(ctx context.Context, e order.Endorsement) (before face.Panel, told bool, err error) {
	known, err := s.panelOf(ctx, e.Card)
	switch {
	case errors.Is(err, journal.ErrUnknown) && e.Panel == nil:
		return before, false, failure.New(failure.PanelUnknown, "card "+e.Card, nil)
	case errors.Is(err, journal.ErrUnknown):
		return facecheck.Panel(*e.Panel), true, nil
	case err != nil:
		return before, false, failure.New(failure.StationJournal, err.Error(), err)
	case e.Panel != nil && !agree(known, facecheck.Panel(*e.Panel)):
		return before, false, failure.New(failure.PanelDiffers, "the record is "+panelText(known), nil)
	case known.Marred() && e.ByHand == 0:
		// Ours: over or below half an entry nothing is printed; the card is to be reissued.
		return before, false, failure.New(failure.EntrySpoilt, "an earlier entry on this card", nil)
	}
	return known, false, nil
}

// panelOf is what the journal knows of a card's 追記欄; journal.ErrUnknown where it knows
// nothing.
func (s *Station) panelOf(ctx context.Context, card string) (p face.Panel, err error) {
	kept, err := s.c.Journal.Panel(ctx, card)
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(kept.Body, &p)
}

// agree says whether a clerk sees what the record has. Whether an entry is whole the
// record says alone.
func agree(known, told face.Panel) bool {
	same := func(a, b face.Written) bool { return a.Lines == b.Lines && a.ByHand == b.ByHand }
	return known.Layout == told.Layout && known.Version == told.Version && slices.EqualFunc(known.Entries, told.Entries, same)
}

// panelText is a panel in words: "mynumber-1 version 2, entries of 1, 2 by hand lines".
func panelText(p face.Panel) string {
	if len(p.Entries) == 0 {
		return fmt.Sprintf("%s version %d, no entries", p.Layout, p.Version)
	}
	lines := make([]string, len(p.Entries))
	for i, w := range p.Entries {
		lines[i] = fmt.Sprint(w.Lines)
		if w.ByHand {
			lines[i] += " by hand"
		}
	}
	return fmt.Sprintf("%s version %d, lines of its entries: %s", p.Layout, p.Version, strings.Join(lines, ", "))
}

func panelJSON(p face.Panel) []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic("internal error: cannot encode a panel: " + err.Error())
	}
	return b
}

// layoutOf is the layout that a card was printed with: the station's own or one inside.
// It must be one of the card's generation.
func (s *Station) layoutOf(p *profile.Card, on face.Panel) (*face.Layout, error) {
	l := s.c.Layout
	if l == nil || l.Name != on.Layout || l.Version != on.Version {
		var err error
		if l, err = face.LookupLayout(on.Layout, on.Version); err != nil {
			return nil, failure.New(failure.EntryLayout, fmt.Sprintf("%s version %d", on.Layout, on.Version), err)
		}
	}
	if l.Name != p.Face.Layout {
		return nil, failure.New(failure.EntryLayout, fmt.Sprintf("%s is no layout of %s", l.Name, p.ID), nil)
	}
	_, err := l.LinesLeft(on)
	return l, entryFailure(err)
}

// overlay draws an entry at the printer's own resolution.
func (s *Station) overlay(ctx context.Context, l *face.Layout, before face.Panel, of order.Entry) (face.Overlay, error) {
	enterer, ok := s.c.Faces.(Enterer)
	if !ok {
		return face.Overlay{}, failure.New(failure.EntryRefused, "nothing here draws entries", nil)
	}
	l, err := s.atPrinter(ctx, l)
	if err != nil {
		return face.Overlay{}, err
	}
	e, err := facecheck.Entry(of)
	if err != nil {
		return face.Overlay{}, failure.New(failure.EntryRefused, err.Error(), err)
	}
	o, err := enterer.Endorse(l, before, e)
	return o, entryFailure(err)
}

// entryFailure gives what face refuses of an entry its code; nil stays nil.
func entryFailure(err error) error {
	var over *face.OverflowError
	var data *face.DataError
	switch {
	case errors.As(err, &over) && over.Reissue:
		return failure.New(failure.EntryNoRoom, over.Rule, err)
	case errors.As(err, &data):
		return failure.New(failure.EntryRefused, err.Error(), err)
	}
	return faceFailure(err)
}

// fitsOrder refuses a card that the order does not name, before its plan is thought of.
func (d *dossier) fitsOrder(card string) error {
	if d.order.Operation != order.Endorse || card == d.order.Endorsement.Card {
		return nil
	}
	return failure.New(failure.CardNotOrdered, "", nil)
}

// identify has the card tell once more that it is the order's.
func (r *run) identify(ctx context.Context, _ plan.Step) (facts, error) {
	id, err := r.card.session.CardID(ctx)
	switch {
	case err != nil:
		return nil, err
	case id != r.job.CardID || id != r.dossier.order.Endorsement.Card:
		return nil, failure.New(failure.CardOther, "", nil)
	}
	return nil, nil
}

// note records an entry that a clerk wrote and sealed by hand; its outcome is the record.
func (r *run) note(ctx context.Context, _ plan.Step) (facts, error) { return nil, r.unchanged(ctx) }

// unchanged makes sure that the card is still good and its 追記欄 as it was when the order
// was accepted.
func (r *run) unchanged(ctx context.Context) error {
	if err := r.unclaimed(ctx, r.job.CardID); failure.CodeOf(err) == failure.CardQuarantined {
		return err
	}
	before, _, err := r.panelBefore(ctx, r.dossier.order.Endorsement)
	if err != nil {
		return err
	}
	if !bytes.Equal(panelJSON(before), r.dossier.material.Entering.Before) {
		return failure.New(failure.PanelDiffers, "it was changed since the order was accepted", nil)
	}
	return nil
}

// entryFace draws what the step prints, and refuses whatever differs from the plan or
// would take other lines than are recorded.
func (r *run) entryFace(ctx context.Context, step plan.Step) (printer.Face, error) {
	if err := r.unchanged(ctx); err != nil {
		return printer.Face{}, err
	}
	if step.Digest != r.dossier.wanted.Entry.Digest {
		return printer.Face{}, failure.New(failure.StationContent, "the entry has another digest than the plan", nil)
	}
	var before face.Panel
	if err := json.Unmarshal(r.dossier.material.Entering.Before, &before); err != nil {
		return printer.Face{}, failure.New(failure.StationContent, "the card's panel does not read", err)
	}
	layout, err := r.layoutOf(r.profile, before)
	if err != nil {
		return printer.Face{}, err
	}
	o, err := r.overlay(ctx, layout, before, r.dossier.order.Endorsement.Entry)
	if err != nil {
		return printer.Face{}, err
	}
	if !bytes.Equal(panelJSON(o.After), r.dossier.material.Entering.After) {
		return printer.Face{}, failure.New(failure.StationContent, "the entry takes other lines than when the order was accepted", nil)
	}
	return o.Face, nil
}

// issuedPanel is the 追記欄 of a card that is issued with these data, as JSON; nil where
// nothing is printed here, nothing draws entries, or the layout has none.
func (s *Station) issuedPanel(l *face.Layout, data face.Data) ([]byte, error) {
	enterer, ok := s.c.Faces.(Enterer)
	if !ok || s.c.Printer == nil {
		return nil, nil
	}
	if _, err := l.LinesLeft(face.Panel{Layout: l.Name, Version: l.Version}); err != nil {
		return nil, nil
	}
	p, err := enterer.Panel(l, data)
	if err != nil {
		return nil, faceFailure(err)
	}
	return panelJSON(p), nil
}

// draft is the plan for an entry, for the card that is seen, or for the order's own where
// none is there.
func (d *dossier) draft(p *profile.Card, seen plan.Observation, absent bool, w plan.Wire) (*Draft, error) {
	if absent {
		seen = plan.Observation{Card: d.order.Endorsement.Card}
	}
	wanted := d.wanted
	wanted.Print = true // where it will be printed is not known yet
	made, err := plan.Build(p, wanted, seen, plan.Progress{}, w)
	return &Draft{Plan: made, Blank: absent}, Coded(err)
}

// printable refuses an entry to be printed where no printer is.
func (d *dossier) printable() error {
	if e := d.wanted.Entry; e != nil && !e.ByHand && !d.wanted.Print {
		return failure.New(failure.EntryRefused, "no printer is configured here: name one with --station, or write and seal the entry by hand and give by_hand in its place", nil)
	}
	return nil
}
