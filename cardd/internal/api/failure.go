package api

import (
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
	"jukicard/cardd/plan"
)

// asFailure turns any error into the API's own: code, words, problems. Words of an
// error that carries no code stay inside; they might name a path or worse.
func asFailure(err error) *client.Failure {
	var f *client.Failure
	var problems order.Problems
	var input *juki.InputError
	var coded *failure.Error
	var card *plan.CardError
	var kept *journal.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &problems):
		return fromProblems(problems)
	case errors.As(err, &input):
		return fromProblems(order.Problems{input})
	case errors.As(err, &kept) && kept.Damaged():
		return asFailure(failure.New(failure.StationDamaged, kept.Wanted+": "+kept.Wrong, nil))
	case errors.As(err, &coded):
		entry, _ := failure.Explain(coded.Code)
		return &client.Failure{Status: statusOf(coded.Code), Code: string(coded.Code), Text: coded.Error(), Japanese: entry.CauseJa + "。" + entry.RemedyJa}
	case errors.As(err, &card):
		entry, _ := failure.Explain(failure.Code(card.Code))
		return &client.Failure{Status: http.StatusConflict, Code: card.Code, Text: card.Error(), Japanese: entry.CauseJa + "。" + entry.RemedyJa}
	case errors.Is(err, journal.ErrUnknown):
		return asFailure(failure.New(failure.APINoJob, "", err))
	case errors.As(err, &kept):
		return asFailure(failure.New(failure.StationJournal, kept.Error(), err))
	}
	return asFailure(failure.New(failure.APIRequest, err.Error(), err))
}

func fromProblems(p order.Problems) *client.Failure {
	out := &client.Failure{Status: http.StatusUnprocessableEntity, Code: p.Code(), Text: p.Error()}
	for _, e := range p {
		out.Problems = append(out.Problems, client.Problem{Code: e.Code, Field: e.Field, Rule: e.Rule, Remedy: e.Remedy, Japanese: e.Ja, Offer: e.Offer})
	}
	if len(p) > 0 {
		out.Japanese = p[0].Ja
	}
	return out
}

// statusOf is the HTTP status of a code: what the caller can mend is 4xx.
func statusOf(c failure.Code) int {
	switch c {
	case failure.APINoJob, failure.QuarantineNone, failure.UpstreamNoNotice, failure.PKINoDoubt, failure.PKINoCertificate:
		return http.StatusNotFound
	case failure.APIForbidden, failure.APINotLab:
		return http.StatusForbidden
	case failure.APIRequest, failure.FaceGlyph, failure.FaceOverflow, failure.FacePhoto:
		return http.StatusUnprocessableEntity
	case failure.StationJournal, failure.StationDamaged, failure.StationVaultKey:
		return http.StatusInternalServerError
	case failure.PKIAuthority, failure.ReaderService, failure.StationStopped:
		return http.StatusServiceUnavailable
	}
	return http.StatusConflict
}

// newError gives huma's own refusals (a wrong method, a body too long) the API's
// form. Details of validation name fields and rules, never values.
func newError(status int, message string, errs ...error) huma.StatusError {
	f := &client.Failure{Status: status, Code: string(failure.APIRequest), Text: message}
	for _, err := range errs {
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) {
			f.Text += "; " + detail.Location + ": " + detail.Message
		}
	}
	return f
}
