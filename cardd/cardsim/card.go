package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/cardd/cardsim/internal/issued"
	"jukicard/simulator"
	"jukicard/simulator/fault"
	"jukicard/simulator/people"
	"jukicard/simulator/vpcd"
)

// wish is what the flags of `cardsim card` say.
type wish struct {
	state       string
	fresh       bool
	vpcd        string
	labKey      string
	masterKey   string
	contactless bool
	atr         string
	id          string
	profile     string
	foreign     bool
	label       string
	lifeCycle   string
	pullAt      int
	fault       string
	person      string
	issued      bool
	env         string
}

const testKey = "404142434445464748494A4B4C4D4E4F"

func cardCommand() *cobra.Command {
	var w wish
	c := &cobra.Command{
		Use: "card", Short: "Put a simulated card into a virtual reader until interrupted",
		Long: "Makes a card, or takes a kept one up again, and puts it into a virtual reader until interrupted. What\n" +
			"is written to the card is in the state file before the card answers. Without --vpcd the card is only\n" +
			"made and told about.\n\n" +
			"With --issued the card is issued first for an invented person, by the real daemon in this process; a\n" +
			"state file that holds an issued card already is taken as it is, unless --new is given.\n\n" +
			"With --fault things go wrong at commands counted from the card's insertion: the card is torn, pulled,\n" +
			"stalls, refuses, answers what is not so. Each is told as it happens, as a line that does it again.",
		Example: "  cardsim card --state blank.state --new --vpcd 127.0.0.1:35963\n" +
			"  cardsim card --state torn.state --vpcd 127.0.0.1:35963 --fault 'at 60 torn 20'\n" +
			"  cardsim card --person adult --issued --state card.state --env card.env --vpcd 127.0.0.1:35963",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return w.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&w.state, "state", "", "file that keeps the card; without it the card is forgotten")
	f.BoolVar(&w.fresh, "new", false, "make a blank card even if the state file holds one")
	f.StringVar(&w.vpcd, "vpcd", "", "`HOST:PORT` of the virtual reader")
	f.StringVar(&w.labKey, "gp-key", testKey, "well-known key set of a new card, in `HEX`, or none as cards for the field have it")
	f.StringVar(&w.masterKey, "master-key", testKey, "master key from which a new card's own issuer keys come, in `HEX`")
	f.BoolVar(&w.contactless, "contactless", false, "answer as a card in a contactless reader")
	f.StringVar(&w.atr, "atr", "", "another answer to reset, in `HEX`")
	f.StringVar(&w.id, "card-id", "", "card identification `number` of a new card, 16 digits; random without it")
	f.StringVar(&w.profile, "profile", "", "generation of a new card: "+strings.Join(profile.IDs(), ", "))
	f.BoolVar(&w.foreign, "foreign", false, "a card that is no My Number card")
	f.StringVar(&w.label, "label", "", "another token label, as of another generation")
	f.StringVar(&w.lifeCycle, "life-cycle", "", "bring the card's issuer domain into a `state`: secured, card-locked, terminated")
	f.IntVar(&w.pullAt, "pull-at", 0, "pull the card out at its `n`th command, whose answer is lost")
	f.StringVar(&w.fault, "fault", "", faultHelp)
	f.StringVar(&w.person, "person", "", "invented `person` to issue the card for; see cardsim person list")
	f.BoolVar(&w.issued, "issued", false, "issue the card first (with --person)")
	f.StringVar(&w.env, "env", "", "`file` for the issued card's values, as shell variables")
	must(c.RegisterFlagCompletionFunc("person", cobra.FixedCompletions(people.Names(), cobra.ShellCompDirectiveNoFileComp)))
	must(c.RegisterFlagCompletionFunc("life-cycle", cobra.FixedCompletions([]string{"secured", "card-locked", "terminated"}, cobra.ShellCompDirectiveNoFileComp)))
	return c
}

func (w *wish) run(ctx context.Context, out, warn io.Writer) error {
	if err := w.check(); err != nil {
		return err
	}
	if w.foreign {
		return w.insert(ctx, foreign{}, "a card that is no My Number card", out, warn)
	}
	var script fault.Script
	if w.fault != "" {
		var err error
		if script, err = faultScript(w.fault); err != nil {
			return err
		}
	}
	card, err := w.card(ctx)
	if err != nil {
		return err
	}
	ctx, remove := context.WithCancel(ctx)
	defer remove()
	var odd simulator.ProcessingCard = card
	if w.fault != "" {
		odd = misbehave(ctx, card, script, out, remove)
	}
	if w.label != "" {
		if odd, err = relabel(odd, w.label); err != nil {
			return err
		}
	}
	return w.insert(ctx, odd, "card "+card.ID(), out, warn)
}

