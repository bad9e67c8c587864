package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"jukicard/apdu/secret"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
	"jukicard/reader"
)

const verifyLong = `Checks that certificates, keys and signed data on the card belong together: chains and
dates, key usage, signatures over the data of the two 券面 applications, and that the keys
on the card are those of the certificates, by signing a random challenge.

Without a PIN it checks what is free. With PINs (from --pins, or asked for with --pin)
and 照合番号 it checks what those open; each is presented once, and never on its last try.

Each line is a check: ok, failed, or "not read" with what would open it. Exit status 1
when one failed.`

// inspecting is what the flags of `card verify` say.
type inspecting struct {
	pinsFile               string
	ask                    []string
	referenceA, referenceB bool
}

func (a *app) verifyCommand() *cobra.Command {
	var w inspecting
	c := &cobra.Command{
		Use: "verify", Short: "Check certificates, keys and signed data of the card against each other", Long: verifyLong,
		Example: "  cardctl card verify\n  cardctl card verify --pin authentication",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.verify(cmd.Context(), w) },
	}
	f := c.Flags()
	f.StringVar(&w.pinsFile, "pins", "", "PIN `file` whose PINs are presented")
	f.StringSliceVar(&w.ask, "pin", nil, "ask for the PIN of a `class`: signature, authentication, resident, text; may be repeated")
	f.BoolVar(&w.referenceA, "reference-a", false, "ask for 照合番号A")
	f.BoolVar(&w.referenceB, "reference-b", false, "ask for 照合番号B")
	must(c.RegisterFlagCompletionFunc("pin", cobra.FixedCompletions([]string{"signature", "authentication", "resident", "text"}, cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// finding is the result of one check.
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"` // ok, failed, not-read
	Text   string `json:"text"`
}

// Results of a check.
const (
	resultOK      = "ok"
	resultFailed  = "failed"
	resultNotRead = "not-read"
)

func (a *app) verify(ctx context.Context, w inspecting) error {
	values, err := a.values(ctx, w)
	if err != nil {
		return err
	}
	defer destroy(values)
	in := &inspection{values: values, now: time.Now(), states: map[string]string{}}
	err = a.identified(ctx, reader.Exclusive, func(c *opened) error { return in.run(ctx, c) })
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(in.findings)
	} else if err := a.printFindings(in.findings); err != nil {
		return err
	}
	failed := slices.ContainsFunc(in.findings, func(f finding) bool { return f.Result == resultFailed })
	if failed {
		return &exit{code: exitFailed, err: errors.New("a check failed"), said: true}
	}
	return nil
}

func (a *app) printFindings(findings []finding) error {
	words := map[string]string{
		resultOK: a.in2("ok", "合格"), resultFailed: a.in2("failed", "不合格"), resultNotRead: a.in2("not read", "読取不可"),
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", words[f.Result], f.Check, f.Text)
	}
	return w.Flush()
}

// values gets everything that will be presented, by reference class, before the
// card is taken.
func (a *app) values(ctx context.Context, w inspecting) (map[string]secret.Bytes, error) {
	pins, err := a.classPINs(w.pinsFile)
	if err != nil {
		return nil, err
	}
	values := map[string]secret.Bytes{}
	for class, pin := range pins {
		values[string(class)] = pin
	}
	classes := slices.Clone(w.ask)
	if w.referenceA {
		classes = append(classes, "reference-a")
	}
	if w.referenceB {
		classes = append(classes, "reference-b")
	}
	for _, class := range classes {
		_, r, err := findReference(mustProfile(generation), class)
		if err == nil {
			values[class], err = (&secretSource{}).of(ctx, a, r)
		}
		if err != nil {
			destroy(values)
			return nil, err
		}
	}
	return values, nil
}

func destroy(values map[string]secret.Bytes) {
	for _, v := range values {
		v.Destroy()
	}
}

// classPINs are the PINs of a file, for a command that uses whichever are there.
func (a *app) classPINs(file string) (order.PINs, error) {
	if file == "" {
		return order.PINs{}, nil
	}
	return a.readPINs(file)
}

// inspection checks one card. Its fields belong to one goroutine.
type inspection struct {
	values   map[string]secret.Bytes // to present, by reference class
	now      time.Time
	states   map[string]string // of certificates, as certificateRow has them
	findings []finding
}

func (in *inspection) add(result, check, format string, args ...any) {
	in.findings = append(in.findings, finding{check, result, fmt.Sprintf(format, args...)})
}

// hold notes whether a rule holds.
func (in *inspection) hold(check string, err error, text string) {
	if err != nil {
		in.add(resultFailed, check, "%v", err)
		return
	}
	in.add(resultOK, check, "%s", text)
}

// run does all checks, application by application, for another one clears what was
// verified.
func (in *inspection) run(ctx context.Context, c *opened) error {
	for _, part := range []func(context.Context, *opened) error{in.jpki, in.text, in.surface, in.resident, in.validity} {
		if err := part(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// present presents the value of a reference's class if there is one, and says
// whether the card took it. A wrong one is a finding.
func (in *inspection) present(ctx context.Context, c *opened, path string) (bool, error) {
	_, r, err := c.Profile().Reference(path)
	if err != nil {
		return false, err
	}
	value, ok := in.values[r.Class]
	if !ok {
		return false, nil
	}
	err = c.present(ctx, path, value)
	if err := fatal(err); err != nil {
		return false, err
	}
	in.hold(path, err, r.Japanese+": the card takes it")
	return err == nil, nil
}

// object reads the TLV object of a file; one that cannot be read is noted and nil.
func (in *inspection) object(ctx context.Context, c *opened, path string) ([]byte, error) {
	b, err := c.ReadObject(ctx, path)
	if err := fatal(err); err != nil {
		return nil, err
	}
	if _, refusal := isRefusal(err); refusal {
		in.add(resultNotRead, path, "%v", strings.TrimPrefix(explainRefusal(c.Profile(), path, err).Error(), "cannot read "+path+": "))
		return nil, nil
	}
	if err != nil {
		in.add(resultFailed, path, "%v", err)
		return nil, nil
	}
	if len(b) == 0 {
		in.add(resultNotRead, path, "nothing is written there")
		return nil, nil
	}
	return b, nil
}

// resident proves the PIN of 住基AP where it is given.
func (in *inspection) resident(ctx context.Context, c *opened) error {
	_, err := in.present(ctx, c, "resident/pin")
	return err
}

// validity compares the card's last day with today.
func (in *inspection) validity(ctx context.Context, c *opened) error {
	tag, _ := c.Profile().Object("expiry")
	b, err := c.Data(ctx, tag, "expiry")
	if err := fatal(err); err != nil {
		return err
	}
	last, parseErr := juki.ParseDate(dateText(digits(b)))
	if err != nil || parseErr != nil {
		in.add(resultNotRead, "domain/expiry", "the card does not tell until when it is valid")
		return nil
	}
	var late error
	if last.Before(juki.DateOf(in.now)) {
		late = fmt.Errorf("the card is valid until %s, which is past", last)
	}
	in.hold("domain/expiry", late, "valid until "+last.String())
	return nil
}
