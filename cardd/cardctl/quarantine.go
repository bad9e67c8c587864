package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"jukicard/cardd/client"
)

const quarantineLong = `A card that must not be used lies in the reject bin until two different persons have seen
it destroyed. The certificates made for it are taken back first, card management hears
that it is void, and its order is issued on a fresh card: cardctl issue with the same order.`

func (a *app) quarantineCommand() *cobra.Command {
	c := group("quarantine", "List cards that must not be used, put cards aside, confirm their destruction")
	c.Long = quarantineLong
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the cards that must not be used, the oldest first", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return a.listQuarantine(cmd.Context()) },
		},
		a.personal(&cobra.Command{
			Use: "put JOB|CARD", Short: "Put the card of a job aside, also of one that is done",
			Long: `Puts the card of a job into quarantine on your word: what cannot be mended, or what is
finished and turned out unfit. Its certificates are taken back, which cannot be undone.`,
		}, true, func(ctx context.Context, d *client.Client, id, by, reason string) error {
			q, err := d.PutAside(ctx, id, by, reason)
			if err != nil {
				return err
			}
			return a.told(q, "Card %s is in quarantine. Two persons confirm its destruction: cardctl quarantine confirm %[1]s --by NAME\n",
				"カード %s を隔離しました。廃棄は二人で確認します: cardctl quarantine confirm %[1]s --by 氏名\n", q.Card)
		}),
		a.personal(&cobra.Command{
			Use: "confirm JOB|CARD", Short: "Confirm that you saw the card destroyed",
			Long: `Takes down that you saw a card in quarantine destroyed. Two different persons confirm; the
second closes the case, and card management hears of it.`,
		}, false, func(ctx context.Context, d *client.Client, id, by, _ string) error {
			q, err := d.ConfirmDestroyed(ctx, id, by)
			switch {
			case err != nil:
				return err
			case q.Destroyed:
				return a.told(q, "Card %s is destroyed, confirmed by %s.\n", "カード %s の廃棄を %s が確認しました。完了です。\n", q.Card, strings.Join(q.Witnesses, ", "))
			}
			return a.told(q, "Card %s: %s has confirmed; one more person is needed.\n", "カード %s: %s が確認しました。もう一人の確認が必要です。\n", q.Card, by)
		}),
	)
	return c
}

// personal makes a command of one that is done on a person's word about a job or card.
func (a *app) personal(c *cobra.Command, reasoned bool, do func(ctx context.Context, d *client.Client, id, by, reason string) error) *cobra.Command {
	var by, reason string
	c.Args, c.ValidArgsFunction = cobra.ExactArgs(1), a.completeJobs
	c.Flags().StringVar(&by, "by", "", "`name` of the person who says so (required)")
	if reasoned {
		c.Flags().StringVar(&reason, "reason", "", "why, in a few words without data of a resident (`text`; required)")
	}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := saidBy(by); err != nil {
			return err
		}
		if reasoned && reason == "" {
			return refused(errors.New("cannot take that down: it has no reason; give --reason TEXT"))
		}
		d, err := a.daemon()
		if err != nil {
			return err
		}
		return do(cmd.Context(), d, args[0], by, reason)
	}
	return c
}

// saidBy refuses a decision that nobody answers for.
func saidBy(person string) error {
	if person == "" {
		return refused(errors.New("cannot take that down: nobody says so; give --by NAME"))
	}
	return nil
}

// told shows what came of a decision.
func (a *app) told(v any, en, ja string, args ...any) error {
	if a.json {
		a.printJSON(v)
		return nil
	}
	a.printf(a.in2(en, ja), args...)
	return nil
}

func (a *app) listQuarantine(ctx context.Context) error {
	d, err := a.daemon()
	if err != nil {
		return err
	}
	list, err := d.Quarantine(ctx)
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(list)
		return nil
	}
	if len(list) == 0 {
		a.printf("%s\n", a.in2("No card is in quarantine.", "隔離されたカードはありません。"))
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, a.in2("card\tsince\tjob\torder\twhy\tcertificates\tdestruction", "カード\t日時\t処理\t申請\t理由\t証明書\t廃棄"))
	for _, q := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", q.Card, localTime(q.Since), q.Job, q.Order, q.Code, a.certificatesWord(q), a.destructionWord(q))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, q := range list {
		a.printf("%s\n", q.Card+" "+message{Code: q.Code, Text: q.Reason, Japanese: q.Japanese}.lines(a.lang))
	}
	return nil
}

// certificatesWord is how the certificates of a card in quarantine stand.
func (a *app) certificatesWord(q client.Quarantined) string {
	switch {
	case !q.Voided:
		return a.in2("still valid", "失効待ち")
	case len(q.Serials) == 0:
		return a.in2("none", "なし")
	}
	return fmt.Sprintf(a.in2("%d taken back", "%d件失効済み"), len(q.Serials))
}

// destructionWord is who confirmed a card's destruction.
func (a *app) destructionWord(q client.Quarantined) string {
	switch {
	case q.Destroyed:
		return a.in2("confirmed by ", "確認済み: ") + strings.Join(q.Witnesses, ", ")
	case len(q.Witnesses) > 0:
		return q.Witnesses[0] + a.in2(", one more is needed", "、あと一人必要")
	}
	return a.in2("not confirmed", "未確認")
}
