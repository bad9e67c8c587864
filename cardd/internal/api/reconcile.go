package api

import (
	"context"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/upstream"
)

func (s *Server) reconcile(ctx context.Context, _ *struct{}) (*body[[]client.Finding], error) {
	return s.findings(ctx, false)
}

func (s *Server) mend(ctx context.Context, _ *struct{}) (*body[[]client.Finding], error) {
	return s.findings(ctx, true)
}

func (s *Server) findings(ctx context.Context, mend bool) (*body[[]client.Finding], error) {
	found, err := s.d.Reconcile(ctx, mend)
	if err != nil {
		return nil, asFailure(failure.New(failure.UpstreamUnreachable, err.Error(), err))
	}
	out := make([]client.Finding, len(found))
	for i, f := range found {
		out[i] = findingOf(f)
	}
	return &body[[]client.Finding]{Body: out}, nil
}

// findingOf puts a finding into the API's form.
func findingOf(f upstream.Finding) client.Finding {
	entry, _ := failure.Explain(f.Code)
	return client.Finding{
		Card: f.Card(), Order: f.Terminal.Order, Terminal: string(f.Terminal.State), Notice: string(f.Terminal.Notice),
		Management: string(f.Management), Chip: string(f.Chip.State), Verdict: string(f.Verdict), Right: string(f.Right),
		Code: string(f.Code), Text: entry.Cause + "; " + entry.Remedy, Japanese: entry.CauseJa + "。" + entry.RemedyJa,
	}
}
