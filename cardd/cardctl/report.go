package main

import (
	"errors"
	"net/http"
	"strings"

	"jukicard/apdu"
	"jukicard/cardd/client"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/slot"
	"jukicard/cardd/juki"
	"jukicard/reader"
)

// Exit statuses; the help of the program lists them.
const (
	exitFailed      = 1
	exitRefused     = 2
	exitHeld        = 3
	exitSpoiled     = 4
	exitUnreachable = 5
	exitInterrupted = 130
)

// exit is an error with a status of its own. said means that everything there is
// to say has been said.
type exit struct {
	code int
	err  error
	said bool
}

func (e *exit) Error() string {
	if e.err == nil {
		return "failed"
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// refused marks an error as bad input.
func refused(err error) error { return &exit{code: exitRefused, err: err} }

func exitCode(err error) int {
	var e *exit
	var f *client.Failure
	var problems order.Problems
	var input *juki.InputError
	switch {
	case errors.As(err, &e):
		return e.code
	case errors.Is(err, client.ErrUnreachable):
		return exitUnreachable
	case errors.As(err, &problems), errors.As(err, &input):
		return exitRefused
	case errors.As(err, &f) && f.Status < http.StatusInternalServerError && failure.Code(f.Code) != failure.APIForbidden:
		return exitRefused
	}
	return exitFailed
}

// message is an error as it is shown.
type message struct {
	Code     string           `json:"code,omitempty"`
	Text     string           `json:"text"`
	Japanese string           `json:"ja,omitempty"`
	Problems []client.Problem `json:"problems,omitempty"`
}

// messageOf finds what an operator needs in an error's chain.
func messageOf(err error) message {
	var f *client.Failure
	var problems order.Problems
	var input *juki.InputError
	var coded *failure.Error
	var link *reader.Error
	var set *config.Error
	switch {
	case errors.As(err, &f):
		// What was wanted stands around the daemon's words; the code stands before both.
		return message{f.Code, strings.Replace(err.Error(), f.Error(), f.Text, 1), f.Japanese, f.Problems}
	case errors.As(err, &problems):
		return ofProblems(problems)
	case errors.As(err, &input):
		return ofProblems(order.Problems{input})
	case errors.Is(err, client.ErrUnreachable):
		return explained(failure.New(failure.APIUnreachable, "", nil), err.Error())
	case errors.As(err, &set):
		return message{Code: set.Code, Text: err.Error()}
	case errors.As(err, &coded):
		return explained(coded, coded.Error())
	case errors.As(err, &link):
		coded = failure.New(slot.Code(link), link.Detail, nil)
		return explained(coded, coded.Error())
	}
	return message{Text: err.Error()}
}

func explained(coded *failure.Error, text string) message {
	return message{Code: string(coded.Code), Text: text, Japanese: inJapanese(coded.Code)}
}

// inJapanese is cause and remedy of a code; empty for a code of somebody else.
func inJapanese(c failure.Code) string {
	e, ok := failure.Explain(c)
	if !ok {
		return ""
	}
	return e.CauseJa + "。" + e.RemedyJa
}

func ofProblems(all order.Problems) message {
	m := message{Code: all.Code(), Text: all.Error()}
	for _, p := range all {
		m.Problems = append(m.Problems, client.Problem{Code: p.Code, Field: p.Field, Rule: p.Rule, Remedy: p.Remedy, Japanese: p.Ja, Offer: p.Offer})
	}
	return m
}

// lines is a message as text, a problem a line.
func (m message) lines(lang string) string {
	var out []string
	for _, p := range m.Problems {
		text := p.Field + ": " + p.Rule + "; " + p.Remedy
		if lang == japanese && p.Japanese != "" {
			text = p.Japanese
		}
		if len(p.Offer) > 0 {
			text += " [" + strings.Join(p.Offer, " ") + "]"
		}
		out = append(out, p.Code+": "+text)
	}
	if len(out) > 0 {
		return strings.Join(out, "\n")
	}
	text := m.Text
	if lang == japanese && m.Japanese != "" {
		text = m.Japanese
	}
	if m.Code == "" {
		return text
	}
	return m.Code + ": " + text
}

// report shows an error: text to standard error and, where JSON was asked for, a
// JSON value as the result.
func (a *app) report(err error) {
	var e *exit
	if errors.As(err, &e) && e.said {
		return
	}
	m := messageOf(err)
	if a.json {
		a.printJSON(map[string]message{"error": m})
	}
	if buffered, ok := a.out.(interface{ Flush() error }); ok {
		_ = buffered.Flush() // what was found out stands before why it is not enough
	}
	a.notef("cardctl: %s\n", strings.ReplaceAll(m.lines(a.lang), "\n", "\ncardctl: "))
}

// isRefusal says whether a card answered no, and with which status word; any other
// error means that nothing more can be learnt from it.
func isRefusal(err error) (apdu.SW, bool) {
	var refusal *apdu.StatusError
	if !errors.As(err, &refusal) {
		return 0, false
	}
	return refusal.SW, true
}
