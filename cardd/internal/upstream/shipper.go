package upstream

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
)

// Outbox is where notices wait; *journal.Journal is one. NextNotice is the one that
// a party has to hear next. MoveNotice is durable on return and fails when the
// notice is not in the state from.
type Outbox interface {
	NextNotice(ctx context.Context, party string) (n journal.Notice, ok bool, err error)
	MoveNotice(ctx context.Context, party, key, from string, m journal.Move) (journal.Notice, error)
}

// Config is what a shipper works with. Name, Party, Outbox and Log are needed.
type Config struct {
	Name    string // of the party: Management or JPKI
	Party   Party
	Outbox  Outbox
	Log     *slog.Logger
	Timeout time.Duration // of one telegram; 30 s where zero
	// Settle is how long a telegram may be under way after its sender gave up, in
	// relays and queues that nobody sees; a minute where zero. "Has nothing" counts
	// only after Timeout and Settle. How long it really is nobody has published:
	// the default is ours.
	Settle time.Duration
	// Tells is how often a notice may be told before a person must look; TellsMax
	// where zero. One is for a party that takes a repeat for unauthorised access even
	// after it was asked and said that it has nothing.
	Tells   int
	Backoff Backoff
	Poll    time.Duration  // how often the outbox is looked at when nobody wakes the shipper; a minute where zero
	Watch   func(Progress) // told of every move; must not block; may be nil
}

// Progress is one move of one notice.
type Progress struct {
	Party, Key, Card string
	Kind             Kind
	State            State
	Held             bool
	Code             failure.Code
}

// Line is how the line to a party stands.
type Line struct {
	Failures int          // calls in a row that no answer came to
	Since    time.Time    // the first of them
	Code     failure.Code // of the last: UPSTREAM-UNREACHABLE or UPSTREAM-ANSWER
}

// Shipper brings the notices of one party out of the outbox, in order, one at a
// time. Run it once; Wake and Line may be called by anybody.
type Shipper struct {
	c    Config
	wake chan struct{}

	mu   sync.Mutex
	line Line
}

// NewShipper is a shipper; it touches nothing before Run.
func NewShipper(c Config) *Shipper {
	for _, d := range []struct {
		to    *time.Duration
		value time.Duration
	}{{&c.Timeout, 30 * time.Second}, {&c.Settle, time.Minute}, {&c.Poll, time.Minute}} {
		if *d.to <= 0 {
			*d.to = d.value
		}
	}
	if c.Watch == nil {
		c.Watch = func(Progress) {}
	}
	return &Shipper{c: c, wake: make(chan struct{}, 1)}
}

// Wake says that there is a new notice, or that a person released one. It never
// blocks; it does not shorten the pause after a failure.
func (s *Shipper) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Line is how the line stands.
func (s *Shipper) Line() Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.line
}

// Run ships until ctx ends, and returns nil then. Any other end is a journal that
// cannot be read or written: nothing may be told then, because nothing would be
// remembered. Wherever it ends, another Run goes on: what was on the wire is asked
// about first.
func (s *Shipper) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		n, ok, err := s.c.Outbox.NextNotice(ctx, s.c.Name)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return failure.New(failure.StationJournal, err.Error(), err)
		case !ok:
			s.idle(ctx)
			continue
		}
		pause, err := s.ship(ctx, n)
		if err != nil {
			return err
		}
		sleep(ctx, pause)
	}
	return nil
}

// idle waits for a new notice.
func (s *Shipper) idle(ctx context.Context) {
	t := time.NewTimer(s.c.Poll)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-s.wake:
	case <-t.C:
	}
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// ship takes one notice as far as it goes without a pause: one question, one
// telegram, or both. It says how long to wait before anything else is shipped.
func (s *Shipper) ship(ctx context.Context, kept journal.Notice) (pause time.Duration, err error) {
	n, err := fromOutbox(kept)
	if err != nil {
		return 0, err
	}
	_, act, _, err := Next(s.situation(kept), Started)
	for range shipMax {
		if err != nil {
			return 0, err
		}
		var event Event
		var code failure.Code
		switch act {
		case Tell:
			event = Begun
		case Send:
			event, code = s.tell(ctx, n)
		case Ask:
			event, code = s.ask(ctx, n)
		default:
			return 0, nil
		}
		if event == Lost && ctx.Err() != nil {
			return 0, nil // stopped in the middle of it: it stays unknown
		}
		s.note(event, code)
		kept, act, err = s.move(ctx, kept, event, code)
		switch {
		case event == Lost:
			return s.c.Backoff.pause(s.Line().Failures), err
		case event == HasNothing && act == Ask: // it may still be under way
			now := s.situation(kept)
			return now.Settle - now.Since, err
		}
	}
	panic("internal error: a notice does not come to rest")
}

