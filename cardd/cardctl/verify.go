package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"jukicard/apdu/profile"
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
	pinsFile   string
	ask        []string
	references referenceFlags
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
	w.references.flags(c, "ask for %s")
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
	values, p, err := a.values(ctx, w)
	if err != nil {
		return err
	}
	defer destroy(values)
	in := newInspection(values, time.Now())
	run := func(c *opened) error { return in.run(ctx, c) }
	if p == nil {
		err = a.identified(ctx, reader.Exclusive, run)
	} else {
		err = a.identifiedAs(ctx, p, run)
	}
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
// card is taken. Where something was asked for, p is the generation it was asked for.
func (a *app) values(ctx context.Context, w inspecting) (values map[string]secret.Bytes, p *profile.Card, err error) {
	pins, err := a.classPINs(w.pinsFile)
	if err != nil {
		return nil, nil, err
	}
	values = map[string]secret.Bytes{}
	for class, pin := range pins {
		values[string(class)] = pin
	}
	if classes := append(slices.Clone(w.ask), w.references.given()...); len(classes) > 0 {
		p, err = a.askValues(ctx, classes, values)
	}
	if err != nil {
		destroy(values)
		return nil, nil, err
	}
	return values, p, nil
}

// askValues asks for the reference of each class once, whatever more it covers on the card
// that is there.
func (a *app) askValues(ctx context.Context, classes []string, values map[string]secret.Bytes) (*profile.Card, error) {
	for _, class := range classes {
		if err := inSome(func(p *profile.Card) error { _, _, err := findReference(p, class); return err }); err != nil {
			return nil, err
		}
	}
	p, err := a.generationOf(ctx)
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for _, class := range classes {
		path, r, err := findReference(p, class)
		if err != nil {
			return nil, err
		}
		if asked[path] {
			continue
		}
		value, err := (&secretSource{}).of(ctx, a, r)
		if err != nil {
			return nil, err
		}
		asked[path] = true
		values[r.Class].Destroy()
		values[r.Class] = value
	}
	return p, nil
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
	app      string            // the application selected
	open     map[string]bool   // by reference: whether the card took its value, since then, or ever refused it
	findings []finding
}

func newInspection(values map[string]secret.Bytes, now time.Time) *inspection {
	return &inspection{values: values, now: now, states: map[string]string{}, open: map[string]bool{}}
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
	for _, part := range append(in.parts(c.Profile()), in.validity) {
		if err := part(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// parts are the checks of what the generation has, those in one application together.
func (in *inspection) parts(p *profile.Card) []func(context.Context, *opened) error {
	type part struct {
		app string
		do  func(context.Context, *opened) error
	}
	var parts []part
	if keys := holderKeys(p); len(keys) > 0 {
		parts = append(parts, part{keys[0].app, in.holder})
	}
	for _, of := range []struct {
		recipe string
		do     func(context.Context, *opened) error
	}{{"text/signature", in.text}, {"surface/face", in.surface}, {"resident/code", in.resident}} {
		if path, ok := p.Made(of.recipe); ok {
			parts = append(parts, part{appOf(path), of.do})
		}
	}
	first := func(app string) int {
		return slices.IndexFunc(parts, func(p part) bool { return p.app == app })
	}
	together := slices.Clone(parts)
	slices.SortStableFunc(together, func(a, b part) int { return first(a.app) - first(b.app) })
	var checks []func(context.Context, *opened) error
	for _, p := range together {
		checks = append(checks, p.do)
	}
	return checks
}

func appOf(path string) string {
	app, _, _ := strings.Cut(path, "/")
	return app
}

// enter notes that something in the path's application is about to be used: coming from
// another, the card forgets what was verified. What it refused is never presented again.
func (in *inspection) enter(path string) {
	if app := appOf(path); app != in.app {
		in.app = app
		maps.DeleteFunc(in.open, func(_ string, took bool) bool { return took })
	}
}

// present presents the value of a reference's class if there is one, once while its
// application is selected, and says whether the card took it. A wrong one is a finding.
func (in *inspection) present(ctx context.Context, c *opened, path string) (bool, error) {
	in.enter(path)
	if open, presented := in.open[path]; presented {
		return open, nil
	}
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
	in.open[path] = err == nil
	return err == nil, nil
}

// presentAny presents all of a key's references and says whether it may be used; one that
// has none is anybody's.
func (in *inspection) presentAny(ctx context.Context, c *opened, paths []string) (open bool, err error) {
	open = len(paths) == 0
	for _, path := range paths {
		took, err := in.present(ctx, c, path)
		if err != nil {
			return false, err
		}
		open = open || took
	}
	return open, nil
}

// presentAll presents what opens any of the contents.
func (in *inspection) presentAll(ctx context.Context, c *opened, recipes ...string) error {
	for _, recipe := range recipes {
		path, ok := c.Profile().Made(recipe)
		if !ok {
			continue
		}
		if _, err := in.presentAny(ctx, c, openers(c.Profile(), path)); err != nil {
			return err
		}
	}
	return nil
}

// object reads the TLV object of a file; one that cannot be read is noted and nil.
func (in *inspection) object(ctx context.Context, c *opened, path string) ([]byte, error) {
	in.enter(path)
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

// resident proves the PIN of 住民票コード where it is given.
func (in *inspection) resident(ctx context.Context, c *opened) error {
	return in.presentAll(ctx, c, "resident/code")
}

// validity compares the card's last day with today.
func (in *inspection) validity(ctx context.Context, c *opened) error {
	tag, ok := c.Profile().Object("expiry")
	if !ok {
		return nil
	}
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