// check refuses flags that contradict each other.
func (w *wish) check() error {
	for _, rule := range []struct {
		broken bool
		text   string
	}{
		{w.issued != (w.person != ""), "--issued and --person NAME go together"},
		{w.env != "" && !w.issued, "--env is for a card that is issued here: give --person NAME --issued"},
		{w.foreign && (w.issued || w.state != "" || w.label != "" || w.lifeCycle != ""), "--foreign is a card of nobody's: it goes with --vpcd alone"},
		{w.pullAt < 0, "--pull-at counts commands from 1"},
		{w.fault != "" && (w.vpcd == "" || w.foreign), "--fault is for a card of ours in a reader: give --vpcd"},
		{w.pullAt > 0 && w.vpcd == "", "--pull-at needs a reader to pull the card out of: give --vpcd"},
	} {
		if rule.broken {
			return errors.New("cannot make that card: " + rule.text)
		}
	}
	return nil
}

// card is the kept card, or a new one, in the condition wished for.
func (w *wish) card(ctx context.Context) (*simulator.Card, error) {
	master, err := key("--master-key", w.masterKey)
	if err != nil {
		return nil, err
	}
	defer master.Destroy()
	o, err := w.options(master)
	if err != nil {
		return nil, err
	}
	card, p, kept, err := w.loadOrMake(o)
	if err != nil {
		return nil, err
	}
	if w.issued {
		if err := w.issue(ctx, card, p, master, kept); err != nil {
			return nil, err
		}
	}
	if w.lifeCycle != "" {
		return card, setLifeCycle(ctx, card, p, master, w.lifeCycle)
	}
	return card, nil
}

func (w *wish) options(master secret.Bytes) (o simulator.Options, err error) {
	o = simulator.Options{Contactless: w.contactless, CardID: w.id, StateFile: w.state, Master: master}
	if w.atr != "" {
		if o.ATR, err = hex.DecodeString(strings.ReplaceAll(w.atr, " ", "")); err != nil {
			return o, errors.New("cannot use --atr: it is not in hexadecimal digits")
		}
	}
	if w.labKey != "none" {
		if o.LabKey, err = key("--gp-key", w.labKey); err != nil {
			return o, err
		}
	}
	if w.profile != "" {
		o.Profile, err = profile.Load(w.profile)
	}
	return o, err
}

// key reads an AES key. The caller destroys it.
func key(flag, digits string) (secret.Bytes, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil || !slices.Contains([]int{16, 24, 32}, len(b)) {
		return secret.Bytes{}, fmt.Errorf("cannot use %s: a key has 16, 24 or 32 bytes in hexadecimal digits", flag)
	}
	defer clear(b)
	return secret.New(b), nil
}

// loadOrMake takes the kept card up, or makes one where there is none.
func (w *wish) loadOrMake(o simulator.Options) (card *simulator.Card, p *profile.Card, kept bool, err error) {
	if w.state != "" && !w.fresh {
		card, err = simulator.Load(w.state, o)
		kept = err == nil
	}
	if card == nil && (err == nil || errors.Is(err, os.ErrNotExist)) {
		card, err = simulator.NewBlank(o)
	}
	if err != nil {
		return nil, nil, false, err
	}
	if p = o.Profile; p == nil {
		p, err = profile.Load(simulator.DefaultProfile)
	}
	return card, p, kept, err
}

// issue issues the card unless it was kept issued. What an issued card's PINs are
// is told when it is issued and never again.
func (w *wish) issue(ctx context.Context, card *simulator.Card, p *profile.Card, master secret.Bytes, kept bool) error {
	done := false
	if kept {
		var err error
		if done, err = issued.Is(ctx, card, p); err != nil {
			return err
		}
	}
	if !done {
		person, err := people.Get(w.person, time.Time{})
		if err != nil {
			return err
		}
		return issued.Issue(ctx, card, person, master, w.env)
	}
	if w.env == "" {
		return nil
	}
	if _, err := os.Stat(w.env); err != nil {
		return fmt.Errorf("cannot write %s: %s holds a card that was issued earlier, and its PINs were told then; give --new to issue another", w.env, w.state)
	}
	return nil
}

// noticeAfter is how long a reader may be unreachable before people are told.
const noticeAfter = 2 * time.Second

// insert puts the card into the virtual reader until ctx ends or it is pulled.
func (w *wish) insert(ctx context.Context, c simulator.ProcessingCard, name string, out, warn io.Writer) error {
	if w.vpcd == "" {
		tell(out, "%s, answer to reset %X", name, c.ATR())
		return nil
	}
	ctx, remove := context.WithCancel(ctx)
	defer remove()
	if w.pullAt > 0 {
		c = &pulled{c, w.pullAt, func() {
			tell(out, "%s pulled out at command %d", name, w.pullAt)
			remove()
		}}
	}
	late := time.AfterFunc(noticeAfter, func() {
		tell(warn, "cardsim: nobody answers at %s yet; trying on. A private pcscd: cardsim readers", w.vpcd)
	})
	defer late.Stop()
	// Patience without end: a card lies in a reader for as long as nobody takes it out.
	return vpcd.Serve(ctx, w.vpcd, c, vpcd.Options{Patience: math.MaxInt64, OnAttach: func() {
		late.Stop()
		tell(out, "%s in the virtual reader at %s", name, w.vpcd)
	}})
}
