package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/reader"
)

// reading is what the flags of `card read` say.
type reading struct {
	secretSource
	out        string
	raw        bool
	object     bool
	pin        string
	references referenceFlags
}

func (a *app) readCommand() *cobra.Command {
	var r reading
	c := &cobra.Command{
		Use: "read AP/FILE", Short: "Read one file of the card",
		Long: "Reads a file of the card to its end, filler and all, and shows it in hexadecimal. A file that is\n" +
			"protected needs the PIN or 照合番号 named beside it; a wrong one costs a try, the last is never spent.\n" +
			"A file that another generation keeps elsewhere is found by its name in the first.\n\n" +
			perGeneration(fileHelp),
		Example: "  cardctl card read jpki/auth-cert --object --out auth.der\n  cardctl card read text/attributes --pin text",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error { return a.read(cmd.Context(), args[0], r) },
	}
	r.flags(c)
	f := c.Flags()
	f.StringVar(&r.out, "out", "", "`file` to write the bytes to")
	f.BoolVar(&r.raw, "raw", false, "write the bytes as they are to standard output")
	f.BoolVar(&r.object, "object", false, "only the TLV object the file holds, without the filler behind it")
	f.StringVar(&r.pin, "pin", "", "`class` of the PIN that opens the file: signature, text, resident")
	r.references.flags(c, "open the file with %s")
	return c
}

// readable are the files whose content anybody knows something of.
func readable(f profile.File) bool { return f.Kind == profile.Transparent || f.Kind == profile.Record }

// perGeneration is help with a section for each generation, those behind the first under
// their id.
func perGeneration(section func(p *profile.Card, of string) string) string {
	var sections []string
	for i, p := range generations() {
		of := ""
		if i > 0 {
			of = " of " + p.ID
		}
		sections = append(sections, section(p, of))
	}
	return strings.Join(sections, "\n\n")
}

