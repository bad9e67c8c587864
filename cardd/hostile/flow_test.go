package hostile

import (
	"bytes"
	"context"
	"crypto/rsa"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/plan"
	"jukicard/simulator"
)

// stage is a floor with a judge, on which one hostile card after another is tried.
type stage struct {
	*floor
	profile   *profile.Card
	want      pattern
	watchAlso func(station.Event)
}

// newStage is a stage for the length of a test.
func newStage(t testing.TB, short bool) *stage {
	t.Helper()
	s, err := openStage(t.Context(), short)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	return s
}

// openStage issues a card undisturbed, which shows what must be on one.
func openStage(ctx context.Context, short bool) (*stage, error) {
	f, err := newFloor(short)
	if err != nil {
		return nil, err
	}
	s := &stage{floor: f}
	if s.profile, err = profile.Load(simulator.DefaultProfile); err != nil {
		return nil, err
	}
	card := s.twin()
	s.desk.Insert(0, card)
	h := s.issue(ctx, 0, func(string) {})
	if !h.done() {
		return nil, fmt.Errorf("an undisturbed job ended %s: %s %v %v", h.job.State, h.job.Reason, h.err, h.refuse)
	}
	got, err := holdingOf(card)
	if err != nil {
		return nil, err
	}
	kept, err := s.journal.Records(ctx, h.job.ID)
	if err != nil {
		return nil, err
	}
	s.want = pattern{compared: compares(firstPlan(decode(kept))), references: got.references, life: got.life}
	state := bytes.Clone(stateOf(card))
	seenState.Store(&state)
	return s, nil
}

// twin is another blank card, with a number of its own: a card that was put aside is
// not taken again.
func (s *stage) twin() *simulator.Card { return s.keyed(inTurn()) }

// keyed is one whose keys come from a source.
func (s *stage) keyed(keys func() *rsa.PrivateKey) *simulator.Card {
	return must(simulator.NewBlank(simulator.Options{
		LabKey: simulator.LabTestKey, Master: simulator.LabTestKey, KeyPool: keys, CardID: fmt.Sprintf("0999%012d", serial.Add(1)),
	}))
}

// stateOf is what a card says of its state.
func stateOf(c *simulator.Card) []byte {
	c.Reset()
	answer := c.Process([]byte{0x00, 0xCA, stateTag[0], stateTag[1], 0x00, 0x00, 0x00})
	return answer[:len(answer)-2]
}

// tried is what came of a hostile card.
type tried struct {
	how
	commands int
	wrong    []string
}

// try does a job with a hostile card in the reader. real is the card behind it, nil
// when there is none; a liar has its keys.
func (s *stage) try(ctx context.Context, hostile simulator.ProcessingCard, real *simulator.Card, liar bool, resumes int) tried {
	a := newAudit(hostile, s.profile, s.Canaries)
	s.watch = func(e station.Event) {
		a.watch(e)
		if s.watchAlso != nil {
			s.watchAlso(e)
		}
	}
	printed := s.press.printed
	s.desk.Insert(0, a)
	var key []byte
	h := s.issue(ctx, resumes, func(job string) {
		a.commands = 0
		if key == nil {
			key, _ = s.digestKey(ctx, job)
		}
	})
	out := tried{how: h, commands: a.answers, wrong: a.wrong}
	say := func(format string, args ...any) { out.wrong = append(out.wrong, fmt.Sprintf(format, args...)) }
	if h.err != nil {
		say("the job could not be driven: %v", h.err)
	}
	if n := s.press.printed - printed; n > 1 || n == 1 && real == nil || h.done() && n != 1 {
		say("%d faces were printed of a job that is %s", n, h.job.State)
	}
	if s.clerk.twice > 0 {
		say("a second certificate was issued for the same request")
	}
	if h.refuse == nil && !slices.Contains([]string{journal.Done, journal.Held, journal.Spoiled}, h.job.State) {
		say("the job is left %q", h.job.State)
	}
	if h.refuse == nil && h.err == nil && h.job.State != journal.Done && h.job.Reason == "" {
		say("the job is %s without a reason", h.job.State)
	}
	out.wrong = append(out.wrong, s.leaked(h)...)
	if real != nil {
		out.wrong = append(out.wrong, s.examine(ctx, h, real, key, liar)...)
	} else if h.done() {
		say("the job is done and there is no card")
	}
	return out
}

