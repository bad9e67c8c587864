package station

import (
	"context"
	"encoding/json"
	"errors"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/receipt"
	"jukicard/cardd/plan"
	"jukicard/printer/face"
)

// factTold in the intent of an entry is what a clerk said stands on the card, where
// nobody else knew.
const factTold = "told"

// surfaceFacts are what the intent of a print, or of an entry by hand, tells of the
// card's 追記欄: how it will then be.
func (r *run) surfaceFacts(s plan.Step) facts {
	told := facts{}
	switch m := r.dossier.material; {
	case s.Op != plan.Print && s.Op != plan.Note:
		return nil
	case m.Entering == nil && m.Panel != nil:
		told[issue.FactPanel] = string(m.Panel)
	case m.Entering != nil:
		told[issue.FactPanel] = string(m.Entering.After)
		if m.Entering.Told {
			told[factTold] = string(m.Entering.Before)
		}
	}
	return told
}

// panels are what the record that was just applied has made of the card's 追記欄: nothing,
// unless it made known that something stands there.
func (r *run) panels(before string) ([]journal.Panel, error) {
	how, body := r.machine.Entered()
	switch {
	case how == before || r.job.CardID == "":
		return nil, nil
	case r.job.Operation != order.Endorse:
		return []journal.Panel{r.panel(journal.PanelIssued, body)}, nil
	}
	var all []journal.Panel
	if intent, ok := r.latest(func(rec issue.Record) bool { return rec.Kind == issue.Intent && rec.Facts[issue.FactPanel] != "" }); ok && intent.Facts[factTold] != "" {
		all = append(all, r.panel(journal.PanelTold, intent.Facts[factTold]))
	}
	if how == issue.EnteredSpoilt {
		var p face.Panel
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			return nil, failure.New(failure.StationJournal, "the card's panel does not read", err)
		}
		body = string(panelJSON(p.Spoil()))
	}
	return append(all, r.panel(ways[how], body)), nil
}

// ways are the journal's words for how something came to stand on a card.
var ways = map[string]string{
	issue.EnteredPrinted: journal.PanelPrinted, issue.EnteredByHand: journal.PanelByHand, issue.EnteredSpoilt: journal.PanelSpoilt,
}

func (r *run) panel(how, body string) journal.Panel {
	return journal.Panel{Card: r.job.CardID, How: how, Body: json.RawMessage(body)}
}

// LinesLeft is how many lines of a card's 追記欄 are free, as far as is known here; ok is
// false for a card of which nothing is.
func (s *Station) LinesLeft(ctx context.Context, profileID, card string) (left int, ok bool, err error) {
	on, err := s.panelOf(ctx, card)
	if errors.Is(err, journal.ErrUnknown) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, failure.New(failure.StationJournal, err.Error(), err)
	}
	p, err := profile.Shared(profileID)
	if err != nil {
		return 0, false, err
	}
	l, err := s.layoutOf(p, on)
	if err != nil {
		return 0, false, err
	}
	left, err = l.LinesLeft(on)
	return left, err == nil, entryFailure(err)
}

// endorsed is what the receipt says of an entry; nil for an issue.
func (r *run) endorsed() (*receipt.Endorsed, error) {
	how, body := r.machine.Entered()
	if r.job.Operation != order.Endorse || how == "" {
		return nil, nil
	}
	var p face.Panel
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return nil, err
	}
	l, err := r.layoutOf(r.profile, p)
	if err != nil {
		return nil, err
	}
	left, err := l.LinesLeft(p)
	if err != nil {
		return nil, err
	}
	lines := p.Entries[len(p.Entries)-1].Lines
	return &receipt.Endorsed{How: how, First: p.Used() - lines + 1, Lines: lines, Left: left}, nil
}
