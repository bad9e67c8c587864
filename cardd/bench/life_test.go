package main

import (
	"crypto/rsa"
	"io"
	"strings"
	"testing"
	"time"

	"jukicard/apdu"
	"jukicard/simulator"
)

// signer pads nothing but what a card pads, and signs with a key that lies open.
func signer(key *rsa.PrivateKey) func([]byte) ([]byte, error) {
	return func(digestInfo []byte) ([]byte, error) {
		return rsa.SignPKCS1v15(nil, key, 0, digestInfo)
	}
}

// TestATimedCardKnowsLookingFromDoing: the look after a restart opens no channel.
func TestATimedCardKnowsLookingFromDoing(t *testing.T) {
	w := inWorkshop(t)
	blank, err := w.blank.Clone(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &timedCard{Card: blank}
	rung := 0
	c.at(2, func() { rung = c.apdus })
	look := []byte{0x80, 0xCA, 0x00, 0x45, 0x00}
	for range 3 {
		if answer := c.Process(look); len(answer) < 2 {
			t.Fatalf("the card answers %d bytes", len(answer))
		}
	}
	looked, planned := c.marks()
	if looked.IsZero() || !planned.IsZero() || rung != 2 || c.count() != 3 {
		t.Errorf("looked %v, planned %v, rung at %d of %d commands", looked, planned, rung, c.count())
	}
	c.Process([]byte{0x80, byte(apdu.INSInitializeUpdate), 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0})
	if _, planned := c.marks(); planned.Before(looked) {
		t.Error("a channel was opened unseen")
	}
	c.mark()
	if looked, planned := c.marks(); !looked.IsZero() || !planned.IsZero() {
		t.Error("a mark is left")
	}
}

// TestResumeFigures: medians of times, the most of commands.
func TestResumeFigures(t *testing.T) {
	var out strings.Builder
	r := &report{to: &out}
	ms := time.Millisecond
	tellResume(r, "p_", []revival{
		{serving: 11 * ms, first: 20 * ms, planned: 30 * ms, done: 90 * ms, more: 4},
		{serving: 13 * ms, first: 22 * ms, planned: 20 * ms, done: 70 * ms, more: 12},
		{serving: 12 * ms, first: 24 * ms, planned: 20 * ms, done: 80 * ms, more: 3},
	})
	for _, line := range []string{"p_serving_time 12 ms -", "p_first_apdu_time 22 ms -", "p_plan_apdu_ratio 1.667 ratio", "p_done_time 80 ms -", "p_apdus_more 12 apdu <=11"} {
		if !strings.Contains(out.String(), line+"\n") && !strings.Contains(out.String(), line+" ") {
			t.Errorf("no line %q in\n%s", line, out.String())
		}
	}
	if len(r.missed) != 1 {
		t.Errorf("missed %v, want the commands alone", r.missed)
	}
}

// TestJournalsAreMetered: every write is noted, and what an issue leaves in the file.
func TestJournalsAreMetered(t *testing.T) {
	withFont(t)
	d, err := openDesk(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.close() }()
	for _, j := range []*meteredJournal{d.real, d.memory} {
		if took, err := d.timed(t.Context(), j); err != nil || took <= 0 {
			t.Fatalf("%v ms, %v", took, err)
		}
	}
	if a, b := len(d.real.commits), len(d.memory.commits); a != b || a < 100 || d.real.apdus != d.memory.apdus {
		t.Errorf("%d commits of %d commands with the real journal, %d of %d with the other", a, d.real.apdus, b, d.memory.apdus)
	}
	size, err := d.reopen(t.Context())
	if least := int64(len(d.real.commits)) * 100; err != nil || size < least {
		t.Errorf("the file has %d bytes, at least %d are in it; %v", size, least, err)
	}
	if took, err := d.timed(t.Context(), d.real); err != nil || took <= 0 {
		t.Errorf("reopened, it cannot be used: %v", err)
	}
	if got := sum([]float64{1, 2, 3.5}); got != 6.5 {
		t.Errorf("the sum is %v", got)
	}
}

// TestAPlainPageKeepsItsLength: it is overwritten, as a log is.
func TestAPlainPageKeepsItsLength(t *testing.T) {
	page, err := openPage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = page.Close() }()
	for range 2 {
		if took, err := page.sync(); err != nil || took <= 0 {
			t.Errorf("%v us, %v", took, err)
		}
	}
	if n, err := page.Seek(0, io.SeekEnd); err != nil || n != pageLen {
		t.Errorf("the file has %d bytes, %v", n, err)
	}
}
