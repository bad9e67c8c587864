package station_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/daemon"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/station"
)

// TestAStoppedJobGoesOnInTheSameDaemon stops a job between two records, as an orderly
// end of the daemon does, and lets it go on: the card session of the plan in force is
// gone, so the card is opened and looked at again.
func TestAStoppedJobGoesOnInTheSameDaemon(t *testing.T) {
	for _, at := range []int{1, 2, 3, 20, 61, 130, 151} {
		t.Run(fmt.Sprintf("at event %d", at), func(t *testing.T) {
			b := newBench(t)
			events := 0
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			b.watched(t, func(station.Event) {
				if events++; events == at {
					stop()
				}
			})
			job, err := b.submit(t, "adult")
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Station.Run(ctx, job); failure.CodeOf(err) == "" {
				t.Fatalf("the stopped job ended with %v", err)
			}
			if j := b.run(t, job); j.State != journal.Done || j.Reason != "" {
				t.Fatalf("the job ended %s: %s", j.State, j.Reason)
			}
			b.sound(t, job)
		})
	}
}

// watched opens the bench's daemon again with somebody watching.
func (b *bench) watched(t *testing.T, watch func(station.Event)) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	b.Daemon, err = daemon.Open(t.Context(), c, daemon.Options{Readers: b.desk, Watch: watch, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
}
