package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/receipt"
)

func (a *app) receiptCommand() *cobra.Command {
	c := group("receipt", "Get receipts and verify them")
	var out, key string
	show := &cobra.Command{
		Use: "show JOB", Short: "Show what a finished job's receipt says, and keep it with --out", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.showReceipt(cmd.Context(), args[0], out) },
	}
	show.Flags().StringVar(&out, "out", "", "`file` to keep the receipt in")
	verify := &cobra.Command{
		Use: "verify FILE", Short: "Verify a receipt and show what it says",
		Long: "Verifies the signature of a receipt (COSE_Sign1, RFC 9052) and shows what it says. The key is that of\n" +
			"--key, else the running daemon's, else the one in cardd's state directory.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.verifyReceipt(cmd.Context(), args[0], key) },
	}
	verify.Flags().StringVar(&key, "key", "", "public key of the signing station (PEM `file`)")
	c.AddCommand(show, verify, a.receiptPrintCommand())
	return c
}

func (a *app) showReceipt(ctx context.Context, job, out string) error {
	if err := creatable(out); err != nil {
		return err
	}
	d, err := a.daemon()
	if err != nil {
		return err
	}
	b, st, err := fetchReceipt(ctx, d, job)
	if err != nil {
		return err
	}
	if out != "" {
		if err := os.WriteFile(out, b, 0o644); err != nil {
			return fmt.Errorf("cannot keep the receipt: %w", err)
		}
	}
	return a.printStatement(st)
}

// receiptMax bounds a receipt file; one is some 6 KB.
const receiptMax = 1 << 18

func (a *app) verifyReceipt(ctx context.Context, file, keyFile string) error {
	st, err := a.verifiedReceipt(ctx, file, keyFile)
	if err != nil {
		return err
	}
	return a.printStatement(st)
}

// verifiedReceipt is what a receipt says whose signature holds.
func (a *app) verifiedReceipt(ctx context.Context, file, keyFile string) (*receipt.Statement, error) {
	b, err := a.readInput(file, receiptMax)
	if err != nil {
		return nil, err
	}
	key, err := a.receiptKey(ctx, keyFile)
	if err != nil {
		return nil, err
	}
	st, err := receipt.Verify(b, key)
	if err != nil {
		return nil, &exit{code: exitFailed, err: err}
	}
	return st, nil
}

// receiptKey finds the key to verify with: the named one, the daemon's, the one
// that the daemon left in its state directory.
func (a *app) receiptKey(ctx context.Context, file string) ([]byte, error) {
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, refused(fmt.Errorf("cannot read the receipt key: %w", err))
		}
		return b, nil
	}
	d, err := a.daemon()
	if err != nil {
		return nil, err
	}
	b, unreachable := d.ReceiptKey(ctx)
	if unreachable == nil {
		return b, nil
	}
	if !errors.Is(unreachable, client.ErrUnreachable) {
		return nil, unreachable
	}
	c, err := config.Load("")
	if err == nil {
		b, err = os.ReadFile(filepath.Join(c.StateDir, receipt.PublicFile))
	}
	if err != nil {
		return nil, &exit{code: exitUnreachable, err: fmt.Errorf("cannot find the receipt key: no daemon answers, and %w; give the signing station's key with --key FILE", err)}
	}
	return b, nil
}

// entryText is where an entry stands on its card.
func (a *app) entryText(e *receipt.Endorsed) string {
	how := a.in2("printed", "印字")
	if e.How != "printed" {
		how = a.in2("by hand", "手書き")
	}
	return fmt.Sprintf(a.in2("%s, lines %d to %d; %d left", "%s、%d行目から%d行目、残り%d行"), how, e.First, e.First+e.Lines-1, e.Left)
}

// choiceText is who chose a substitute, and of which character.
func (a *app) choiceText(c receipt.Choice) string {
	field := map[string]string{"name": a.in2("name", "氏名"), "address": a.in2("address", "住所")}[c.Field]
	return fmt.Sprintf(a.in2("%s, character %d, chosen by %s, %s", "%sの%d文字目、選択者 %s、%s"), cmp.Or(field, c.Field), c.Place, c.By, c.At.Local().Format(time.DateTime))
}

func (a *app) printStatement(st *receipt.Statement) error {
	if a.json {
		a.printJSON(st)
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	row := func(en, ja, value string) { _, _ = fmt.Fprintf(w, "%s\t%s\n", a.in2(en, ja), value) }
	row("signature", "署名", a.in2("verified", "確認済み"))
	row("job", "処理", st.Job)
	row("order", "申請", st.Order)
	row("card", "カード", st.Card)
	row("kind", "種別", st.Profile+" "+st.Product)
	row("station", "端末", st.Station)
	row("software", "ソフトウェア", st.Software)
	row("started", "開始", st.Started.Local().Format(time.DateTime))
	row("finished", "終了", st.Finished.Local().Format(time.DateTime))
	row("steps", "手順", fmt.Sprint(len(st.Steps)))
	if e := st.Endorsed; e != nil {
		row("entry", "追記", a.entryText(e))
	}
	for _, p := range st.Plans {
		row("plan", "計画", p)
	}
	for _, c := range st.Certificates {
		row("certificate", "証明書", fmt.Sprintf("%s serial %s sha256 %s", c.On, c.Serial, c.SHA256))
	}
	for _, c := range st.Choices {
		row("substitute", "代替文字", a.choiceText(c))
	}
	row("journal", "記録", st.Journal)
	return w.Flush()
}
