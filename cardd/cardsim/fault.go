package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"jukicard/simulator"
	"jukicard/simulator/fault"
)

const faultHelp = "what goes wrong and when: a `SCRIPT` file, its text (\"at 37 torn 120; at 90 lost-after\"), or seed:N"

// faultScript reads what the flag --fault says.
func faultScript(wish string) (fault.Script, error) {
	if n, ok := strings.CutPrefix(wish, "seed:"); ok {
		seed, err := strconv.ParseUint(n, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("cannot use --fault %s: a seed is a whole number, as in seed:7", wish)
		}
		return fault.Seeded(seed, fault.Odds{}), nil
	}
	if strings.HasPrefix(wish, "at ") || strings.HasPrefix(wish, "from ") {
		return fault.ParseScript(strings.ReplaceAll(wish, ";", "\n"))
	}
	text, err := os.ReadFile(wish)
	if err != nil {
		return nil, fmt.Errorf("cannot use --fault: it is no seed:N and no script, and %w", err)
	}
	return fault.ParseScript(string(text))
}

// mishaps is a card on which a script goes wrong, and says so when it does.
type mishaps struct {
	*fault.Card
	out  io.Writer
	name string
	told int
}

// misbehave puts a script between card and reader. A card that is pulled is taken out by
// remove; one that stalls hangs until ctx ends, which is when it is taken out.
func misbehave(ctx context.Context, c *simulator.Card, s fault.Script, out io.Writer, remove func()) *mishaps {
	m := &mishaps{Card: fault.Wrap(c), out: out, name: "card " + c.ID()}
	m.Patience = func() {
		m.tell()
		<-ctx.Done()
	}
	m.Hands = func(bool) {
		tell(out, "%s pulled out at command %d", m.name, m.Count())
		remove()
	}
	m.Arm(s)
	return m
}

// Process carries out one command and tells what went wrong at it, as a line of a script.
func (m *mishaps) Process(command []byte) []byte {
	answer := m.Card.Process(command)
	m.tell()
	return answer
}

func (m *mishaps) tell() {
	for _, e := range m.Log()[m.told:] {
		tell(m.out, "fault: %v", e)
		m.told++
	}
}
