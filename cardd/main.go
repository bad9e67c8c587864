// Command cardd issues My Number cards at one station: it serves an HTTP API on a
// unix socket, drives the reader and the printer, and keeps a journal.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"jukicard/apdu"
	"jukicard/apdu/transcript"
	"jukicard/cardd/internal/api"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/station"
	"jukicard/reader/pcsc"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "cardd:", coded(err))
		os.Exit(1)
	}
}

// coded is an error behind the code under which docs/FAILURES.md has it.
func coded(err error) string {
	var kept *journal.Error
	var refused *config.Error
	switch code := failure.CodeOf(err); {
	case code != "":
		return string(code) + ": " + err.Error()
	case errors.As(err, &kept):
		return kept.Code + ": " + err.Error()
	case errors.As(err, &refused):
		return refused.Code + ": " + err.Error()
	}
	return err.Error()
}

func command() *cobra.Command {
	root := &cobra.Command{Use: "cardd", Short: "Issue My Number cards at one station", SilenceUsage: true, SilenceErrors: true}
	var file string
	var ordersLost bool
	serve := &cobra.Command{
		Use: "serve", Short: "Serve the API and carry out jobs until interrupted", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), file, ordersLost) },
	}
	serve.Flags().StringVar(&file, "config", "", "configuration file (TOML); the embedded defaults without one")
	serve.Flags().BoolVar(&ordersLost, "orders-lost", false, "start though vault.key is lost: jobs whose orders rest under it are held and can be given up")
	defaults := &cobra.Command{
		Use: "defaults", Short: "Print the embedded configuration, every key with its meaning", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), config.Defaults())
			return err
		},
	}
	root.AddCommand(serve, defaults)
	return root
}

func serve(ctx context.Context, file string, ordersLost bool) error {
	c, err := config.Load(file)
	if err != nil {
		return err
	}
	if err := shield(c.Lab); err != nil {
		return err
	}
	log := logger(c)
	hub := api.NewHub()
	var server *api.Server
	d, err := daemon.Open(ctx, c, daemon.Options{
		Readers: pcsc.New(pcsc.Options{}), Log: log, Watch: hub.Tell, Trace: tracer(c, log),
		Lab:        func(job string, l station.Lab) { server.KeepLab(job, l) },
		OrdersLost: ordersLost,
	})
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	server = api.New(ctx, d, hub, log)
	l, err := api.Listen(c.Socket)
	if err != nil {
		return err
	}
	if err := server.Recovered(ctx); err != nil {
		return errors.Join(err, l.Close())
	}
	if c.Lab || c.GP.TestKeys() {
		log.Warn("the well-known test keys are in use: this station can issue laboratory cards only", "lab", c.Lab)
	}
	shipped := make(chan error, 1)
	go func() { shipped <- d.Ship(ctx) }()
	log.Info("serving", "socket", c.Socket, "state", c.StateDir, "station", c.Station.Name)
	err = server.Serve(ctx, l, time.Duration(c.Limits.ShutdownSeconds)*time.Second)
	return errors.Join(err, <-shipped)
}

func logger(c *config.Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		level = slog.LevelInfo // the configuration was checked
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

// tracer keeps a redacted transcript of every job's card session in the state
// directory: lengths where data was, so that it can be handed to anybody.
func tracer(c *config.Config, log *slog.Logger) func(string) apdu.Wrapper {
	dir := filepath.Join(c.StateDir, "trace")
	return func(job string) apdu.Wrapper {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			log.Warn("no transcript", "job", job, "error", err)
			return nil
		}
		return transcript.NewWriter(appender(filepath.Join(dir, job+".txt")), transcript.Header{}).Wrap
	}
}

// appender is a file that is open only while a line is written: a job may stand
// still for days.
type appender string

// Write appends b.
func (a appender) Write(b []byte) (int, error) {
	f, err := os.OpenFile(string(a), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := f.Write(b)
	return n, errors.Join(err, f.Close())
}
