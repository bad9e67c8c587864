package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"jukicard/cardd/client"
)

func (a *app) reconcileCommand() *cobra.Command {
	var mend bool
	c := &cobra.Command{
		Use: "reconcile", Short: "List the cards on which terminal, card management and chip do not agree", Args: cobra.NoArgs,
		Long: `Compares what this station's journal says of each card, what card management
(カード管理システム) says, and what the chip showed when it was last read back. Of each
card on which they differ it says whose word counts, why, and what to do; the worst first.

With --mend card management is told what may be told. It is asked before it is told,
and nothing is repeated blindly.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.daemon()
			if err != nil {
				return err
			}
			found, err := d.Reconcile(cmd.Context(), mend)
			if err != nil {
				return err
			}
			return a.showFindings(found)
		},
	}
	c.Flags().BoolVar(&mend, "mend", false, "tell card management what may be told")
	return c
}

func (a *app) showFindings(found []client.Finding) error {
	if a.json {
		a.printJSON(found)
		return nil
	}
	if len(found) == 0 {
		a.printf("%s\n", a.in2("Terminal, card management and chip agree on every card.", "端末・カード管理・チップはすべてのカードで一致しています。"))
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, a.in2("card\tterminal\tnotice\tmanagement\tchip\twhat\tright", "カード\t端末\t通知\tカード管理\tチップ\t判断\t正しい側"))
	for _, f := range found {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Card, f.Terminal, f.Notice, f.Management, f.Chip, f.Verdict, f.Right)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range found {
		a.printf("%s %s: %s\n", f.Card, f.Code, a.in2(f.Text, f.Japanese))
	}
	return nil
}
