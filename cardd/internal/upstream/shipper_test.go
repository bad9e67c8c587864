package upstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/simulator/jukinet"
)

// bubble runs a test under virtual time.
func bubble(t *testing.T, f func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, jukinet.Options{})) })
}

func TestNoticesArriveOnceAndInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var moves []string
		c := w.config()
		c.Watch = func(p Progress) { moves = append(moves, p.Key+" "+string(p.State)) }
		s := NewShipper(c)
		stop := w.run(s)
		synctest.Wait() // it is idle
		w.queue("A", "issued", "B", "issued", "A", "voided")
		s.Wake()
		s.Wake() // twice is once
		if took := w.untilSettled(); took > 5*time.Second {
			t.Errorf("it took %v: nobody was woken", took)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		want := []string{
			"job-A.A.issued unknown", "job-A.A.issued accepted", "job-B.B.issued unknown", "job-B.B.issued accepted",
			"job-A.A.voided unknown", "job-A.A.voided accepted",
		}
		if !slices.Equal(moves, want) {
			t.Errorf("got %q", moves)
		}
		if got := w.sim.Counts(); got.Tells != 3 || got.Asks != 0 || got.Taken != 3 {
			t.Errorf("got %+v: what goes well needs no question", got)
		}
		w.clean()
	})
}

// Every way a telegram can be lost with every way a question about it can be lost:
// the notice arrives once, and the next ones after it.
func TestEveryFaultOfACallEndsWell(t *testing.T) {
	cases := 0
	asks := []jukinet.FaultKind{jukinet.None, jukinet.LoseCall, jukinet.Slow, jukinet.Garble, jukinet.Foreign}
	if quick() {
		asks = asks[:2]
	}
	for _, tell := range jukinet.Faults() {
		for _, ask := range asks {
			cases++
			t.Run(tell.String()+" and "+ask.String(), func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					w.sim.OnTell(jukinet.Fault{Kind: tell, For: 40 * time.Second})
					w.sim.OnAsk(jukinet.Fault{Kind: ask, For: 40 * time.Second})
					w.queue("A", "issued", "B", "issued", "A", "voided")
					stop := w.run(NewShipper(w.config()))
					w.survive(tell)
					w.untilSettled()
					if err := stop(); err != nil {
						t.Error(err)
					}
					w.allArrived(3)
				})
			})
		}
	}
	t.Logf("%d cases", cases)
}

// survive starts a counterpart again that a fault killed, an hour later.
func (w *world) survive(fault jukinet.FaultKind) {
	if fault != jukinet.Die && fault != jukinet.DieAfter {
		return
	}
	<-time.After(time.Hour)
	w.reopen()
}

// allArrived fails the test unless that many notices are accepted on both sides, each
// once.
func (w *world) allArrived(want int) {
	w.t.Helper()
	for i, s := range w.standing() {
		if s != Accepted {
			w.t.Errorf("notice %d is %s", i+1, s)
		}
	}
	if n := len(w.standing()); n != want {
		w.t.Errorf("%d notices, want %d", n, want)
	}
	w.clean()
}

// An outage of hours: questions alone, with pauses that grow, and afterwards
// everything in order.
func TestAnOutageOfHoursLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sim.Down()
		s := NewShipper(w.config())
		stop := w.run(s)
		for i := range 40 { // cards are finished while nobody can be told
			w.queue(fmt.Sprintf("C%02d", i), "issued")
			s.Wake()
			<-time.After(5 * time.Minute)
		}
		line := s.Line()
		if line.Code != failure.UpstreamUnreachable || line.Failures < 30 || time.Since(line.Since) < 3*time.Hour {
			t.Errorf("the line's state: %+v", line)
		}
		if line.Failures > 120 {
			t.Errorf("%d calls in %v: the pauses do not grow", line.Failures, time.Since(line.Since))
		}
		if got := w.standing(); got[0] != Unknown || got[1] != Intended {
			t.Errorf("got %v: one is in doubt, the others wait", got)
		}
		w.sim.Up()
		if took := w.untilSettled(); took > backoffMax+time.Minute {
			t.Errorf("it took %v after the outage", took)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if line := s.Line(); line != (Line{}) {
			t.Errorf("the line's state afterwards: %+v", line)
		}
		w.allArrived(40)
		moves, err := w.journal.Moves(t.Context(), Management, KeyOf("job-C00", "C00", Issued, ""))
		if err != nil || len(moves) > 6 {
			t.Errorf("an outage must not fill the journal: %d moves, %v", len(moves), err)
		}
	})
}

func TestARefusalHoldsItsCardAndNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		if err := w.sim.Abolish("A"); err != nil {
			t.Fatal(err)
		}
		w.queue("A", "issued", "B", "issued", "A", "voided", "C", "issued")
		s := NewShipper(w.config())
		stop := w.run(s)
		<-time.After(time.Hour)
		if got, want := w.standing(), []State{Refused, Accepted, Intended, Accepted}; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		held := w.waiting()[0]
		if held.Code != string(failure.UpstreamRefused) || !held.Held {
			t.Errorf("got %+v", held)
		}
		if n, err := Release(t.Context(), w.journal, held, "市民課 係長"); err != nil || n.Held || n.State != journal.NoticeRefused {
			t.Fatalf("got %+v, %v", n, err)
		}
		s.Wake()
		w.until("the younger one is told", func() bool { return w.standing()[2] == Refused }) // 廃止 cannot be done twice
		if err := stop(); err != nil {
			t.Error(err)
		}
		moves, err := w.journal.Moves(t.Context(), Management, held.Key)
		if err != nil || moves[len(moves)-1].By != "市民課 係長" {
			t.Errorf("got %+v, %v", moves, err)
		}
		if _, err := Release(t.Context(), w.journal, w.mustNotice("B"), "somebody"); failure.CodeOf(err) != failure.UpstreamNotHeld {
			t.Errorf("an accepted notice was released: %v", err)
		}
		w.clean()
	})
}

func (w *world) mustNotice(card string) journal.Notice {
	w.t.Helper()
	n, err := w.journal.NoticesOf(w.t.Context(), card)
	if err != nil || len(n) == 0 {
		w.t.Fatalf("no notice of %s: %v", card, err)
	}
	return n[0]
}

// A counterpart that loses every telegram and answers every question: it is told a
// bounded number of times, and then its other cards have their turn.
func TestANoticeThatNeverArrivesIsHandedToAPerson(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for range TellsMax {
			w.sim.OnTell(jukinet.Fault{Kind: jukinet.LoseCall})
		}
		w.queue("A", "issued", "B", "issued")
		stop := w.run(NewShipper(w.config()))
		w.until("a person must look", func() bool { return w.mustNotice("A").Held })
		held := w.mustNotice("A")
		if held.Code != string(failure.UpstreamTells) || held.Tells != TellsMax || held.State != journal.NoticeUnknown {
			t.Errorf("got %+v", held)
		}
		w.until("the other card has its turn", func() bool { return w.mustNotice("B").State == journal.NoticeAccepted })
		if _, err := Release(t.Context(), w.journal, held, "係長"); err != nil {
			t.Fatal(err)
		}
		w.untilSettled()
		if err := stop(); err != nil {
			t.Error(err)
		}
		w.allArrived(2)
	})
}

// swapped answers for another card than the one it was asked about.
type swapped struct{ Party }

func (p swapped) Tell(context.Context, Notice) error { return ErrUnreachable }

func (p swapped) Ask(context.Context, string) (Known, error) {
	return Known{State: Accepted, Card: "another", Kind: Issued}, nil
}

func TestAKeyThatIsAnothersIsNotTakenForOurs(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := w.config()
		c.Party = swapped{}
		w.queue("A", "issued")
		stop := w.run(NewShipper(c))
		w.until("a person must look", func() bool { return w.mustNotice("A").Held })
		if n := w.mustNotice("A"); n.Code != string(failure.UpstreamConflict) || n.State != journal.NoticeUnknown {
			t.Errorf("got %+v", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Stopping in the middle of a telegram: at once, nothing lost, asked about first
// afterwards.
func TestAStopInTheMiddleOfATelegram(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sim.OnTell(jukinet.Fault{Kind: jukinet.Slow, For: 20 * time.Second})
		w.queue("A", "issued")
		stop := w.run(NewShipper(w.config()))
		<-time.After(5 * time.Second)
		begin := time.Now()
		if err := stop(); err != nil || time.Since(begin) > 0 {
			t.Errorf("stopping took %v: %v", time.Since(begin), err)
		}
		if got := w.standing(); got[0] != Unknown {
			t.Errorf("got %v", got)
		}
		stop = w.run(NewShipper(w.config()))
		w.untilSettled()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := w.sim.Counts(); got.Tells != 1 || got.Asks != 1 {
			t.Errorf("got %+v", got)
		}
		w.allArrived(1)
	})
}

// broken is an outbox whose disk fails.
type broken struct{ Outbox }

func (broken) MoveNotice(context.Context, string, string, string, journal.Move) (journal.Notice, error) {
	return journal.Notice{}, journal.ErrFull
}

func TestNothingIsToldThatCannotBeRemembered(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := w.config()
		c.Outbox = broken{w.journal}
		w.queue("A", "issued")
		err := NewShipper(c).Run(t.Context())
		if failure.CodeOf(err) != failure.StationJournal || !errors.Is(err, journal.ErrFull) {
			t.Errorf("got %v", err)
		}
		if got := w.sim.Counts(); got.Tells != 0 {
			t.Errorf("it was told all the same: %+v", got)
		}
	})
}

