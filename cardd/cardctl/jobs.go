package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/labenv"
	"jukicard/cardd/internal/order"
)

func (a *app) jobsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "jobs", Short: "List the latest jobs, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.daemon()
			if err != nil {
				return err
			}
			jobs, err := d.Jobs(cmd.Context())
			if err != nil {
				return err
			}
			return a.showJobs(jobs)
		},
	}
}

func (a *app) showJobs(jobs []client.Job) error {
	if a.json {
		a.printJSON(jobs)
		return nil
	}
	if len(jobs) == 0 {
		a.printf("%s\n", a.in2("No jobs.", "処理はありません。"))
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, a.in2("job\tstate\tsteps\tcard\torder\tlast change\twhy", "処理\t状態\t手順\tカード\t申請\t最終更新\t理由"))
	for _, j := range jobs {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%d/%d\t%s\t%s\t%s\t%s\n", j.ID, a.stateWord(j.State), j.Done, j.Total, j.Card, j.Order, localTime(j.Updated), j.Code)
	}
	return w.Flush()
}

// stateWord is a job's state in words.
func (a *app) stateWord(state string) string {
	ja := map[string]string{"running": "処理中", stateHeld: "保留", stateSpoiled: "使用不可", stateDone: "完了", stateAbandoned: "中止"}[state]
	if ja == "" {
		return state
	}
	return a.in2(state, ja)
}

// localTime is an instant of the API as people here read it; what is none stays.
func localTime(s string) string {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return s
	}
	return t.Local().Format(time.DateTime)
}

func (a *app) jobCommand() *cobra.Command {
	c := group("job", "Look at one job, or let it go on")
	c.AddCommand(&cobra.Command{
		Use: "show JOB", Short: "Show a job with its history", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.showJob(cmd.Context(), args[0]) },
	}, a.resumeCommand(), a.abandonCommand())
	return c
}

func (a *app) showJob(ctx context.Context, id string) error {
	d, err := a.daemon()
	if err != nil {
		return err
	}
	j, err := d.Job(ctx, id)
	if err != nil {
		return err
	}
	records, err := d.Records(ctx, id)
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(struct {
			*client.Job
			Records []client.Record `json:"records"`
		}{j, records})
		return nil
	}
	a.printf(a.in2("job %s: %s\norder %s, card %s, %s %s, station %s\nstep %d of %d, accepted %s, last change %s\n",
		"処理 %s: %s\n申請 %s、カード %s、%s %s、端末 %s\n手順 %d/%d、受付 %s、最終更新 %s\n"),
		j.ID, a.stateWord(j.State), j.Order, j.Card, j.Profile, j.Product, j.Station, j.Done, j.Total, localTime(j.Created), localTime(j.Updated))
	if j.State == stateHeld || j.State == stateSpoiled || j.State == stateAbandoned {
		a.printf("%s\n", reasonOf(j).lines(a.lang))
	}
	if j.State == stateHeld {
		a.printf(a.in2("then: %s\n", "その後: %s\n"), a.nextCommand(j))
	}
	return a.showRecords(records)
}

func (a *app) showRecords(records []client.Record) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, r := range records {
		_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", r.Seq, localTime(r.At), r.Kind, r.Step, r.Result, r.Code)
	}
	return w.Flush()
}

