package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/labenv"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/receipt"
)

const issueLong = `Hands an order to cardd, which issues the card in its reader: writes it, has it make its
keys, gets its certificates, sets and proves the PINs, locks and prints it.

An order with operation endorse is for a card in use that its holder has brought: one
entry (追記) is printed into its 追記欄, or recorded where it was written by hand. No PIN
is needed and the chip is not written; it only says whether it is the order's card. How
many lines of 追記欄 are left is told.

Without --pins each PIN that the order needs is asked for twice and not shown. The job
is the daemon's: Ctrl-C ends only the watching. Handing the same order in again, with
the PINs, lets its held job go on.

--env is for a laboratory and invented people only: it writes the card's values as shell
variables (AUTH_PIN SIGN_PIN TEXT_PIN JUKI_PIN MYNUMBER NAME ADDR BIRTH SEX ATR AUTH_CERT
AUTHCA_CERT SIGN_CERT SIGNCA_CERT PHOTO CARD_ID EXPIRY SECURITY_CODE REFERENCE_B
RESIDENT_CODE), with certificates and photo in files beside it.`

// errand is one order to be issued and what shall come of it.
type errand struct {
	pinsFile, receiptFile, envFile string
	station                        string // empty: the desk
}

func (a *app) issueCommand() *cobra.Command {
	var e errand
	c := &cobra.Command{
		Use: "issue ORDER.json", Short: "Issue a card for an order", Long: issueLong,
		Example: "  cardctl issue adult/order.json --pins adult/pins.json --receipt receipt.cose",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.issue(cmd.Context(), args[0], e) },
	}
	f := c.Flags()
	f.StringVar(&e.pinsFile, "pins", "", "PIN `file`; asked for without it")
	f.StringVar(&e.receiptFile, "receipt", "", "`file` for the signed receipt")
	f.StringVar(&e.envFile, "env", "", "`file` for the card's values; laboratory only")
	f.StringVar(&e.station, "station", "", "`name` of the card printer that fetches, writes, prints and delivers the card; the desk's reader without it")
	return c
}

func (a *app) issue(ctx context.Context, file string, e errand) error {
	if err := creatable(e.receiptFile, e.envFile); err != nil {
		return err
	}
	p, err := a.readApplication(file)
	if err != nil {
		return err
	}
	defer p.destroy()
	d, err := a.daemon()
	if err != nil {
		return err
	}
	pins, err := a.obtainPINs(ctx, p.order, e.pinsFile)
	if err != nil {
		return err
	}
	defer pins.Destroy()
	job, err := a.submit(ctx, d.At(e.station), p, pins, e.envFile != "")
	if err != nil {
		return err
	}
	a.note("Job %s on card %s\n", "処理 %s、カード %s\n", job.ID, job.Card)
	if job, err = a.follow(ctx, d, job.ID); err != nil {
		return err
	}
	return a.finish(ctx, d, job, e, func(l *client.Lab) error { return labenv.Write(e.envFile, p.order, pins, l, job.Card) })
}

// note tells what JSON would not want between.
func (a *app) note(en, ja string, args ...any) {
	if !a.json {
		a.notef(a.in2(en, ja), args...)
	}
}

// obtainPINs reads or asks for the PINs that the order's card needs.
func (a *app) obtainPINs(ctx context.Context, o *order.Order, file string) (order.PINs, error) {
	if file == "" {
		return a.askPINs(ctx, o.Eligibility().PINs, o.Resident.Birth.Get())
	}
	pins, err := a.readPINs(file)
	if err != nil {
		return nil, err
	}
	if err := pins.Check(o.Eligibility()); err != nil {
		pins.Destroy()
		return nil, err
	}
	return pins, nil
}

// submit hands order and PINs to the daemon.
func (a *app) submit(ctx context.Context, d *client.Client, p *application, pins order.PINs, lab bool) (*client.Job, error) {
	wire, err := pins.Wire()
	if err != nil {
		return nil, err
	}
	defer clear(wire)
	return d.Issue(ctx, p.wire, wire, lab)
}

