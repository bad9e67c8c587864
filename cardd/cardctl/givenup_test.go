package main

import (
	"strings"
	"testing"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/order"
)

// TestWhatBecameOfAJobGivenUp: of a card in use nobody is told that nothing is on it when
// half an entry is.
func TestWhatBecameOfAJobGivenUp(t *testing.T) {
	for _, row := range []struct {
		name   string
		job    client.Job
		en, ja string
	}{
		{"a blank card", client.Job{Operation: order.Issue, State: stateAbandoned}, "nothing was written", "何も書かれていません"},
		{"a written card", client.Job{Operation: order.Issue, State: stateSpoiled}, "in quarantine", "隔離"},
		{"no entry", client.Job{Operation: order.Endorse, State: stateAbandoned, Code: string(failure.EntryAbandoned)}, "nothing was printed", "何も印刷していません"},
		{"half an entry", client.Job{Operation: order.Endorse, State: stateAbandoned, Code: string(failure.EntrySpoilt)}, "in part", "一部"},
		{"an entry", client.Job{Operation: order.Endorse, State: stateDone}, "the entry is on its card", "印刷済み"},
	} {
		en, ja := givenUp(&row.job)
		if !strings.Contains(en, row.en) || !strings.Contains(ja, row.ja) {
			t.Errorf("%s: %s%s", row.name, en, ja)
		}
	}
}
