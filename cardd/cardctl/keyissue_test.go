package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"jukicard/reader"
	"jukicard/simulator"
)

// taking is a card at one of whose commands the key store is taken away.
type taking struct {
	*simulator.Card
	left int
	take func()
}

func (c *taking) Process(command []byte) []byte {
	if c.left--; c.left == 0 {
		c.take()
	}
	return c.Card.Process(command)
}

// storeGoneAt is a command in the middle of an issue: the next application's channel
// finds no store.
const storeGoneAt = 40

// TestIssueGoesOnWhenTheStoreIsBack: the job is held with the store's code, nothing is
// lost, and it ends when the store is there again. The card's keys are a store's all
// the time, of a master that three custodians entered.
func TestIssueGoesOnWhenTheStoreIsBack(t *testing.T) {
	keyDesk(t)
	_, _, want, master := forms(32)
	newConsole(deskWith()).types(typed(32)).do(t, 0, with(ceremonyArgs, "--version", "30", "--expect", want.String())...)
	path := os.Getenv("CARDD_GP_FILE_PATH")
	move := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Error(err)
		}
	}
	sim := fieldCard(t, "", master)
	card := &taking{Card: sim, left: storeGoneAt, take: func() { move(path, path+".away") }}
	desk := deskWith(card)
	serveDaemon(t, desk)
	dir := person(t, "adult")
	c := newConsole(desk).do(t, exitHeld, "issue", dir+"/order.json", "--pins", dir+"/pins.json")
	if !strings.Contains(c.err.String()+c.out.String(), "PKI-KEYS-ABSENT") {
		t.Errorf("%s%s", &c.out, &c.err)
	}
	var jobs []struct{ ID, State string }
	list := newConsole(desk).do(t, 0, "--json", "jobs")
	if err := json.Unmarshal(list.out.Bytes(), &jobs); err != nil || len(jobs) != 1 {
		t.Fatalf("%v in %s", err, &list.out)
	}
	move(path+".away", path)
	newConsole(desk).do(t, 0, "job", "resume", jobs[0].ID)
	isIssued(t, desk)
}

// isIssued looks at the card where it is, when the daemon has left it: a job is told done
// while its card is still being let go.
func isIssued(t *testing.T, desk *simulator.Desk) {
	t.Helper()
	left(t, desk)
	var v view
	c := newConsole(desk).do(t, 0, "--json", "card", "show")
	if err := json.Unmarshal(c.out.Bytes(), &v); err != nil || v.Condition != conditionIssued {
		t.Errorf("the card is %s: %v", v.Condition, err)
	}
}

// left waits until nobody has the card of the desk's first reader.
func left(t *testing.T, desk *simulator.Desk) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	for {
		c, err := desk.Open(ctx, "Desk 0", reader.Exclusive)
		if err == nil {
			err = c.Close(reader.Leave)
		}
		if err == nil {
			return
		}
		if !errors.Is(err, reader.ErrSharing) {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// TestLeftWaits for another who has the card.
func TestLeftWaits(t *testing.T) {
	desk := deskWith(issued(t))
	c, err := desk.Open(t.Context(), "Desk 0", reader.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	released := make(chan error, 1)
	go func() { released <- c.Close(reader.Leave) }()
	isIssued(t, desk)
	if err := <-released; err != nil {
		t.Error(err)
	}
}
