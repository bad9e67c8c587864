package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"jukicard/simulator/bed"
)

func readersCommand() *cobra.Command {
	var o bed.Options
	c := &cobra.Command{
		Use: "readers", Short: "Run a private pcscd with virtual readers until interrupted",
		Long: "Runs Debian's pcscd with Debian's vpcd driver in a mount namespace of its own: no system pcscd is\n" +
			"disturbed and no systemd is needed. It prints shell variables: the socket for PC/SC programs, and for\n" +
			"each reader its name and the address a card dials.",
		Example: "  cardsim readers --dir /tmp/bed >/tmp/bed.env &\n" +
			"  . /tmp/bed.env; export PCSCLITE_CSOCK_NAME\n" +
			"  cardsim card --state card.state --vpcd \"$VPCD_0\" &\n" +
			"  cardctl readers",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			b, err := bed.Up(cmd.Context(), o)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, b.Close()) }()
			describe(cmd.OutOrStdout(), b)
			<-cmd.Context().Done()
			return nil
		},
	}
	c.Flags().StringVar(&o.Dir, "dir", "", "folder for socket, configuration and log; a temporary one that is removed without it")
	c.Flags().IntVar(&o.Readers, "count", 0, "how many readers, 1 to 16, rounded up to an even number; 2 without it")
	must(c.MarkFlagDirname("dir"))
	return c
}

// describe prints what programs and cards need to know of a running pcscd.
func describe(w io.Writer, b *bed.Bed) {
	for i := range b.Slots() {
		tell(w, "READER_%d='%s'", i, b.Reader(i))
		tell(w, "VPCD_%d='%s'", i, b.Addr(i))
	}
	tell(w, "PCSCD_LOG='%s'", b.Log())
	tell(w, "%s='%s'", bed.EnvSocket, b.Socket()) // last: whoever sees it has seen all
}
