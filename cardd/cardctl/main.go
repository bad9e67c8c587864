// Command cardctl is cardd's client, and a technician's tool straight on a reader.
//
// Everything that issues goes through the daemon (plan, issue, jobs, receipts);
// everything under `card`, and `readers`, talks to a card reader and needs no
// daemon. It is useful on real cards: it reads what they show, never spends a last
// try, and writes nothing but a PIN that its holder changes.
//
// It leaves out the daemon's configuration and everything that personalises a card.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/config"
	"jukicard/reader/pcsc"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	out := bufio.NewWriter(os.Stdout)
	a := &app{in: os.Stdin, out: out, err: os.Stderr, readers: pcsc.New(pcsc.Options{})}
	code := a.run(ctx, os.Args[1:])
	if err := out.Flush(); err != nil && code == 0 {
		code = exitFailed
	}
	stop()
	os.Exit(code)
}

// run carries out one command line and gives the exit status.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if !a.began { // the command line itself is wrong
		err = refused(err)
	}
	if errors.Is(err, context.Canceled) {
		err = &exit{code: exitInterrupted, err: errors.New("interrupted")}
	}
	a.report(err)
	return exitCode(err)
}

const longHelp = `cardctl hands orders for My Number cards (個人番号カード) to cardd and follows them,
and looks at cards in a reader by itself.

Exit status: 0 done; 1 failed; 2 the input was refused and no card was touched;
3 the job is held and goes on after resume; 4 the card is spoiled; 5 cardd cannot
be reached; 130 interrupted.`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "cardctl", Short: "Issue My Number cards through cardd, and look at cards in a reader", Long: longHelp,
		SilenceUsage: true, SilenceErrors: true, DisableAutoGenTag: true,
		PersistentPreRunE: func(*cobra.Command, []string) error { a.began = true; return a.checkFlags() },
	}
	f := root.PersistentFlags()
	f.StringVar(&a.socket, "socket", "", "cardd's unix socket; from cardd's configuration without it")
	f.StringVar(&a.reader, "reader", "", "reader for commands without the daemon, or part of its `name`; the only one with a card without it")
	f.StringVar(&a.lang, "lang", "", "language of messages, en or ja; from LC_ALL, LC_MESSAGES or LANG without it")
	f.BoolVar(&a.json, "json", false, "print one JSON value instead of text")
	must(root.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions([]string{"en", "ja"}, cobra.ShellCompDirectiveNoFileComp)))
	must(root.RegisterFlagCompletionFunc("reader", a.completeReaders))
	root.AddCommand(a.readersCommand(), a.planCommand(), a.issueCommand(), a.jobsCommand(), a.reconcileCommand(), a.quarantineCommand(), a.authorityCommand(), a.jobCommand(), a.printersCommand(), a.printerCommand(),
		a.receiptCommand(), a.cardCommand(), a.printCommand(), a.mojiCommand(), a.keyCommand(), docsCommand(root))
	return root
}

// group is a command that only has others under it; it takes no word it does not
// know for a wish to see its help.
func group(name, short string) *cobra.Command {
	return &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
}

func (a *app) checkFlags() error {
	if a.lang == "" {
		a.lang = languageOf(os.Getenv)
	}
	if a.lang != english && a.lang != japanese {
		return refused(errors.New("cannot take --lang: it is en or ja"))
	}
	return nil
}

// daemon is a client of cardd, wherever its configuration says that it listens.
func (a *app) daemon() (*client.Client, error) {
	if a.reader != "" {
		return nil, refused(errors.New("cannot choose the reader here: --reader is for commands without the daemon; cardd's own is reader.name in its configuration"))
	}
	if a.socket == "" {
		c, err := config.Load("")
		if err != nil {
			return nil, refused(fmt.Errorf("cannot find cardd's socket: %w", err))
		}
		a.socket = c.Socket
	}
	return client.New(a.socket), nil
}

// must is for what can only be wrong in this source.
func must(err error) {
	if err != nil {
		panic("internal error: " + err.Error())
	}
}
