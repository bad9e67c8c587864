package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"jukicard/simulator/people"
)

func personCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "person NAME", Short: "Write an invented person's order, photo and PINs",
		Long: "Writes order.json, photo.jpg and pins.json of an invented person into a folder, readable by you alone,\n" +
			"and prints their paths. `cardsim person list` tells who there is.",
		Example:   "  cardsim person adult --out demo/adult",
		Args:      cobra.ExactArgs(1),
		ValidArgs: everybody(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return writePerson(cmd, args[0], dir)
		},
	}
	c.Flags().StringVar(&dir, "out", "", "folder to write to; it is made when absent (required)")
	must(c.MarkFlagDirname("out"))
	c.AddCommand(&cobra.Command{
		Use: "list", Short: "List the invented people", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, name := range everybody() {
				p, err := people.Get(name, time.Time{})
				if err != nil {
					return err
				}
				tell(w, "%s\t%s", p.Name, p.About)
			}
			return w.Flush()
		},
	})
	return c
}

// everybody is who orders the card of today, then who orders the draft of the next.
func everybody() []string { return append(people.Names(), people.Upcoming()...) }

func writePerson(cmd *cobra.Command, name, dir string) error {
	p, err := people.Get(name, time.Time{})
	if err != nil {
		return err
	}
	if dir == "" {
		return errors.New("cannot write a person without a folder: give --out DIR")
	}
	if err := people.Write(dir, p); err != nil {
		return err
	}
	for _, file := range []string{"order.json", "photo.jpg", "pins.json"} {
		path := filepath.Join(dir, file)
		if _, err := os.Stat(path); err == nil {
			tell(cmd.OutOrStdout(), "%s", path)
		} else if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot look at %s: %w", path, err)
		}
	}
	return nil
}

// must is for what can only be wrong in this source.
func must(err error) {
	if err != nil {
		panic("internal error: " + err.Error())
	}
}
