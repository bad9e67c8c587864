package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// docsDate stands in the man pages, so that the same source gives the same pages.
var docsDate = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// docsCommand writes the manual of root. `completion`, which gives one shell's
// completions, is cobra's own.
func docsCommand(root *cobra.Command) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "docs", Short: "Write man pages and shell completions", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return writeDocs(root, dir) },
	}
	c.Flags().StringVar(&dir, "out", "docs/man", "`folder` to write to; it is made when absent")
	must(c.MarkFlagDirname("out"))
	return c
}

func writeDocs(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot write docs: %w", err)
	}
	root.InitDefaultCompletionCmd()
	header := &doc.GenManHeader{Title: "CARDCTL", Section: "1", Source: "cardd", Manual: "cardctl", Date: &docsDate}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return fmt.Errorf("cannot write man pages: %w", err)
	}
	for name, write := range map[string]func(string) error{
		"cardctl.bash": func(f string) error { return root.GenBashCompletionFileV2(f, true) },
		"_cardctl":     root.GenZshCompletionFile,
		"cardctl.fish": func(f string) error { return root.GenFishCompletionFile(f, true) },
		"cardctl.ps1":  root.GenPowerShellCompletionFileWithDesc,
	} {
		if err := write(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("cannot write completions: %w", err)
		}
	}
	return nil
}