func (a *app) completeJobs(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	d, err := a.daemon()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	jobs, err := d.Jobs(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, len(jobs))
	for i, j := range jobs {
		names[i] = cobra.CompletionWithDesc(j.ID, j.State+" "+j.Order)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) abandonCommand() *cobra.Command {
	return a.personal(&cobra.Command{
		Use: "abandon JOB", Short: "Give up a job that is not done",
		Long: `Ends a job that is not done, on your word. A card to which nothing was written is free for
any order; a card to which something was, or perhaps was, goes into quarantine. A card in
use is given back whatever was printed on it.`,
	}, true, func(ctx context.Context, d *client.Client, id, by, reason string) error {
		j, err := d.Abandon(ctx, id, by, reason)
		switch {
		case err != nil:
			return err
		case j.State == stateHeld: // a card in use has not left the printer
			return a.verdict(j)
		}
		en, ja := givenUp(j)
		return a.told(j, en, ja, j.ID, j.Card)
	})
}

// givenUp is what became of a job that was given up, in both languages, with the job and
// its card to be named.
func givenUp(j *client.Job) (en, ja string) {
	switch {
	case j.State == stateSpoiled:
		return "Job %s is given up; its card %s was written to and is in quarantine.\n", "処理 %s を中止しました。書込み済みのカード %s は隔離されました。\n"
	case j.State == stateDone:
		return "Job %s is ended with its receipt: the entry is on its card %s.\n", "処理 %s を終え、受領証を発行しました。追記はカード %s に印刷済みです。\n"
	case failure.Code(j.Code) == failure.EntrySpoilt:
		return "Job %s is given up; the entry is or may be on its card %s in part, and is recorded so. Give the card back: it is its holder's and stays valid.\n",
			"処理 %s を中止しました。カード %s に追記の一部が印刷された、またはそのおそれがあると記録しました。カードは本人のもので、有効です。本人に返してください。\n"
	case j.Operation == order.Endorse:
		return "Job %s is given up; nothing was printed on its card %s. Give it back to its holder.\n", "処理 %s を中止しました。カード %s には何も印刷していません。本人に返してください。\n"
	}
	return "Job %s is given up; nothing was written to its card %s.\n", "処理 %s を中止しました。カード %s には何も書かれていません。\n"
}

const resumeLong = `Lets a held job go on with the card it was begun on.

The station forgets PINs when it is restarted. A job that is held for them goes on when
the same order is handed in again with cardctl issue, which asks the holder anew; --order
does just that, and refuses an order that is not this job's.

After a print of which nobody knows the end, look at the card: when its face is printed,
resume with --printed; when it is blank, without.

A card that was jammed in a printer is taken out by hand, laid on its hopper, and the job
resumed with --taken-out, and with --printed beside it when its face is printed. One in
use whose job was given up is not laid there: it is its holder's.`

// resumption is what the flags of `job resume` say.
type resumption struct {
	errand
	printed   bool
	takenOut  bool
	orderFile string
}

func (a *app) resumeCommand() *cobra.Command {
	var r resumption
	c := &cobra.Command{
		Use: "resume JOB", Short: "Let a held job go on", Long: resumeLong, Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.resume(cmd.Context(), args[0], r) },
	}
	f := c.Flags()
	f.BoolVar(&r.printed, "printed", false, "a person saw that the face is printed")
	f.BoolVar(&r.takenOut, "taken-out", false, "the card was taken out of the printer by hand and lies on its hopper")
	f.StringVar(&r.orderFile, "order", "", "the job's order, handed in again with its PINs (`file`)")
	f.StringVar(&r.pinsFile, "pins", "", "PIN `file` beside --order; asked for without it")
	f.StringVar(&r.receiptFile, "receipt", "", "`file` for the signed receipt")
	f.StringVar(&r.envFile, "env", "", "`file` for the card's values, with --order; laboratory only")
	return c
}

func (a *app) resume(ctx context.Context, id string, r resumption) error {
	if r.orderFile == "" && (r.pinsFile != "" || r.envFile != "") {
		return refused(errors.New("cannot resume: --pins and --env need the order; give --order FILE"))
	}
	if err := creatable(r.receiptFile, r.envFile); err != nil {
		return err
	}
	d, err := a.daemon()
	if err != nil {
		return err
	}
	if r.orderFile != "" {
		return a.resumeWithOrder(ctx, d, id, r)
	}
	proceed := func() (*client.Job, error) { return d.Resume(ctx, id, r.printed) }
	if r.takenOut {
		proceed = func() (*client.Job, error) { return d.TakenOut(ctx, id, r.printed) }
	}
	if _, err := proceed(); err != nil {
		return err
	}
	j, err := a.follow(ctx, d, id)
	if err != nil {
		return err
	}
	return a.finish(ctx, d, j, r.errand, nil)
}

// resumeWithOrder hands the job's order in again, which brings its PINs back.
func (a *app) resumeWithOrder(ctx context.Context, d *client.Client, id string, r resumption) error {
	p, err := a.readApplication(r.orderFile)
	if err != nil {
		return err
	}
	defer p.destroy()
	before, err := d.Job(ctx, id)
	if err != nil {
		return err
	}
	if before.Order != p.order.ID || before.State != stateHeld {
		return refused(fmt.Errorf("cannot resume job %s with this order: the job is %s and of order %s; look at it with: cardctl job show %[1]s", id, before.State, before.Order))
	}
	pins, err := a.obtainPINs(ctx, p.order, r.pinsFile)
	if err != nil {
		return err
	}
	defer pins.Destroy()
	j, err := a.submit(ctx, d, p, pins, r.envFile != "")
	if err != nil {
		return err
	}
	if j, err = a.follow(ctx, d, j.ID); err != nil {
		return err
	}
	return a.finish(ctx, d, j, r.errand, func(l *client.Lab) error { return labenv.Write(r.envFile, p.order, pins, l, j.Card) })
}
