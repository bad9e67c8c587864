package main

import (
	"context"
	"fmt"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/printers"
)

func (a *app) printersCommand() *cobra.Command {
	var attached bool
	c := &cobra.Command{
		Use: "printers", Short: "List the card printers", Args: cobra.NoArgs,
		Long: `Lists the card printers of the daemon's configuration with what each says of itself: where
its card is, what it has printed, what its supplies last for. With --attached it lists the
printers on this machine's USB bus whose kind is known, as the configuration would name them.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if attached {
				return a.listAttached(cmd.Context())
			}
			return a.listPrinters(cmd.Context())
		},
	}
	c.Flags().BoolVar(&attached, "attached", false, "the printers on the USB bus, configured or not")
	return c
}

func (a *app) listPrinters(ctx context.Context) error {
	d, err := a.daemon()
	if err != nil {
		return err
	}
	all, err := d.Printers(ctx)
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(all)
		return nil
	}
	if len(all) == 0 {
		a.printf("%s", a.in2("No card printer is configured: see [printers] in cardd defaults.\n", "カードプリンターの設定がありません (cardd defaults の [printers])。\n"))
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, a.in2("NAME\tMODEL\tSERIAL\tCARD\tPRINTED\tSTATE", "名前\t機種\t製造番号\tカード\t印刷枚数\t状態"))
	for _, p := range all {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", p.Name, orDash(p.Model), orDash(p.Serial), orDash(p.Position), p.Printed, a.printerState(p))
	}
	return w.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// printerState is the one thing to know of a printer.
func (a *app) printerState(p client.Printer) string {
	switch {
	case p.Error != nil:
		return p.Error.Code
	case len(p.Faults) > 0:
		return p.Faults[0].Text
	case len(p.Warnings) > 0:
		return p.Warnings[0]
	}
	return a.in2("ready", "使用可")
}

func (a *app) listAttached(ctx context.Context) error {
	found, err := printers.Attached(ctx)
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(found)
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, a.in2("KIND\tADDRESS\tNAME", "種類\tアドレス\t名称"))
	for _, f := range found {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", f.Kind, f.Address, orDash(f.Name))
	}
	return w.Flush()
}

func (a *app) printerCommand() *cobra.Command {
	c := group("printer", "Look at a card printer, have it print its test card or clean itself")
	act := func(use, short, long string, do func(context.Context, *client.Client, string) (*client.Printer, error)) *cobra.Command {
		return &cobra.Command{
			Use: use + " NAME", Short: short, Long: long, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				d, err := a.daemon()
				if err != nil {
					return err
				}
				p, err := do(cmd.Context(), d, args[0])
				if err != nil {
					return err
				}
				a.showPrinter(p)
				return nil
			},
		}
	}
	c.AddCommand(
		act("status", "Show a printer: identity, card, supplies, faults", "", func(ctx context.Context, d *client.Client, name string) (*client.Printer, error) {
			return d.Printer(ctx, name)
		}),
		act("test-card", "Print the printer's own test card",
			"Feeds a card from the hopper and prints the printer's own test pattern on it: use a spoiled one.",
			func(ctx context.Context, d *client.Client, name string) (*client.Printer, error) {
				return d.Maintain(ctx, name, "test-card")
			}),
		act("emptied", "Say that no card is inside any more",
			"Takes down that you looked into the printer and no card is inside, for printers that cannot see that\nthemselves. The card of a job that is held is taken out with: cardctl job resume JOB --taken-out",
			func(ctx context.Context, d *client.Client, name string) (*client.Printer, error) {
				return d.Maintain(ctx, name, "emptied")
			}),
		act("clean", "Run the printer's cleaning cycle",
			"Runs the cleaning cycle; a cleaning card is in the hopper. Printers for which no command is known say so.",
			func(ctx context.Context, d *client.Client, name string) (*client.Printer, error) {
				return d.Maintain(ctx, name, "clean")
			}),
	)
	return c
}

func (a *app) showPrinter(p *client.Printer) {
	if a.json {
		a.printJSON(p)
		return
	}
	row := func(en, ja, value string) { a.printf("%-14s %s\n", a.in2(en, ja), value) }
	row("name", "名前", p.Name)
	row("kind", "種類", p.Kind+" "+p.Address)
	row("reader", "読取機", p.Reader+" ("+p.Station+")")
	if p.Error != nil {
		row("error", "異常", p.Error.Code+": "+p.Error.Text)
		return
	}
	if p.Model != "" {
		row("model", "機種", fmt.Sprintf("%s %s, %s %s, %d dpi", p.Maker, p.Model, a.in2("serial", "製造番号"), p.Serial, p.DPI))
	}
	row("card", "カード", p.Position)
	row("cards printed", "印刷枚数", strconv.FormatUint(p.Printed, 10))
	for _, s := range p.Supplies {
		row(s.Name, s.Name, a.supplyText(s))
	}
	for _, w := range p.Warnings {
		row("warning", "注意", w)
	}
	for _, f := range p.Faults {
		row("fault", "異常", f.Code+" "+f.Text)
	}
}

// supplyText is what is left of a supply.
func (a *app) supplyText(s client.Supply) string {
	left := a.in2("not counted by the printer", "プリンターは数えません")
	if s.Remaining >= 0 {
		left = fmt.Sprintf(a.in2("%d cards", "%d 枚"), s.Remaining)
	}
	if s.Capacity > 0 {
		left += fmt.Sprintf(a.in2(" of %d", " / %d"), s.Capacity)
	}
	if s.Kind != "" {
		left = s.Kind + ", " + left
	}
	return left
}

// wanting tells what the printer at which a job ran will soon want, while somebody stands
// beside it. A desk has no such printer, and one that cannot be asked says why when it is
// next used.
func (a *app) wanting(ctx context.Context, d *client.Client, j *client.Job) []string {
	p, err := d.Printer(ctx, j.Station)
	if err != nil {
		return nil
	}
	for _, w := range p.Warnings {
		a.note("%s: %s\n", "%s: %s\n", p.Name, w)
	}
	return p.Warnings
}
