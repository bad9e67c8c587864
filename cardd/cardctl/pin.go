package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/cardd/juki"
	"jukicard/reader"
)

func (a *app) pinStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show how many wrong tries each PIN has left; spends none", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var rows []referenceRow
			err := a.identified(cmd.Context(), reader.Shared, func(c *opened) (err error) {
				rows, err = triesOf(cmd.Context(), c)
				return err
			})
			if err != nil {
				return err
			}
			if a.json {
				a.printJSON(rows)
				return nil
			}
			return a.printReferences(a.out, rows)
		},
	}
}

// referenceHelp lists what may stand for CLASS.
func referenceHelp(only func(profile.Reference) bool) string {
	return perGeneration(func(p *profile.Card, of string) string {
		var b strings.Builder
		if of == "" {
			b.WriteString("CLASS is a class (its first reference is meant) or one reference:\n")
		} else {
			fmt.Fprintf(&b, "Those%s:\n", of)
		}
		for _, app := range p.Applications {
			for _, r := range app.PINs {
				if r.Class != "" && only(r) {
					fmt.Fprintf(&b, "  %-15s %-24s %s\n", r.Class, app.Name+"/"+r.Name, r.Japanese+coversText(r))
				}
			}
		}
		return strings.TrimRight(b.String(), "\n")
	})
}

// coversText names the classes that stand for a reference besides its own.
func coversText(r profile.Reference) string {
	if len(r.Covers) == 0 {
		return ""
	}
	return ", also for " + strings.Join(r.Covers, ", ")
}

