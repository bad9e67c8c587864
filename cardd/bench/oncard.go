package main

import (
	"context"
	"fmt"

	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/reader"
)

// session opens the card on the desk as anybody could.
func (o *office) session(ctx context.Context, p *profile.Card, extended bool) (*card.Session, func(), error) {
	c, err := o.desk.Open(ctx, deskReader, reader.Exclusive)
	if err != nil {
		return nil, nil, err
	}
	s := card.New(c, p, card.Options{Extended: extended})
	return s, func() { s.Close(); _ = c.Close(reader.Reset) }, nil
}

// labelBytes is what of the token label identifies a card (PKCS #11 v2.40, 3.3).
const labelBytes = 32

// onCard measures an issued card: what stands in its personalisation state, which
// needs no key, says how long every content is that was written. Only the lengths of
// PINs are not on the card; they come from the applicant.
func (o *office) onCard(ctx context.Context, p *profile.Card, a *applicant) (job, error) {
	s, done, err := o.session(ctx, p, true)
	if err != nil {
		return job{}, err
	}
	defer done()
	id, err := s.CardID(ctx)
	if err != nil {
		return job{}, err
	}
	state, err := s.State(ctx)
	if err != nil {
		return job{}, err
	}
	j := job{
		label: labelBytes, cardID: len(id), blank: 1, locked: len(state),
		domain: len(p.Domain.AID), identification: len(p.Applications[0].AID),
		applications: make([]application, len(p.Applications)),
	}
	for i := range p.Applications {
		j.applications[i] = emptyApplication(&p.Applications[i])
	}
	return j, j.fill(p, a, state)
}

// emptyApplication has what the state does not list. The maker's default keys are
// published by files of their application, so their public half is needed.
func emptyApplication(a *profile.Application) application {
	out := application{aid: len(a.AID)}
	for _, k := range a.Keys {
		if k.Made && k.Default {
			out.published++
		}
	}
	return out
}

// fill takes the entries of the personalisation state: application number, EF or tag
// in two bytes, state, value in two bytes (docs/CARD-WRITING.md).
func (j *job) fill(p *profile.Card, a *applicant, state []byte) error {
	const entry = 6
	if len(state) < 1 || (len(state)-1)%entry != 0 {
		return fmt.Errorf("the card's state has %d bytes, which is no whole number of entries", len(state))
	}
	for e := state[1:]; len(e) > 0; e = e[entry:] {
		number, id, value := int(e[0]), profile.FileID(e[1])<<8|profile.FileID(e[2]), int(e[4])<<8|int(e[5])
		switch {
		case number == 0:
			j.objects = append(j.objects, value)
		case number > len(p.Applications):
			return fmt.Errorf("the card's state names application %d, the profile has %d", number, len(p.Applications))
		case !j.applications[number-1].fill(&p.Applications[number-1], a, id, value):
			return fmt.Errorf("the card's state names %v in application %d, which the profile has not", id, number)
		}
	}
	return nil
}

// fill takes one entry; false when the application has no such object.
func (out *application) fill(of *profile.Application, a *applicant, id profile.FileID, value int) bool {
	for _, f := range of.Files {
		switch {
		case f.ID != id:
		case f.Kind == profile.Record:
			out.records = append(out.records, f.Size)
			return true
		default:
			out.files = append(out.files, value)
			return true
		}
	}
	for _, r := range of.PINs {
		if r.ID == id {
			out.references = append(out.references, a.referenceLen(r))
			return true
		}
	}
	for _, k := range of.Keys {
		if k.ID == id {
			out.made++
			return true
		}
	}
	return false
}

// referenceLen is the length of what was set: the applicant's PIN, or the one length
// that the reference can have.
func (a *applicant) referenceLen(r profile.Reference) int {
	if pin, ok := a.pin[r.Class]; ok {
		return len(pin)
	}
	return r.MaxLen
}