// leaked are secrets in what people read.
func (s *stage) leaked(h how) []string {
	for _, text := range []string{h.job.Reason, fmt.Sprint(h.refuse), fmt.Sprint(h.err), h.job.CardID} {
		_, _ = s.log.Write([]byte(text))
	}
	caught := s.log.caught
	s.log.caught = nil
	return caught
}

// examine judges the card behind: always that no try is spent, and where the job is
// done everything.
func (s *stage) examine(ctx context.Context, h how, real *simulator.Card, key []byte, liar bool) []string {
	got, err := holdingOf(real)
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	for on, r := range got.references {
		if want := s.want.references[on]; want.tries != r.tries {
			wrong = append(wrong, fmt.Sprintf("%s has %d tries left", on, r.tries))
		}
	}
	if !h.done() {
		return wrong
	}
	kept, err := s.journal.Records(ctx, h.job.ID)
	if err != nil {
		return append(wrong, err.Error())
	}
	j := judge{want: s.want, plan: firstPlan(decode(kept)), key: key, certs: s.clerk.issued, card: got}
	return append(wrong, j.verdict(liar)...)
}

// word is how a try ended, for counting.
func (o tried) word() string {
	if o.refuse != nil {
		return "refused"
	}
	return o.job.State
}

// stride is how far apart the places of an issue are at which each trick and each lie
// is tried.
var stride = flag.Int("hostile.stride", 43, "try each trick and lie at every so manieth command of an issue; 1: at each, with all arguments")

// commandsOfAnIssue are those of a whole issue in extended form, 91 of the plan and
// those that look.
const commandsOfAnIssue = 100

// every tries a kind of hostile card at many places, with a few arguments at each: two
// in turn, or all where every place is tried.
func every(t *testing.T, s *stage, kind int, try func(real *simulator.Card, script []byte) tried) {
	ended := map[string]int{}
	for at, gap := 0, kind*7%*stride; gap < commandsOfAnIssue; at, gap = at+1, gap+*stride {
		args := []byte{0, 1, 3, 255}
		if *stride > 1 {
			args = args[2*((at+kind)%2):][:2]
		}
		for _, arg := range args {
			b := []byte{byte(gap), byte(kind), arg, arg, arg, arg}
			if out := try(s.twin(), b); len(out.wrong) > 0 {
				t.Errorf("script %x: %q, the job ended %s: %s", b, out.wrong, out.word(), out.job.Reason)
			} else {
				ended[out.word()]++
			}
		}
	}
	t.Log(ended)
}

// TestEveryTrickOnTheWire plays each trick at places all over an issue, once.
func TestEveryTrickOnTheWire(t *testing.T) {
	s := newStage(t, false)
	for i, trick := range tricks {
		t.Run(trick.name, func(t *testing.T) {
			every(t, s, i, func(real *simulator.Card, b []byte) tried {
				return s.try(t.Context(), newWire(real, slices.Insert(b, 1, 0)), real, false, 1)
			})
		})
	}
}

// TestEveryLie tells each lie at places all over an issue, once: a card that lies once
// is found out, or did no harm.
func TestEveryLie(t *testing.T) {
	s := newStage(t, false)
	for i, lie := range lies {
		t.Run(lie.name, func(t *testing.T) {
			every(t, s, i, func(real *simulator.Card, b []byte) tried {
				return s.try(t.Context(), newLiar(real, 1, b), real, false, 1)
			})
		})
	}
}