// references completes CLASS.
func completeReferences(only func(profile.Reference) bool) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var names []string
		add := func(name string) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		for _, p := range generations() {
			for _, app := range p.Applications {
				for _, r := range app.PINs {
					if len(args) == 0 && r.Class != "" && only(r) {
						add(pathOf(app.Name, r))
						add(r.Class)
					}
				}
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// findReference is the reference that a path names, or that is of a class or covers it.
func findReference(p *profile.Card, name string) (path string, r *profile.Reference, err error) {
	if !strings.Contains(name, "/") {
		at, ok := p.ReferenceFor(name)
		if !ok {
			return "", nil, refused(fmt.Errorf("cannot find a reference of class %q; see the list with: cardctl card pin verify --help", name))
		}
		name = at
	}
	_, r, err = p.Reference(name)
	return name, r, refusedIf(err)
}

// findChangeable is findReference for one whose value somebody chooses.
func findChangeable(p *profile.Card, name string) (path string, r *profile.Reference, err error) {
	path, r, err = findReference(p, name)
	if err == nil && r.Change == "" {
		err = refused(fmt.Errorf("cannot change %s (%s): it follows from what is printed on the card and is never chosen", path, r.Japanese))
	}
	return path, r, err
}

// meant is the reference of the card in the reader that a name means there. A name that
// means none anywhere is refused before a card is looked for.
func (a *app) meant(ctx context.Context, name string, find func(*profile.Card, string) (string, *profile.Reference, error)) (p *profile.Card, path string, r *profile.Reference, err error) {
	having := slices.DeleteFunc(slices.Clone(generations()), func(p *profile.Card) bool { _, _, err := findReference(p, name); return err != nil })
	if len(having) == 0 {
		having = generations()
	}
	if err := inSomeOf(having, func(p *profile.Card) error { _, _, err := find(p, name); return err }); err != nil {
		return nil, "", nil, err
	}
	p, err = a.generationOf(ctx)
	if err != nil {
		return nil, "", nil, err
	}
	path, r, err = find(p, name)
	return p, path, r, err
}

func anyReference(profile.Reference) bool           { return true }
func changeable(r profile.Reference) bool           { return r.Change != "" }
func sameClass(a, b *profile.Reference) bool        { return a.Class == b.Class }
func pathOf(app string, r profile.Reference) string { return app + "/" + r.Name }

func (a *app) pinVerifyCommand() *cobra.Command {
	var source secretSource
	c := &cobra.Command{
		Use: "verify CLASS", Short: "Present a PIN once, unless its last try is left",
		Long: "Presents a PIN or 照合番号 to the card once. A wrong one costs a try; the last one is never spent.\n\n" +
			referenceHelp(anyReference),
		Args: cobra.ExactArgs(1), ValidArgsFunction: completeReferences(anyReference),
		RunE: func(cmd *cobra.Command, args []string) error { return a.verifyPIN(cmd.Context(), args[0], source) },
	}
	source.flags(c)
	return c
}

// pinResult is what the PIN commands give as JSON.
type pinResult struct {
	Path string `json:"path"`
	Done string `json:"done"` // verified or changed
	Left int    `json:"tries_left"`
}

func (a *app) verifyPIN(ctx context.Context, name string, source secretSource) error {
	p, path, r, err := a.meant(ctx, name, findReference)
	if err != nil {
		return err
	}
	value, err := source.of(ctx, a, r)
	if err != nil {
		return err
	}
	defer value.Destroy()
	result := pinResult{Path: path, Done: "verified"}
	err = a.identifiedAs(ctx, p, func(c *opened) (err error) {
		if err = c.present(ctx, path, value); err == nil {
			result.Left, err = c.Tries(ctx, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(result)
		return nil
	}
	a.printf(a.in2("%s (%s) is right; tries left: %d\n", "%s (%s) は正しい値です。残り %d 回\n"), path, r.Japanese, result.Left)
	return nil
}

func (a *app) pinChangeCommand() *cobra.Command {
	var source secretSource
	var newFile string
	c := &cobra.Command{
		Use: "change CLASS", Short: "Change a PIN that its holder knows",
		Long: "Verifies the old PIN, then sets the new one, which is asked for twice. The holder types both.\n\n" +
			referenceHelp(changeable),
		Args: cobra.ExactArgs(1), ValidArgsFunction: completeReferences(changeable),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changePIN(cmd.Context(), args[0], source, secretSource{newFile})
		},
	}
	source.flags(c)
	c.Flags().StringVar(&newFile, "new-pins", "", "PIN `file` to take the new PIN from; asked for without it")
	return c
}

func (a *app) changePIN(ctx context.Context, name string, old, fresh secretSource) error {
	p, path, r, err := a.meant(ctx, name, findChangeable)
	if err != nil {
		return err
	}
	before, err := old.of(ctx, a, r)
	if err != nil {
		return err
	}
	defer before.Destroy()
	after, err := a.newPIN(ctx, r, fresh)
	if err != nil {
		return err
	}
	defer after.Destroy()
	if before.Equal(after) {
		return refused(errors.New("cannot change the PIN: the new one is the old one"))
	}
	if err := a.exchange(ctx, p, path, before, after); err != nil {
		return err
	}
	if a.json {
		a.printJSON(pinResult{Path: path, Done: "changed", Left: r.Tries})
		return nil
	}
	a.printf(a.in2("%s (%s) is changed and verified.\n", "%s (%s) を変更し、確認しました。\n"), path, r.Japanese)
	a.mentionOthers(p, path, r)
	return nil
}

// newPIN gets the new value, which must keep the rules of its class.
func (a *app) newPIN(ctx context.Context, r *profile.Reference, source secretSource) (secret.Bytes, error) {
	if source.pinsFile != "" {
		return source.of(ctx, a, r)
	}
	return a.askNewPIN(ctx, juki.PINClass(r.Class), juki.Date{})
}

// exchange verifies the old value, sets the new one and proves it: on a card that
// verifies, a new value that does not is a fault its holder must know of now.
func (a *app) exchange(ctx context.Context, p *profile.Card, path string, before, after secret.Bytes) error {
	return a.identifiedAs(ctx, p, func(c *opened) error {
		if err := c.present(ctx, path, before); err != nil {
			return err
		}
		if err := c.Change(ctx, path, after); err != nil {
			return fmt.Errorf("cannot change the PIN; the old one may still hold, look before trying: cardctl card pin verify %s: %w", path, err)
		}
		if err := c.Verify(ctx, path, after); err != nil {
			return fmt.Errorf("the card took the new PIN and does not verify it; leave it at one try and bring the card to the municipal window: %w", err)
		}
		return nil
	})
}

// mentionOthers names references that people take for the same PIN.
func (a *app) mentionOthers(p *profile.Card, path string, r *profile.Reference) {
	for _, app := range p.Applications {
		for _, other := range app.PINs {
			if at := pathOf(app.Name, other); at != path && sameClass(r, &other) && other.Change != "" {
				a.printf(a.in2("%s is of the same class and keeps its own value; change it with: cardctl card pin change %[1]s\n",
					"%s は同じ種別の別の番号で、元のままです。cardctl card pin change %[1]s で変更できます\n"), at)
			}
		}
	}
}
