package api

import (
	"context"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/upstream"
)

func (s *Server) reconcile(ctx context.Context, _ *struct{}) (*body[[]client.Finding], error) {
	return s.findings(ctx, false)
}

func (s *Server) mend(ctx context.Context, _ *struct{}) (*body[[]client.Finding], error) {
	return s.findings(ctx, true)
}

func (s *Server) findings(ctx context.Context, mend bool) (*body[[]client.Finding], error) {
	r, err := s.d.Reconcile(ctx, mend)
	if err != nil {
		return nil, asFailure(err)
	}
	return &body[[]client.Finding]{Body: listed(r)}, nil
}

// listed puts a report into the API's form: cards, then certificates, then the notices
// that wait for a person and stand with no card above.
func listed(r *daemon.Report) []client.Finding {
	out := []client.Finding{}
	shown := map[string]bool{}
	for _, f := range r.Cards {
		out = append(out, findingOf(f))
		if f.Terminal.Held {
			shown[f.Terminal.Key] = true
		}
	}
	for _, f := range r.Certificates {
		out = append(out, certificateOf(f))
	}
	for _, n := range r.Held {
		if !shown[n.Key] {
			out = append(out, heldOf(n))
		}
	}
	return out
}

// findingOf puts a finding into the API's form.
func findingOf(f upstream.Finding) client.Finding {
	out := client.Finding{
		About: client.AboutCard, Card: f.Card(), Order: f.Terminal.Order, Job: f.Terminal.Job, Terminal: string(f.Terminal.State), Notice: string(f.Terminal.Notice),
		Management: string(f.Management), Chip: string(f.Chip.State), Verdict: string(f.Verdict), Right: string(f.Right), Presented: f.Chip.Presented,
	}
	if f.Terminal.Held {
		out.Key = f.Terminal.Key
	}
	return explained(out, f.Code)
}

// certificateOf puts a certificate's finding into the API's form.
func certificateOf(f upstream.CertificateFinding) client.Finding {
	return explained(client.Finding{
		About: client.AboutCertificate, Card: f.Card, Order: f.Order, Job: f.Terminal.Job, Terminal: string(f.Terminal.State), Notice: string(f.Terminal.Notice),
		Management: string(f.Management), Verdict: string(f.Verdict), Right: string(f.Right), Serial: f.Serial, Purpose: f.Purpose, Authority: string(f.Status),
	}, f.Code)
}

// heldOf puts a notice that waits for a person into the API's form.
func heldOf(n journal.Notice) client.Finding {
	return explained(client.Finding{
		About: client.AboutNotice, Card: n.Card, Order: n.Order, Job: n.Job, Notice: n.State, Verdict: string(upstream.ToDo), Right: string(upstream.Nobody),
		Key: n.Key, Party: n.Party, Kind: n.Kind,
	}, failure.Code(n.Code))
}

func explained(f client.Finding, code failure.Code) client.Finding {
	entry, _ := failure.Explain(code)
	f.Code, f.Text, f.Japanese = string(code), entry.Cause+"; "+entry.Remedy, entry.CauseJa+"。"+entry.RemedyJa
	return f
}

type releaseInput struct {
	Key  string `path:"key" maxLength:"160" doc:"idempotency key of the notice"`
	Body struct {
		By string `json:"by" minLength:"1" maxLength:"64" doc:"who says so"`
	}
}

// release lets a notice go on that waits for a person.
func (s *Server) release(ctx context.Context, in *releaseInput) (*body[client.Notice], error) {
	n, err := s.d.Release(ctx, in.Key, in.Body.By)
	if err != nil {
		return nil, asFailure(err)
	}
	return &body[client.Notice]{Body: client.Notice{Key: n.Key, Party: n.Party, Card: n.Card, Order: n.Order, Job: n.Job, Kind: n.Kind, State: n.State, Held: n.Held, Code: n.Code}}, nil
}
