package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/reader"
)

func (a *app) readersCommand() *cobra.Command {
	return &cobra.Command{
		Use: "readers", Short: "List the card readers of this computer and what is in them",
		Long: "Asks the PC/SC service directly; no daemon is needed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listReaders(cmd.Context()) },
	}
}

func (a *app) listReaders(ctx context.Context) error {
	states, err := a.states(ctx)
	if err != nil {
		return err
	}
	if a.json {
		list := make([]client.Reader, len(states))
		for i, st := range states {
			list[i] = client.Reader{Name: st.Name, Present: st.Present, Mute: st.Mute, ATR: st.ATR.String(), Card: knownFor(st.ATR)}
		}
		a.printJSON(list)
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, st := range states {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", st.Name, st.ATR, a.stateText(st))
	}
	return w.Flush()
}

// states looks at all readers; a computer without any is a failure with a remedy.
func (a *app) states(ctx context.Context) ([]reader.State, error) {
	lister, ok := a.readers.(reader.Lister)
	if !ok {
		return nil, errors.New("cannot list readers: this way to reach them has no list")
	}
	states, err := lister.Readers(ctx)
	if errors.Is(err, reader.ErrNoReader) || (err == nil && len(states) == 0) {
		return nil, failure.New(failure.ReaderNone, "", nil)
	}
	return states, err
}

func (a *app) stateText(st reader.State) string {
	switch known := knownFor(st.ATR); {
	case !st.Present:
		return a.in2("no card", "カードなし")
	case st.Mute:
		return a.in2("a card that does not answer", "応答しないカード")
	case known != "":
		return known
	}
	return a.in2("a card of unknown type", "種類不明のカード")
}

// knownFor says what cards a public list knows an answer to reset of; empty when
// none. It is a hint: only the card's applications tell what it is.
func knownFor(atr reader.ATR) string {
	for _, p := range generations() {
		if listed := p.Interface(atr); listed != "" {
			return p.Title + ", " + listed
		}
	}
	return ""
}

func (a *app) completeReaders(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	states, err := a.states(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, len(states))
	for i, st := range states {
		names[i] = st.Name
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
