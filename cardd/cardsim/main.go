// Command cardsim is the simulator as a program: invented people, a My Number card
// in software that sits in a virtual reader of the real pcscd, and a private pcscd
// to put it in. Whoever talks to that card talks through the whole PC/SC stack.
//
// It leaves out printers, and readers that are not PC/SC: those are Go packages.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "cardsim:", err)
		stop()
		os.Exit(1) //nolint:gocritic // nothing but stop is deferred, and it was called
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use: "cardsim", Short: "A simulated My Number card, invented people and a private pcscd",
		SilenceUsage: true, SilenceErrors: true, DisableAutoGenTag: true,
	}
	root.AddCommand(personCommand(), cardCommand(), readersCommand())
	return root
}

// tell writes a line for people; that nobody reads it is no reason to stop.
func tell(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}
