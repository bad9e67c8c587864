package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"jukicard/cardd/client"
	"jukicard/cardd/plan"
)

func (a *app) planCommand() *cobra.Command {
	return &cobra.Command{
		Use: "plan ORDER.json", Short: "Show what issuing an order would do; nothing is written",
		Long: "Asks cardd for the plan of an order: every step with its exact number of APDUs and bytes, the predicted\n" +
			"time, and a digest that an approver can sign. It is made for the card in the reader if one is there,\n" +
			"else for a blank one. Steps marked ! cannot be undone.",
		Example: "  cardctl plan adult/order.json",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.plan(cmd.Context(), args[0]) },
	}
}

func (a *app) plan(ctx context.Context, file string) error {
	p, err := a.readApplication(file)
	if err != nil {
		return err
	}
	defer p.destroy()
	d, err := a.daemon()
	if err != nil {
		return err
	}
	made, err := d.Plan(ctx, p.wire)
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(made)
		return nil
	}
	return a.showPlan(made)
}

func (a *app) showPlan(p *client.Draft) error {
	if len(p.Plan.Steps) == 0 {
		a.printf("%s\n", a.in2("Nothing is left to do: the card is as the order wants it.", "カードは申請のとおりです。することはありません。"))
	} else if err := a.showSteps(p); err != nil {
		return err
	}
	card := fmt.Sprintf(a.in2("planned for card %s in the reader", "リーダーのカード %s に対する計画"), p.Plan.Card)
	switch {
	case p.Blank && p.Plan.For == plan.ForEndorsement:
		card = fmt.Sprintf(a.in2("planned for card %s, which is not in the reader", "リーダーにないカード %s に対する計画"), p.Plan.Card)
	case p.Blank:
		card = a.in2("planned for a blank card: none is in the reader", "リーダーにカードがないため、未発行カードに対する計画")
	}
	kind := p.Plan.Product
	if kind == "" {
		kind = "-"
	}
	a.printf(a.in2("%s\nprofile %s, product %s\npredicted time %.1f s at a contact reader\ndigest %s\n",
		"%s\nプロファイル %s、種別 %s\n予測時間 %.1f 秒 (接触型リーダー)\nダイジェスト %s\n"), card, p.Plan.Profile, kind, p.Seconds, p.Digest)
	return nil
}

func (a *app) showSteps(p *client.Draft) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(n, mark, apdus, sent, received any, step string) {
		_, _ = fmt.Fprintf(w, "%v\t%v\t%v\t%v\t%v\t  %s\n", n, mark, apdus, sent, received, step)
	}
	row("", "", "APDUs", a.in2("sent", "送信"), a.in2("received", "受信"), a.in2("step", "手順"))
	for i, s := range p.Plan.Steps {
		mark := ""
		if s.Irreversible {
			mark = "!"
		}
		row(i+1, mark, s.Cost.APDUs, s.Cost.Sent, s.Cost.Received, s.ID)
	}
	row("", "", p.APDUs, p.Sent, p.Received, a.in2("in all", "合計"))
	if err := w.Flush(); err != nil {
		return err
	}
	if len(p.Irreversible) > 0 {
		a.printf("%s\n", a.in2("! cannot be undone", "! 取り消せない手順"))
	}
	return nil
}
