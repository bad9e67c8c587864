package upstream

import (
	"context"
	"fmt"
	"testing"

	"jukicard/simulator/jukinet"
)

// BenchmarkBacklog is what one notice costs when a long outage ends: the telegram
// and two durable moves.
func BenchmarkBacklog(b *testing.B) {
	w := newWorld(b, jukinet.Options{})
	for i := range b.N {
		w.queue(fmt.Sprintf("C%08d", i), "issued")
	}
	ctx, cancel := context.WithCancel(b.Context())
	c := w.config()
	c.Outbox = untilEmpty{w.journal, cancel}
	b.ResetTimer()
	if err := NewShipper(c).Run(ctx); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	w.clean()
}

// BenchmarkReconcile is the daily look at ten thousand cards.
func BenchmarkReconcile(b *testing.B) {
	var terminal []TerminalView
	var management []ManagementView
	for i := range 10000 {
		card := fmt.Sprintf("C%08d", i)
		terminal = append(terminal, TerminalView{Card: card, Order: card, Job: card, State: Done, Notice: Accepted, Told: true})
		management = append(management, ManagementView{Card: card, Status: Delivered})
	}
	management[77].Status = Before
	for b.Loop() {
		if found := Reconcile(terminal, management, nil); len(found) != 1 {
			b.Fatal(found)
		}
	}
}
