package hostile

import (
	"fmt"
	"strings"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/plan"
	"jukicard/simulator"
)

// commandsMax is how many commands a run of a job may take, whatever is answered. A
// whole issue in short form takes some four hundred.
const commandsMax = 5000

// audit stands between the station and a hostile card and looks at every command. It
// is a card in a reader.
type audit struct {
	card    simulator.ProcessingCard
	profile *profile.Card
	secrets []string

	commands int             // of the run at hand
	answers  int             // ever
	doubtful map[string]bool // references whose proof ended in doubt, since when nobody knows their counter
	wrong    []string
}

var _ simulator.ProcessingCard = (*audit)(nil)

func newAudit(c simulator.ProcessingCard, p *profile.Card, secrets []string) *audit {
	return &audit{card: c, profile: p, secrets: secrets, doubtful: map[string]bool{}}
}

func (a *audit) say(format string, args ...any) {
	if len(a.wrong) < 10 {
		a.wrong = append(a.wrong, fmt.Sprintf(format, args...))
	}
}

// ATR implements simulator.ProcessingCard.
func (a *audit) ATR() []byte { return a.card.ATR() }

// PowerOff implements simulator.ProcessingCard.
func (a *audit) PowerOff() { a.card.PowerOff() }

// Reset implements simulator.ProcessingCard.
func (a *audit) Reset() { a.card.Reset() }

// presenting are the instructions that carry reference data.
var presenting = map[byte]bool{apdu.INSVerify: true, apdu.INSChangeReferenceData: true, apdu.INSResetRetryCounter: true, apdu.INSChangeKey: true}

// Process implements simulator.ProcessingCard. A run that takes far too many commands
// is ended by a broken link, so that the test ends.
func (a *audit) Process(command []byte) []byte {
	a.answers++
	if a.commands++; a.commands > commandsMax {
		a.say("a run took more than %d commands", commandsMax)
		return nil
	}
	secured := command[0]&0x0C != 0
	if c, err := apdu.ParseCommand(command); err != nil {
		a.say("a command of %d bytes is none: %v", len(command), err)
	} else if presenting[c.INS] && !secured && len(c.Data) > 0 {
		a.say("%v goes out in the clear", c)
	}
	if i := a.leaks(command); i >= 0 {
		a.say("secret %d goes out in the clear, in %02X %02X", i, command[0], command[1])
	}
	answer := a.card.Process(command)
	if asks(command, stateTag) && len(answer) >= 2 {
		a.told(answer[:len(answer)-2])
	}
	return answer
}

// leaks is the number of the secret that a command shows, -1 when it shows none.
func (a *audit) leaks(command []byte) int {
	for i, s := range a.secrets {
		if strings.Contains(string(command), s) {
			return i
		}
	}
	return -1
}

// told takes note of counters that the card says are full: presenting what it was
// given is then no blind repetition.
func (a *audit) told(state []byte) {
	seen, err := plan.ParseState(a.profile, "", state)
	if err != nil {
		return
	}
	for on := range a.doubtful {
		_, ref, err := a.profile.Reference(on)
		if o := seen.Objects[on]; err == nil && (o.Value == ref.Tries || o.State != plan.StatePresent) {
			delete(a.doubtful, on)
		}
	}
}

// watch follows the job's steps.
func (a *audit) watch(e station.Event) {
	op, on, _ := strings.Cut(e.Step, " ")
	switch {
	case op == string(plan.SetPIN) && e.Result == "ok":
		delete(a.doubtful, on)
	case op != string(plan.ProvePIN):
	case e.Result == "doubt":
		a.doubtful[on] = true
	case e.Result == "" && a.doubtful[on]:
		a.say("%s is presented again, and nobody asked for its counter", on)
	}
}
