package issue

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"jukicard/apdu/profile"
	"jukicard/cardd/plan"
)

// fault is what goes wrong with one step of a journey.
type fault int

const (
	none        fault = iota
	notDone           // the link fails before the card saw the command
	done              // it fails after the card carried it out
	died              // the daemon dies before
	diedDone          // it dies after
	diedBlind         // it dies after, and the printer does not tell its counter any more
	refused           // the card says no and did nothing
	unavailable       // somebody who is needed cannot be had
	faults
)

var faultNames = [...]string{"none", "lost before", "lost after", "died before", "died after", "died after and blind", "refused", "unavailable"}

// world is everything outside the machine: one card, one printer, one authority, and
// an operator who resumes what is held. It keeps the station's loop, and counts what
// must not happen twice.
type world struct {
	p       *profile.Card
	o       plan.Order
	m       *Machine
	history []Record
	seen    plan.Observation

	keys      map[string]int    // how often each key was made; the number is its public half
	certified map[string]string // request to certificate
	certs     int               // certificates ever made
	onCard    map[string]string // certificate file to the certificate in it
	set       map[string]int    // how often each reference was set
	faces     int
	printer   int // the printer's counter
	before    int // its counter before the latest commit
}

func newWorld(t testing.TB) *world {
	t.Helper()
	p, err := profile.Load("mynumber-1")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		p: p, m: New(), seen: plan.Blank(p),
		keys: map[string]int{}, certified: map[string]string{}, onCard: map[string]string{}, set: map[string]int{}, printer: 41,
	}
	w.seen.Card = "A"
	w.o = plan.Order{
		ID: "LAB-1", Product: "standard", Print: true,
		Files: []plan.Content{
			{On: "text/number", Length: 17, Digest: "00"},
			{On: "text/card-key-cert", Length: 536, After: "read-key text/card-key"},
			{On: "jpki/auth-cert", Length: 1600, After: "certify jpki/auth-cert"},
		},
		Objects:    []plan.Content{{On: "domain/expiry", Length: 8}},
		Keys:       []plan.KeyPair{{On: "jpki/auth-key", Cert: "jpki/auth-cert", Purpose: "authentication"}},
		References: []plan.ReferenceTo{{On: "text/pin", Secret: "pin:text"}, {On: "jpki/auth-pin", Secret: "pin:authentication"}},
	}
	return w
}

// record gives the machine a record that it must take.
func (w *world) record(r Record) error {
	if err := w.m.Apply(r); err != nil {
		return err
	}
	w.history = append(w.history, r)
	return nil
}

// turn does what the machine wants next, with f going wrong, as the station does.
func (w *world) turn(f fault) error {
	if state, _, _ := w.m.State(); state == Held {
		return w.record(Record{Kind: Resumed, Facts: w.word()})
	}
	a, _ := w.m.Next()
	switch a.Do {
	case Observe:
		p, err := plan.Build(w.p, w.o, w.seen, w.progress(), plan.Wire{})
		if err != nil {
			return err
		}
		return w.record(Record{Kind: Planned, Result: OK, Plan: p})
	case Sign:
		return w.record(Record{Kind: Signed, Result: OK})
	}
	return w.perform(a.Step, f)
}

func (w *world) progress() plan.Progress {
	past := w.m.Progress()
	past.Ours = true
	return past
}

// word is what the operator says of a face: he looks at the card.
func (w *world) word() map[string]string {
	if _, code, _ := w.m.State(); code == "PRINT-DOUBT" && w.faces > 0 {
		return map[string]string{FactPrinted: "operator"}
	}
	return nil
}

// count is what the printer knows: its counter, and by it what is on the card.
func (w *world) count() map[string]string {
	surface := SurfaceBlank
	if w.printer != w.before {
		surface = SurfacePrinted
	}
	return map[string]string{FactCounter: strconv.Itoa(w.printer), FactSurface: surface}
}

