package api

import (
	"context"
	"slices"
	"time"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/station"
)

func (s *Server) quarantine(ctx context.Context, _ *struct{}) (*body[[]client.Quarantined], error) {
	list, err := s.d.Station.Quarantined(ctx)
	if err != nil {
		return nil, asFailure(err)
	}
	out := make([]client.Quarantined, len(list))
	for i, q := range list {
		out[i] = quarantinedOf(q)
	}
	return &body[[]client.Quarantined]{Body: out}, nil
}

// quarantinedOf puts a card in quarantine into the API's form.
func quarantinedOf(q station.Quarantine) client.Quarantined {
	entry, _ := failure.Explain(failure.Code(q.Code))
	return client.Quarantined{
		Card: q.Card, Job: q.Job, Order: q.Order, Since: q.Since.UTC().Format(time.RFC3339Nano), Code: q.Code, Reason: q.Reason,
		Japanese: entry.CauseJa + "。" + entry.RemedyJa, Serials: q.Serials, Voided: q.Voided, Witnesses: q.Witnesses, Destroyed: q.Destroyed,
	}
}

// said is what a person says, and why.
type said struct {
	By     string `json:"by" minLength:"1" maxLength:"64" doc:"who says so"`
	Reason string `json:"reason,omitempty" maxLength:"200" doc:"why; never data of a resident"`
}

type saidInput struct {
	ID   string `path:"id" maxLength:"64" doc:"job or card number"`
	Body said
}

// confirm takes down that a person saw a card in quarantine destroyed.
func (s *Server) confirm(ctx context.Context, in *saidInput) (*body[client.Quarantined], error) {
	job, err := s.jobOf(ctx, in.ID)
	if err != nil {
		return nil, asFailure(err)
	}
	if err := s.d.Of(ctx, job).ConfirmDestroyed(ctx, job, in.Body.By); err != nil {
		return nil, asFailure(err)
	}
	return s.nowQuarantined(ctx, job)
}

// putAside puts a card into quarantine.
func (s *Server) putAside(ctx context.Context, in *saidInput) (*body[client.Quarantined], error) {
	job, err := s.jobOf(ctx, in.ID)
	if err != nil {
		return nil, asFailure(err)
	}
	if err := s.d.Of(ctx, job).PutAside(ctx, job, in.Body.By, in.Body.Reason); err != nil {
		return nil, asFailure(err)
	}
	return s.nowQuarantined(ctx, job)
}

// nowQuarantined is how a card stands after a decision; who is outside hears of it.
func (s *Server) nowQuarantined(ctx context.Context, job string) (*body[client.Quarantined], error) {
	s.d.Wake()
	list, err := s.d.Station.Quarantined(ctx)
	if err != nil {
		return nil, asFailure(err)
	}
	for _, q := range list {
		if q.Job == job {
			return &body[client.Quarantined]{Body: quarantinedOf(q)}, nil
		}
	}
	return nil, asFailure(failure.New(failure.QuarantineNone, job, nil))
}

// abandon gives a job up.
func (s *Server) abandon(ctx context.Context, in *saidInput) (*body[client.Job], error) {
	if err := s.d.Of(ctx, in.ID).Abandon(ctx, in.ID, in.Body.By, in.Body.Reason); err != nil {
		return nil, asFailure(err)
	}
	s.d.Wake()
	return s.job(ctx, in.ID)
}

// jobOf is the job of that number, or the one that decides over the card of that number:
// the one that spoiled it, else the latest that made it; one that made an entry on it
// decides nothing. A number nobody knows is looked for as a job.
func (s *Server) jobOf(ctx context.Context, id string) (string, error) {
	jobs, err := s.d.Journal.ByCard(ctx, id)
	if err != nil || len(jobs) == 0 {
		return id, err
	}
	for _, j := range jobs {
		if j.State == journal.Spoiled {
			return j.ID, nil
		}
	}
	made := slices.DeleteFunc(slices.Clone(jobs), func(j journal.Job) bool { return j.Operation == order.Endorse })
	if len(made) > 0 {
		jobs = made
	}
	return jobs[len(jobs)-1].ID, nil
}
