package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"jukicard/cardd/client"
)

const reconcileLong = `Compares what this station's journal says of each card, what card management
(カード管理システム) says, what the chip shows, where it is in the reader or was last read back,
and what the authority (公的個人認証) says of the certificates. Of everything on which they
differ it says whose word counts, why, and what to do; the worst first.

With --mend it does what may be done without a person: card management is told what it was
never told, and asked first; a certificate that is valid for a void card is taken back.
Nothing is repeated blindly.

A notice that was refused, or is in doubt and cannot be settled, waits for a person and
holds up the younger ones of its card. When its cause is mended outside, --release KEY lets
it go on: what was refused is closed, what is in doubt is asked about again.`

func (a *app) reconcileCommand() *cobra.Command {
	var mend bool
	var release, by string
	c := &cobra.Command{
		Use: "reconcile", Short: "List on what terminal, card management, chip and authority do not agree", Args: cobra.NoArgs,
		Long:    reconcileLong,
		Example: "  cardctl reconcile --mend\n  cardctl reconcile --release 20261123-101500-4f2a11.0999000000000017.issued --by Sato",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case release != "" && mend:
				return refused(errors.New("cannot do both: --mend or --release"))
			case (release == "") != (by == ""):
				return refused(errors.New("cannot release the notice: give its key and who says so, --release KEY --by NAME"))
			}
			d, err := a.daemon()
			if err != nil {
				return err
			}
			if release != "" {
				return a.release(cmd.Context(), d, release, by)
			}
			found, err := d.Reconcile(cmd.Context(), mend)
			if err != nil {
				return err
			}
			return a.showFindings(found)
		},
	}
	c.Flags().BoolVar(&mend, "mend", false, "do what may be done without a person")
	c.Flags().StringVar(&release, "release", "", "let the notice of that `key` go on")
	c.Flags().StringVar(&by, "by", "", "`name` of the person who releases it")
	return c
}

func (a *app) release(ctx context.Context, d *client.Client, key, by string) error {
	n, err := d.Release(ctx, key, by)
	switch {
	case err != nil:
		return err
	case n.State == "refused":
		return a.told(n, "Notice %s is closed as refused; the younger ones of card %s go on.\n", "通知 %s は拒否のまま閉じました。カード %s の後続の通知を再開します。\n", n.Key, n.Card)
	}
	return a.told(n, "Notice %s goes on: %s is asked about it first.\n", "通知 %s を再開しました。まず %s に照会します。\n", n.Key, n.Party)
}

func (a *app) showFindings(found []client.Finding) error {
	if a.json {
		a.printJSON(found)
		return nil
	}
	if len(found) == 0 {
		a.printf("%s\n", a.in2("Terminal, card management, chip and authority agree on every card.", "端末・カード管理・チップ・認証局はすべてのカードで一致しています。"))
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, table := range []struct {
		about, en, ja string
		row           func(client.Finding) []any
	}{
		{
			client.AboutCard, "card\tterminal\tnotice\tmanagement\tchip\twhat\tright", "カード\t端末\t通知\tカード管理\tチップ\t判断\t正しい側",
			func(f client.Finding) []any {
				return []any{f.Card, f.Terminal, f.Notice, f.Management, f.Chip, f.Verdict, f.Right}
			},
		},
		{
			client.AboutCertificate, "card\tterminal\tcertificate\tmanagement\tauthority\twhat\tright", "カード\t端末\t証明書\tカード管理\t認証局\t判断\t正しい側",
			func(f client.Finding) []any {
				return []any{f.Card, f.Terminal, f.Purpose + " " + f.Serial, f.Management, f.Authority, f.Verdict, f.Right}
			},
		},
		{
			client.AboutNotice, "card\tto\ttells\tnotice\twhat\tcode\tkey", "カード\t相手\t内容\t通知\t判断\tコード\t通知番号",
			func(f client.Finding) []any {
				return []any{f.Card, f.Party, f.Kind, f.Notice, f.Verdict, f.Code, f.Key}
			},
		},
	} {
		a.showTable(w, found, table.about, a.in2(table.en, table.ja), table.row)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range found {
		a.printf("%s %s: %s\n", f.Card, f.Code, a.in2(f.Text, f.Japanese))
		if f.Key != "" {
			a.printf(a.in2("  then: cardctl reconcile --release %s --by NAME\n", "  その後: cardctl reconcile --release %s --by 氏名\n"), f.Key)
		}
	}
	return nil
}

// showTable writes the findings about one kind of thing, under a head.
func (a *app) showTable(w *tabwriter.Writer, found []client.Finding, about, head string, row func(client.Finding) []any) {
	headed := false
	for _, f := range found {
		if f.About != about {
			continue
		}
		if !headed {
			headed = true
			_, _ = fmt.Fprintln(w, head)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row(f)...)
	}
}
