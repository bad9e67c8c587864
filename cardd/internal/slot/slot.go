// Package slot finds the reader that is meant and says, in the operator's words, why
// the card in it cannot be reached. Stations and technicians' commands choose alike.
//
// It leaves out opening cards: who opens one knows for what.
package slot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"jukicard/cardd/internal/failure"
	"jukicard/reader"
)

// Find names the reader to use: the one of that name, or where the name is empty
// the only one with a card in it. A system that cannot list its readers is asked
// for the name as it is.
func Find(ctx context.Context, readers reader.System, name string) (string, error) {
	lister, ok := readers.(reader.Lister)
	if !ok {
		return name, nil
	}
	states, err := lister.Readers(ctx)
	if err != nil && !errors.Is(err, reader.ErrNoReader) {
		return "", Unopened(err)
	}
	return Choose(states, name)
}

// Choose picks the one card meant: in the named reader, or the only one there is.
// Part of a name suffices where a card is in one of the readers it fits.
func Choose(states []reader.State, name string) (string, error) {
	if len(states) == 0 {
		return "", failure.New(failure.ReaderNone, "", nil)
	}
	meant := named(states, name)
	if len(meant) == 0 {
		return "", failure.New(failure.ReaderUnknown, "", nil)
	}
	meant = slices.DeleteFunc(meant, func(st reader.State) bool { return !st.Present })
	switch {
	case len(meant) == 0:
		return "", failure.New(failure.ReaderNoCard, "", nil)
	case len(meant) > 1:
		return "", failure.New(failure.ReaderTwoCards, fmt.Sprintf("%d cards", len(meant)), nil)
	case meant[0].Mute:
		return "", failure.New(failure.ReaderMute, "", nil)
	}
	return meant[0].Name, nil
}

// named are the readers a name may mean: the one that has it, else those that have
// it in theirs. Every reader's name contains the empty one.
func named(states []reader.State, name string) []reader.State {
	var fit []reader.State
	for _, st := range states {
		if st.Name == name {
			return []reader.State{st}
		}
		if strings.Contains(st.Name, name) {
			fit = append(fit, st)
		}
	}
	return fit
}

// Unopened says what keeps a card from being opened; nothing was sent to it.
func Unopened(err error) error {
	var link *reader.Error
	if errors.As(err, &link) {
		code := Code(link)
		if code == failure.ReaderLink {
			code = failure.ReaderMute
		}
		return failure.New(code, link.Detail, err)
	}
	return err
}

// Code names a failed link for people.
func Code(e *reader.Error) failure.Code {
	for kind, code := range map[error]failure.Code{
		reader.ErrNoReader: failure.ReaderUnknown, reader.ErrNoCard: failure.ReaderNoCard, reader.ErrMute: failure.ReaderMute,
		reader.ErrSharing: failure.ReaderBusy, reader.ErrRemoved: failure.ReaderRemoved, reader.ErrDaemon: failure.ReaderService,
	} {
		if errors.Is(e.Kind, kind) {
			return code
		}
	}
	return failure.ReaderLink
}