// Random days: whatever goes wrong, and however often the shipper is stopped and
// started, everything arrives once and in order.
func TestRandomDays(t *testing.T) {
	days, cards := uint64(60), 12
	if quick() {
		days = 10
	}
	var sum jukinet.Counts
	for seed := range days {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				random := rand.New(rand.NewPCG(seed, 1))
				w.sim.Seeded(seed, 0.1+0.6*random.Float64())
				s := NewShipper(w.config())
				stop := w.run(s)
				for i := range cards {
					w.queue(fmt.Sprintf("C%02d", i), "issued")
					if random.IntN(4) == 0 {
						w.queue(fmt.Sprintf("C%02d", random.IntN(i+1)), "voided")
					}
					s.Wake()
					<-time.After(time.Duration(random.IntN(180)) * time.Second)
					if random.IntN(4) == 0 {
						if err := stop(); err != nil {
							t.Error(err)
						}
						s = NewShipper(w.config())
						stop = w.run(s)
					}
				}
				w.untilSettled()
				if err := stop(); err != nil {
					t.Error(err)
				}
				w.allArrived(len(w.standing()))
				sum.Tells += w.sim.Counts().Tells
				sum.Asks += w.sim.Counts().Asks
				sum.Lost += w.sim.Counts().Lost
				sum.Taken += w.sim.Counts().Taken
			})
		})
	}
	t.Logf("%d days: %d notices taken, %d telegrams, %d questions, %d calls lost; 0 blind repeats, 0 out of order", days, sum.Taken, sum.Tells, sum.Asks, sum.Lost)
}

func TestTheOutcomeOfAJobIsSaidInNotices(t *testing.T) {
	o := Outcome{Job: "20260401-093000-abcdef", Card: "1234567890123456", Order: "O-1", Station: "市民課 窓口1", Certificates: map[string]string{"sign": "0a1b", "auth": "0c2d"}}
	issued, err := o.Issued()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range issued {
		got = append(got, n.Party+" "+n.Key+" "+string(n.Facts))
	}
	want := []string{
		`management 20260401-093000-abcdef.1234567890123456.issued {"station":"市民課 窓口1"}`,
		`jpki 20260401-093000-abcdef.1234567890123456.certificate-issued.sign {"purpose":"sign","serial":"0a1b"}`,
		`jpki 20260401-093000-abcdef.1234567890123456.certificate-issued.auth {"purpose":"auth","serial":"0c2d"}`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	o.Certificates, o.Reason = nil, string(failure.CardDiffers)
	if voided, err := o.Voided(); err != nil || len(voided) != 1 || voided[0].Kind != string(Voided) {
		t.Errorf("got %+v, %v", voided, err)
	}
	o.Certificates = map[string]string{"sign": "123456789018"}
	if _, err := o.Issued(); err == nil {
		t.Error("a number with as many digits as a 個人番号 was taken for a serial number")
	}
}

func TestANoticeIsRefusedWhenItCouldHoldMoreThanNumbers(t *testing.T) {
	good := Notice{Key: "k", Card: "c", Kind: Issued}
	rows := []struct {
		name   string
		change func(*Notice)
	}{
		{"no key", func(n *Notice) { n.Key = "" }},
		{"a key that is no word", func(n *Notice) { n.Key = "a/b" }},
		{"no card", func(n *Notice) { n.Card = "" }},
		{"a kind there is not", func(n *Notice) { n.Kind = "lost" }},
		{"a fact there is not", func(n *Notice) { n.Facts = map[string]string{"name": "x"} }},
		{"a text", func(n *Notice) { n.Facts = map[string]string{FactReason: "山田 太郎"} }},
		{"as many digits as a 個人番号", func(n *Notice) { n.Facts = map[string]string{FactSerial: "123456789018"} }},
		{"as many digits as a 住民票コード", func(n *Notice) { n.Facts = map[string]string{FactSerial: "24727059608"} }},
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			n := good
			row.change(&n)
			if _, err := n.ForOutbox(Management); err == nil {
				t.Errorf("%+v was taken", n)
			}
		})
	}
}
