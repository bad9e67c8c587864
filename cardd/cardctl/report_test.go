package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
	"jukicard/reader"
)

var problem = order.Problems{{Code: "JUKI-X", Field: "resident.name", Rule: "it is so", Remedy: "do this", Ja: "こうしてください"}}

func TestExitCode(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
		want int
	}{
		{"any error", errors.New("x"), exitFailed},
		{"problems of an order", fmt.Errorf("x: %w", problem), exitRefused},
		{"one problem", &juki.InputError{}, exitRefused},
		{"refused by the daemon", &client.Failure{Status: 422, Code: "CARD-ISSUED"}, exitRefused},
		{"a daemon that does not let in", &client.Failure{Status: 403, Code: "API-FORBIDDEN"}, exitFailed},
		{"a daemon in trouble", &client.Failure{Status: 503, Code: "READER-SERVICE"}, exitFailed},
		{"no daemon", fmt.Errorf("x: %w", client.ErrUnreachable), exitUnreachable},
		{"no daemon, refused for that", refused(client.ErrUnreachable), exitRefused},
		{"held", &exit{code: exitHeld}, exitHeld},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := exitCode(row.err); got != row.want {
				t.Errorf("%d, want %d", got, row.want)
			}
		})
	}
}

func TestMessage(t *testing.T) {
	for _, row := range []struct {
		name   string
		err    error
		en, ja string
	}{
		{"a problem", problem, "JUKI-X: resident.name: it is so; do this", "JUKI-X: こうしてください"},
		{"a problem from the daemon", &client.Failure{Code: "JUKI-X", Problems: []client.Problem{{Code: "JUKI-X", Field: "f", Rule: "r", Remedy: "m", Japanese: "日"}}}, "JUKI-X: f: r; m", "JUKI-X: 日"},
		{"a failure", failure.New(failure.ReaderNoCard, "", nil), "READER-NO-CARD: no card is in the reader; put a card in and start again", "READER-NO-CARD: リーダーにカードがありません。"},
		{"a broken link", &reader.Error{Op: "open", Kind: reader.ErrSharing}, "READER-BUSY: another program holds the card", "READER-BUSY: ほかのプログラムが"},
		{"no daemon", fmt.Errorf("%w on /x", client.ErrUnreachable), "API-UNREACHABLE: cardd cannot be reached on /x", "API-UNREACHABLE: cardd"},
		{
			"a failure of the daemon's on the way to something", fmt.Errorf("the card is issued; cannot get its receipt: %w", &client.Failure{Code: "API-NO-RECEIPT", Text: "why; what to do", Japanese: "日"}),
			"API-NO-RECEIPT: the card is issued; cannot get its receipt: why; what to do", "API-NO-RECEIPT: 日",
		},
		{
			"a configuration", refused(fmt.Errorf("cannot find cardd's socket: %w", &config.Error{Code: config.CodeValue, Source: "f", Key: "k", Rule: "r", Remedy: "m"})),
			"CONFIG-VALUE: cannot find cardd's socket: cannot take k from f: r; m", "CONFIG-VALUE: ",
		},
		{"anything else", errors.New("cannot do it"), "cannot do it", "cannot do it"},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := messageOf(row.err)
			if got := m.lines(english); !strings.HasPrefix(got, row.en) {
				t.Errorf("English %q, want %q", got, row.en)
			}
			if got := m.lines(japanese); !strings.HasPrefix(got, row.ja) {
				t.Errorf("Japanese %q, want %q", got, row.ja)
			}
		})
	}
}

func TestLanguageOf(t *testing.T) {
	for _, row := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"nothing set", nil, english},
		{"Japanese", map[string]string{"LANG": "ja_JP.UTF-8"}, japanese},
		{"Japanese alone", map[string]string{"LANG": "ja"}, japanese},
		{"another that begins alike", map[string]string{"LANG": "jam_JM"}, english},
		{"C messages in Japan", map[string]string{"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "C"}, english},
		{"all Japanese", map[string]string{"LANG": "C", "LC_ALL": "ja_JP.UTF-8"}, japanese},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := languageOf(func(name string) string { return row.env[name] }); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	for _, row := range []struct {
		name string
		job  client.Job
		want int
		says string
	}{
		{"done", client.Job{State: stateDone}, 0, ""},
		{"held", client.Job{ID: "7", State: stateHeld, Code: "READER-CARD-REMOVED", Reason: "why"}, exitHeld, "Then: cardctl job resume 7\n"},
		{"held for PINs", client.Job{State: stateHeld, Code: "STATION-PIN-NEEDED"}, exitHeld, "asks for the PINs again"},
		{"held after a print in doubt", client.Job{ID: "7", State: stateHeld, Code: "PRINT-DOUBT"}, exitHeld, "resume 7 [--printed]"},
		{"spoiled", client.Job{State: stateSpoiled, Code: "CARD-REFUSED", Reason: "why"}, exitSpoiled, "Do not hand it out"},
		{"running", client.Job{State: "running"}, exitFailed, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newConsole(nil)
			err := c.verdict(&row.job)
			if got := exitCode(err); err != nil && got != row.want || err == nil && row.want != 0 {
				t.Errorf("%v, want exit status %d", err, row.want)
			}
			if !strings.Contains(c.err.String(), row.says) {
				t.Errorf("it says %q", &c.err)
			}
		})
	}
}