// TestWeakKeysAreNeverCertified: a card whose keys prove themselves as any other's, and
// which anybody can break, the maker's or the holder's.
func TestWeakKeysAreNeverCertified(t *testing.T) {
	s := newStage(t, false)
	for at, which := range []string{"the maker's", "the holder's"} {
		t.Run(which, func(t *testing.T) {
			n := 0
			real := s.keyed(func() *rsa.PrivateKey {
				n++
				if made := n <= makersKeys(s.profile); made == (at == 0) {
					return rocaKey()
				}
				return goodKeys()[n%poolSize]
			})
			out := s.try(t.Context(), real, real, false, 0)
			if out.job.State != journal.Spoiled || !strings.HasPrefix(out.job.Reason, "CARD-BAD-KEY") || len(out.wrong) > 0 {
				t.Errorf("the job ended %s: %s %q", out.word(), out.job.Reason, out.wrong)
			}
			if len(s.clerk.issued) > 0 {
				t.Errorf("%d certificates were issued", len(s.clerk.issued))
			}
		})
	}
}

// makersKeys is how many keys a blank card comes with.
func makersKeys(p *profile.Card) (n int) {
	for _, a := range p.Applications {
		for _, k := range a.Keys {
			if k.Made {
				n++
			}
		}
		if a.Messaging != nil {
			n++
		}
	}
	return n
}

// TestTheSameKeyTwiceIsFoundOut: a card whose generator gives one key for both.
func TestTheSameKeyTwiceIsFoundOut(t *testing.T) {
	s := newStage(t, false)
	n := 0
	real := s.keyed(func() *rsa.PrivateKey {
		n++
		return goodKeys()[min(n, makersKeys(s.profile)+1)%poolSize]
	})
	out := s.try(t.Context(), real, real, false, 0)
	if out.job.State != journal.Spoiled || !strings.HasPrefix(out.job.Reason, "CARD-BAD-KEY") || len(out.wrong) > 0 {
		t.Errorf("the job ended %s: %s %q", out.word(), out.job.Reason, out.wrong)
	}
}

// TestASignatureThatProvesNothing: a card that signs something else, at each signature of
// an issue: the proofs of the maker's keys, and for each certificate a request and, when it
// was read back, a challenge.
func TestASignatureThatProvesNothing(t *testing.T) {
	s := newStage(t, false)
	n := 0
	for s.signsWrong(t, n+1) {
		n++
	}
	certificates := 0
	for _, step := range s.want.compared {
		if strings.HasPrefix(step.From, string(plan.Certify)) {
			certificates++
		}
	}
	if makers := 2; certificates != 2 || n != makers+2*certificates {
		t.Errorf("%d signatures were asked for, of %d certificates", n, certificates)
	}
}

// signsWrong has the card lie at the n-th signature; false: there is none.
func (s *stage) signsWrong(t *testing.T, n int) bool {
	t.Helper()
	real := s.twin()
	l := newLiar(real, 1, []byte{0, byte(slices.IndexFunc(lies, func(k lie) bool { return k.name == "random bytes" }))})
	l.due = func(c apdu.Command) bool {
		if c.INS == apdu.INSSecurityOperation {
			n--
		}
		return n == 0
	}
	out := s.try(t.Context(), l, real, false, 0)
	if l.told() == 0 {
		return false
	}
	if out.job.State != journal.Spoiled || !strings.HasPrefix(out.job.Reason, string(failure.CardHolderKeys)) || len(out.wrong) > 0 {
		t.Errorf("the job ended %s: %s %q", out.word(), out.job.Reason, out.wrong)
	}
	return true
}

// TestACardThatAnnouncesMoreForEver: after each step that is newly done it answers
// everything with 61FF until it is reset. Each such answer alone is within bounds.
func TestACardThatAnnouncesMoreForEver(t *testing.T) {
	s := newStage(t, false)
	real := s.twin()
	w := newWire(real, nil)
	s.watchAlso = func(e station.Event) {
		if e.Result == "ok" && e.Step != "" && !strings.HasPrefix(e.Step, "open ") {
			w.storm, w.strength = []byte{0x30, 0x61, 0xFF}, 1<<30
		}
	}
	defer func() { s.watchAlso = nil }()
	out := s.try(t.Context(), w, real, false, 0)
	if out.job.State != journal.Held || !strings.HasPrefix(out.job.Reason, "STATION-JOB-LONG") || len(out.wrong) > 0 {
		t.Errorf("the job ended %s: %s %q", out.word(), out.job.Reason, out.wrong)
	}
}