// shipMax is how many acts one notice can take without a pause: asked, begun, sent,
// and at rest.
const shipMax = 4

// situation is what the pure decision sees. A clock that went backwards makes
// nothing older than it is.
func (s *Shipper) situation(n journal.Notice) Situation {
	settle := s.c.Timeout + s.c.Settle
	since := settle
	if !n.Told.IsZero() {
		since = max(0, time.Since(n.Told))
	}
	return Situation{State: State(n.State), Held: n.Held, Tells: n.Tells, Most: s.c.Tells, Since: since, Settle: settle}
}

// move decides what an event means, and makes it durable when it changes anything.
func (s *Shipper) move(ctx context.Context, n journal.Notice, e Event, code failure.Code) (journal.Notice, Act, error) {
	before := s.situation(n)
	after, act, meaning, err := Next(before, e)
	if err != nil {
		return n, "", failure.New(failure.StationJournal, err.Error(), err)
	}
	if after.State == before.State && after.Held == before.Held {
		return n, act, nil
	}
	if code == "" || !after.Held {
		code = meaning
	}
	moved, err := s.c.Outbox.MoveNotice(ctx, s.c.Name, n.Key, n.State, journal.Move{Act: string(e), State: string(after.State), Held: after.Held, Code: string(code)})
	if err != nil {
		return n, "", failure.New(failure.StationJournal, err.Error(), err)
	}
	if after.Held {
		s.c.Log.Warn("a notice waits for a person", "party", s.c.Name, "key", n.Key, "card", n.Card, "code", code)
	}
	s.c.Watch(Progress{Party: s.c.Name, Key: n.Key, Card: n.Card, Kind: Kind(n.Kind), State: after.State, Held: after.Held, Code: code})
	return moved, act, nil
}

// tell sends the telegram, once.
func (s *Shipper) tell(ctx context.Context, n Notice) (Event, failure.Code) {
	ctx, cancel := context.WithTimeout(ctx, s.c.Timeout)
	defer cancel()
	err := s.c.Party.Tell(ctx, n)
	var no *Refusal
	switch {
	case err == nil:
		return TookIt, ""
	case errors.As(err, &no):
		return SaidNo, refusalCode(no.Unauthorised)
	}
	return Lost, lostCode(err)
}

// ask asks about the key. An answer about another card or event is no answer to
// the question; it is a finding.
func (s *Shipper) ask(ctx context.Context, n Notice) (Event, failure.Code) {
	ctx, cancel := context.WithTimeout(ctx, s.c.Timeout)
	defer cancel()
	known, err := s.c.Party.Ask(ctx, n.Key)
	switch {
	case err != nil:
		return Lost, lostCode(err)
	case known.State == None:
		return HasNothing, ""
	case known.Card != n.Card || known.Kind != n.Kind:
		return HasOther, failure.UpstreamConflict
	case known.State == Accepted:
		return HasIt, ""
	case known.State == Refused:
		return HasRefused, refusalCode(known.Unauthorised)
	}
	return Lost, failure.UpstreamAnswer
}

func refusalCode(unauthorised bool) failure.Code {
	if unauthorised {
		return failure.UpstreamUnauthorised
	}
	return failure.UpstreamRefused
}

// lostCode tells a silent party from one that talks nonsense.
func lostCode(err error) failure.Code {
	if errors.Is(err, errAnswer) {
		return failure.UpstreamAnswer
	}
	return failure.UpstreamUnreachable
}

// note keeps the line. It logs the beginning and the end of an outage,
// not every attempt.
func (s *Shipper) note(e Event, code failure.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.line
	switch e {
	case Begun:
		return
	case Lost:
		if was.Failures == 0 {
			s.line.Since = time.Now()
			s.c.Log.Warn("no answer from the other side", "party", s.c.Name, "code", code)
		}
		s.line.Failures, s.line.Code = was.Failures+1, code
		return
	}
	s.line = Line{}
	if was.Failures > 0 {
		s.c.Log.Info("the other side answers again", "party", s.c.Name, "after", time.Since(was.Since).Round(time.Second))
	}
}

// Release is a person's word on a held notice: one that was refused is closed, and
// the younger ones of its card go on; one in doubt is asked about again. by is who
// said so. Wake the shipper afterwards.
func Release(ctx context.Context, o Outbox, n journal.Notice, by string) (journal.Notice, error) {
	after, _, _, err := Next(Situation{State: State(n.State), Held: n.Held, Tells: n.Tells}, Released)
	if err != nil || !n.Held {
		return n, failure.New(failure.UpstreamNotHeld, n.Key, err)
	}
	return o.MoveNotice(ctx, n.Party, n.Key, n.State, journal.Move{Act: string(Released), State: string(after.State), Held: after.Held, Code: n.Code, By: by})
}