func fileHelp(p *profile.Card, of string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Files%s (opened by):\n", of)
	for _, app := range p.Applications {
		for _, f := range app.Files {
			if !readable(f) {
				continue
			}
			opens := "free"
			if o := openers(p, app.Name+"/"+f.Name); len(o) > 0 && !slices.Contains(f.Read, opens) {
				opens = strings.ReplaceAll(strings.Join(o, ", "), app.Name+"/", "")
			}
			fmt.Fprintf(&b, "  %-22s %s (%s)\n", app.Name+"/"+f.Name, f.Content, opens)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

func completeFiles(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	seen := map[string]bool{}
	for _, p := range generations() {
		for _, app := range p.Applications {
			for _, f := range app.Files {
				path := app.Name + "/" + f.Name
				if len(args) == 0 && readable(f) && !seen[path] {
					seen[path] = true
					names = append(names, cobra.CompletionWithDesc(path, f.Content))
				}
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// check refuses flags that contradict each other.
func (r reading) check() error {
	ways := len(r.references.given())
	if r.pin != "" {
		ways++
	}
	switch {
	case ways > 1:
		return refused(fmt.Errorf("cannot open a file in two ways: give one of --pin, --%s", strings.Join(referenceClasses(), ", --")))
	case r.raw && r.out != "":
		return refused(errors.New("cannot write to two places: give --out or --raw"))
	}
	return nil
}

// target is what a command line means on a card of one generation.
type target struct {
	file      string             // "app/file"
	reference string             // "app/reference"; empty where nothing is presented
	r         *profile.Reference // of reference
}

// class is that of the reference the flags mean; empty for none.
func (r reading) class() string {
	for _, class := range r.references.given() {
		return class
	}
	return r.pin
}

// on finds the file, by its path on this generation or as the place of the content which
// has that path elsewhere, and the reference of its application that the flags mean.
func (r reading) on(p *profile.Card, path string) (target, error) {
	app, _, err := p.File(path)
	if err != nil {
		made, ok := p.Made(path)
		if !ok {
			return target{}, refused(fmt.Errorf("%w; see the list with: cardctl card read --help", err))
		}
		path = made
		app = p.App(appOf(path))
	}
	class := r.class()
	if class == "" {
		return target{file: path}, nil
	}
	if ref := app.ReferenceFor(class); ref != nil {
		return target{path, app.Name + "/" + ref.Name, ref}, nil
	}
	return target{}, refused(fmt.Errorf("cannot open %s with %s: application %s has no such reference%s", path, class, app.Name, opensWith(p, path)))
}

// opensWith tells which references open a file, as a remedy.
func opensWith(p *profile.Card, path string) string {
	var ways []string
	for _, o := range openers(p, path) {
		_, r, err := p.Reference(o)
		if err != nil {
			continue
		}
		switch {
		case slices.Contains(referenceClasses(), r.Class):
			ways = append(ways, fmt.Sprintf("--%s (%s)", r.Class, r.Japanese))
		default:
			ways = append(ways, fmt.Sprintf("--pin %s (%s)", r.Class, r.Japanese))
		}
	}
	if len(ways) == 0 {
		return "; nothing that a holder knows opens it"
	}
	return "; it is opened by " + strings.Join(ways, " or ")
}

func (a *app) read(ctx context.Context, path string, r reading) error {
	if err := r.check(); err != nil {
		return err
	}
	if err := inSome(func(p *profile.Card) error { _, err := r.on(p, path); return err }); err != nil {
		return err
	}
	if err := creatable(r.out); err != nil {
		return err
	}
	at, b, err := a.fetch(ctx, path, r)
	if err != nil {
		return err
	}
	defer clear(b)
	return a.deliver(at, b, r)
}

// fetch reads the file and tells where it was.
func (a *app) fetch(ctx context.Context, path string, r reading) (at string, b []byte, err error) {
	if r.class() != "" {
		return a.fetchOpened(ctx, path, r)
	}
	err = a.identified(ctx, reader.Shared, func(c *opened) error {
		to, err := r.on(c.Profile(), path)
		if err == nil {
			at = to.file
			b, err = r.from(ctx, c, at)
		}
		return err
	})
	return at, b, err
}

// fetchOpened reads a file that a value opens, which is asked for before the card is
// taken: others must not wait for somebody who types.
func (a *app) fetchOpened(ctx context.Context, path string, r reading) (at string, b []byte, err error) {
	p, err := a.generationOf(ctx)
	if err != nil {
		return "", nil, err
	}
	to, err := r.on(p, path)
	if err != nil {
		return "", nil, err
	}
	value, err := r.of(ctx, a, to.r)
	if err != nil {
		return "", nil, err
	}
	defer value.Destroy()
	err = a.identifiedAs(ctx, p, func(c *opened) error {
		if err := c.present(ctx, to.reference, value); err != nil {
			return err
		}
		b, err = r.from(ctx, c, to.file)
		return err
	})
	return to.file, b, err
}

// from reads the file of an opened card.
func (r reading) from(ctx context.Context, c *opened, path string) (b []byte, err error) {
	if r.object {
		b, err = c.ReadObject(ctx, path)
	} else {
		b, err = c.ReadAll(ctx, path)
	}
	return b, explainRefusal(c.Profile(), path, err)
}

// explainRefusal says what a refusal to read means on this card.
func explainRefusal(p *profile.Card, path string, err error) error {
	sw, no := isRefusal(err)
	if !no {
		return err
	}
	switch sw {
	case apdu.SWSecurityStatus:
		return fmt.Errorf("cannot read %s: %w%s", path, err, opensWith(p, path))
	case apdu.SWWrongP1P2:
		return fmt.Errorf("cannot read %s: it is empty, nothing was written to it: %w", path, err)
	case apdu.SWFileNotFound, apdu.SWRecordNotFound:
		return fmt.Errorf("cannot read %s: this card has no such file or record: %w", path, err)
	case apdu.SWCommandIncompatible:
		return fmt.Errorf("cannot read %s: it holds a key or a PIN, which no card gives away: %w", path, err)
	}
	return fmt.Errorf("cannot read %s: %w", path, err)
}

// deliver gives the bytes in the form asked for. Files may hold personal data:
// one is made readable by its owner alone.
func (a *app) deliver(path string, b []byte, r reading) error {
	if len(b) == 0 {
		a.note("%s is empty: nothing is written there.\n", "%s は空です。\n", path)
	}
	switch {
	case r.out != "":
		if err := os.WriteFile(r.out, b, 0o600); err != nil {
			return fmt.Errorf("cannot keep what was read: %w", err)
		}
		a.note("%s: %d bytes in %s\n", "%s: %d バイトを %s に保存\n", path, len(b), r.out)
	case r.raw:
		if _, err := a.out.Write(b); err != nil {
			return fmt.Errorf("cannot write what was read: %w", err)
		}
		return nil
	}
	if a.json {
		a.printJSON(struct {
			Path  string `json:"path"`
			Bytes int    `json:"bytes"`
			Data  string `json:"data,omitempty"` // base64
			Out   string `json:"out,omitempty"`
		}{path, len(b), dataUnless(r.out, b), r.out})
	} else if r.out == "" {
		a.printf("%s", hex.Dump(b))
	}
	return nil
}

func dataUnless(out string, b []byte) string {
	if out != "" {
		return ""
	}
	return base64.StdEncoding.EncodeToString(b)
}