// commit takes the print to its commit: from here on only the printer knows.
func (w *world) commit() error {
	w.before = w.printer
	for _, stage := range []string{StagePlanesSent, StageCommitSent} {
		if err := w.record(Record{Kind: Staged, Result: OK, Facts: map[string]string{FactStage: stage}}); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) perform(s plan.Step, f fault) error {
	intent := Record{Kind: Intent, Step: s.ID}
	if s.Op == plan.Print {
		intent.Facts = w.count()
	}
	if err := w.record(intent); err != nil {
		return err
	}
	if s.Op == plan.Print {
		if err := w.commit(); err != nil {
			return err
		}
	}
	out := Record{Kind: Outcome, Step: s.ID, Result: OK}
	if f == none || f == done || f == diedDone || f == diedBlind {
		var err error
		if out.Facts, err = w.happen(s); err != nil {
			return err
		}
	}
	switch f {
	case notDone, done:
		out.Result, out.Code, out.Facts = Doubt, "READER-LINK", nil
		if s.Op == plan.Print {
			out.Facts = w.count()
		}
	case refused:
		out.Result, out.Code = Refused, "CARD-REFUSED"
	case unavailable:
		out.Result, out.Code = Unavailable, "STATION-PIN-NEEDED"
	case died, diedDone, diedBlind:
		out = Record{Kind: Crashed, Step: s.ID}
		if s.Op == plan.Print && f != diedBlind {
			out.Facts = w.count()
		}
	}
	return w.record(out)
}

// happen is what a step does to the card and everything else, and what it tells.
func (w *world) happen(s plan.Step) (map[string]string, error) {
	value := s.Length
	switch s.Op {
	case plan.Generate:
		w.keys[s.On]++
		value = 2048
	case plan.ReadKey:
		return map[string]string{"modulus": strconv.Itoa(w.keys[s.On])}, nil
	case plan.Request:
		return map[string]string{"request": fmt.Sprint(s.On, w.keys[s.On])}, nil
	case plan.Certify:
		return w.certify(s)
	case plan.SetPIN:
		w.set[s.On]++
		_, ref, _ := w.p.Reference(s.On)
		value = ref.Tries
	case plan.ProvePIN:
		if w.seen.Objects[s.On].State != plan.StatePresent {
			return nil, fmt.Errorf("%s is presented and is not set", s.On)
		}
		return nil, nil
	case plan.Update:
		if s.From == "certify jpki/auth-cert" {
			w.onCard[s.On] = w.m.Fact(s.From, FactSHA256)
		}
	case plan.Lock:
		w.seen.LifeCycle = w.p.Domain.Locked
		return nil, nil
	case plan.Print:
		w.faces++
		w.printer++
		return nil, nil
	}
	switch s.Op {
	case plan.Generate, plan.SetPIN, plan.Update, plan.Put:
		w.seen.Objects[s.On] = plan.ObjectState{State: plan.StatePresent, Value: value}
	}
	if s.Op == plan.Generate {
		return map[string]string{"modulus": strconv.Itoa(w.keys[s.On])}, nil
	}
	return nil, nil
}

// certify is an authority that gives the same certificate for the same request, one
// longer than planned.
func (w *world) certify(s plan.Step) (map[string]string, error) {
	request := w.m.Fact(s.From, "request")
	if want := fmt.Sprint("jpki/auth-key", w.keys["jpki/auth-key"]); request != want {
		return nil, fmt.Errorf("the authority is asked by %q, the key on the card makes %q", request, want)
	}
	if w.certified[request] == "" {
		w.certs++
		w.certified[request] = "certificate of " + request
	}
	return map[string]string{FactLength: "1604", FactSHA256: w.certified[request]}, nil
}

// sound is what must hold of every card that came to its end.
func (w *world) sound() error {
	if again, err := Replay(w.history); err != nil || !reflect.DeepEqual(again, w.m) {
		return fmt.Errorf("the replayed machine is another one (%v)", err)
	}
	key := fmt.Sprint("certificate of jpki/auth-key", w.keys["jpki/auth-key"])
	switch {
	case w.faces != 1:
		return fmt.Errorf("%d faces were printed", w.faces)
	case w.certs != 1 || w.keys["jpki/auth-key"] != 1:
		return fmt.Errorf("%d certificates for %d keys", w.certs, w.keys["jpki/auth-key"])
	case w.onCard["jpki/auth-cert"] != key:
		return fmt.Errorf("on the card is %q, of the key is %q", w.onCard["jpki/auth-cert"], key)
	case w.seen.LifeCycle != w.p.Domain.Locked:
		return fmt.Errorf("the card is not locked")
	}
	for on, n := range w.set {
		if n != 1 {
			return fmt.Errorf("%s was set %d times", on, n)
		}
	}
	for _, id := range []string{"prove-pin text/pin", "prove-pin jpki/auth-pin", "compare text/number", "compare jpki/auth-cert", "compare domain/expiry", "confirm domain"} {
		if !w.m.Progress().Done[id] {
			return fmt.Errorf("%s was never done", id)
		}
	}
	return nil
}

// travel goes on until the job has ended, with faults from next; at most so many turns.
func (w *world) travel(next func(plan.Step) fault) (State, error) {
	for range 4 * RecordsMax {
		state, _, _ := w.m.State()
		a, _ := w.m.Next()
		if state == Done || state == Spoiled {
			return state, w.owes(a.Do)
		}
		f := none
		if a.Do == Perform {
			f = next(a.Step)
		}
		if err := w.turn(f); err != nil {
			return state, err
		}
	}
	return "", fmt.Errorf("the job does not end")
}

// owes is what must hold of what a job at its end wants done: a spoiled card's
// certificates taken back if there can be any, else nothing.
func (w *world) owes(next Do) error {
	state, _, _ := w.m.State()
	if want := state == Spoiled && w.certs > 0; want && next != Void || state == Done && next != "" {
		return fmt.Errorf("a %s job with %d certificates wants %q", state, w.certs, next)
	}
	return nil
}

// TestOneFaultAnywhere lets each kind of fault happen once at each step of an issue.
func TestOneFaultAnywhere(t *testing.T) {
	steps := 0
	w := newWorld(t)
	if _, err := w.travel(func(plan.Step) fault { steps++; return none }); err != nil {
		t.Fatal(err)
	}
	cases := 0
	for at := range steps {
		for f := none; f < faults; f++ {
			w, n := newWorld(t), -1
			var hit plan.Step
			state, err := w.travel(func(s plan.Step) fault {
				if n++; n == at {
					hit = s
					return f
				}
				return none
			})
			name := fmt.Sprintf("%s at step %d, %s", faultNames[f], at, hit.ID)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if state != Done {
				t.Errorf("%s: the job ended %s", name, state)
			}
			if err := w.sound(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			cases++
		}
	}
	t.Logf("%d cases", cases)
}

// TestRefusedAgain has a card refuse one step whenever it comes: it is spoiled by the
// second refusal, unless an operator can mend the cause.
func TestRefusedAgain(t *testing.T) {
	steps := map[string]plan.Op{}
	w := newWorld(t)
	if _, err := w.travel(func(s plan.Step) fault { steps[s.ID] = s.Op; return none }); err != nil {
		t.Fatal(err)
	}
	for id, op := range steps {
		w, n := newWorld(t), 0
		state, err := w.travel(func(s plan.Step) fault {
			if s.ID == id && n < 2 {
				n++
				return refused
			}
			return none
		})
		want := Spoiled
		if slices.Contains([]plan.Op{plan.Open, plan.Certify, plan.Print}, op) {
			want = Done
		}
		if err != nil || state != want || n != 2 {
			t.Errorf("%s refused %d times: the job ended %s, %v; want %s", id, n, state, err, want)
		}
	}
}

// TestRefusedHereAndThere: a card that refuses many steps once each is given up as well.
func TestRefusedHereAndThere(t *testing.T) {
	w, seen := newWorld(t), map[string]bool{}
	state, err := w.travel(func(s plan.Step) fault {
		if seen[s.ID] || s.Op == plan.Open || s.Op == plan.Certify || s.Op == plan.Print {
			return none
		}
		seen[s.ID] = true
		return refused
	})
	if err != nil || state != Spoiled || len(seen) != RefusalsMax {
		t.Errorf("%d steps refused once: the job ended %s, %v", len(seen), state, err)
	}
}

// TestManyFaults lets faults happen as often as chance will; refusals are left out, for
// they end the job.
func TestManyFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		state, err := w.travel(func(plan.Step) fault {
			if len(w.history) > 600 || rapid.IntRange(0, 3).Draw(rt, "lucky") > 0 {
				return none
			}
			return fault(rapid.SampledFrom([]int{int(notDone), int(done), int(died), int(diedDone), int(diedBlind), int(unavailable)}).Draw(rt, "fault"))
		})
		if err != nil {
			rt.Fatal(err)
		}
		if state != Done {
			rt.Fatalf("the job ended %s", state)
		}
		if err := w.sound(); err != nil {
			rt.Fatal(err)
		}
	})
}