// outcome is what `issue` and `job resume` give as JSON.
type outcome struct {
	Job     *client.Job `json:"job"`
	Receipt string      `json:"receipt,omitempty"` // file it was written to
	Env     string      `json:"env,omitempty"`     // file the card's values were written to
	Error   *message    `json:"error,omitempty"`
	// Warnings are what the printer that made the card will soon want.
	Warnings []string `json:"warnings,omitempty"`
}

// finish fetches what a finished job gives and says how it ended. lab writes a
// laboratory's values.
func (a *app) finish(ctx context.Context, d *client.Client, j *client.Job, e errand, lab func(*client.Lab) error) error {
	out := outcome{Job: j, Warnings: a.wanting(ctx, d, j)}
	err := a.verdict(j)
	if err == nil {
		err = a.collect(ctx, d, &out, e, lab)
	} else {
		m := reasonOf(j)
		out.Error = &m
	}
	if err == nil && !a.json && j.Operation == order.Endorse {
		a.printf(a.in2("Card %s has its entry: job %s\n", "カード %s に追記しました。処理 %s\n"), j.Card, j.ID)
		a.printLeft(j)
		a.printFiles(out)
	} else if err == nil && !a.json {
		a.printf(a.in2("Card %s is issued and proven: job %s\n", "カード %s を発行し、確認しました。処理 %s\n"), j.Card, j.ID)
		a.printFiles(out)
	}
	if a.json && (err == nil || out.Error != nil) {
		a.printJSON(out)
	}
	return err
}

// printLeft tells how much room the card's 追記欄 still has.
func (a *app) printLeft(j *client.Job) {
	switch {
	case j.Left == nil:
	case *j.Left == 0:
		a.printf("%s\n", a.in2("No line of its 追記欄 is left: the next change needs a reissue (再交付), free of charge, 特急発行 possible",
			"追記欄の残りはありません。次の変更は再交付となります (追記欄の余白がないための再交付は無料、特急発行可)"))
	default:
		a.printf(a.in2("Lines left in its 追記欄: %d\n", "追記欄の残り: %d行\n"), *j.Left)
	}
}

func (a *app) printFiles(o outcome) {
	if o.Receipt != "" {
		a.printf(a.in2("Receipt, signature verified: %s\n", "受領証 (署名確認済み): %s\n"), o.Receipt)
	}
	if o.Env != "" {
		a.printf(a.in2("Values of the card: %s\n", "カードの値: %s\n"), o.Env)
	}
}

func (a *app) collect(ctx context.Context, d *client.Client, out *outcome, e errand, lab func(*client.Lab) error) error {
	if e.receiptFile != "" {
		if err := saveReceipt(ctx, d, out.Job.ID, e.receiptFile); err != nil {
			return err
		}
		out.Receipt = e.receiptFile
	}
	if e.envFile == "" {
		return nil
	}
	l, err := d.Lab(ctx, out.Job.ID)
	if err != nil {
		return fmt.Errorf("the card is issued; cannot get its values: %w", err)
	}
	out.Env = e.envFile
	return lab(l)
}

// saveReceipt keeps a receipt that was verified first.
func saveReceipt(ctx context.Context, d *client.Client, job, file string) error {
	b, _, err := fetchReceipt(ctx, d, job)
	if err != nil {
		return fmt.Errorf("the card is issued; cannot get its receipt: %w", err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		return fmt.Errorf("the card is issued; cannot keep its receipt: %w; get it with: cardctl receipt show %s --out FILE", err, job)
	}
	return nil
}

// fetchReceipt gets a job's receipt and verifies it under the station's key.
func fetchReceipt(ctx context.Context, d *client.Client, job string) ([]byte, *receipt.Statement, error) {
	b, err := d.Receipt(ctx, job)
	if err != nil {
		return nil, nil, err
	}
	key, err := d.ReceiptKey(ctx)
	if err != nil {
		return nil, nil, err
	}
	st, err := receipt.Verify(b, key)
	return b, st, err
}
