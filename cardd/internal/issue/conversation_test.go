package issue

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"jukicard/cardd/plan"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/*.txt; read them before they are committed")

// TestConversations plays the files of testdata: blocks of a record above a line of
// hyphens and the machine's answer below. Every record goes to the machine; after each
// the whole history is replayed and must give the same machine, and a record that was
// refused must have left it as it was.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 8 {
		t.Fatalf("found %d conversations (%v)", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := converse(t, string(b))
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(b) {
				t.Errorf("%s went otherwise; rewrite it with -update and read the difference\n%s", path, firstChange(string(b), got))
			}
		})
	}
}

func firstChange(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\n got: %s\nwant: %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

// talk is one conversation.
type talk struct {
	t       *testing.T
	m       *Machine
	history []Record
	replay  func([]Record) (*Machine, error)
}

const hyphens = "----"

// converse plays a file's questions and gives the file with the answers put in.
func converse(t *testing.T, text string) string {
	t.Helper()
	c := &talk{t: t, m: New(), replay: Replay}
	if strings.HasPrefix(text, "# A card in use") {
		c.m, c.replay = NewInUse(), ReplayInUse
	}
	var out []string
	for _, block := range strings.Split(strings.TrimRight(text, "\n"), "\n\n") {
		question, _, answered := strings.Cut(block, "\n"+hyphens)
		if !answered {
			out = append(out, block) // a comment of its own
			continue
		}
		out = append(out, question+"\n"+hyphens+"\n"+c.answer(question))
	}
	return strings.Join(out, "\n\n") + "\n"
}

// answer does what a block asks: questions begin with "?", the rest are records, which
// may be repeated with "times=".
func (c *talk) answer(question string) string {
	var lines []string
	for _, line := range strings.Split(question, "\n") {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if rest, ok := strings.CutPrefix(lines[0], "? "); ok {
		return c.ask(strings.Fields(rest))
	}
	if err := c.apply(parseRecord(c.t, lines)); err != nil {
		return "refused: " + err.Error()
	}
	return c.stands()
}

// apply gives the machine a record and checks what must hold of every record.
func (c *talk) apply(r Record) error {
	c.t.Helper()
	err := c.m.Apply(r)
	if err == nil {
		c.history = append(c.history, r)
	}
	again, replayed := c.replay(c.history)
	if replayed != nil {
		c.t.Fatalf("what was applied cannot be replayed: %v", replayed)
	}
	if !reflect.DeepEqual(again, c.m) {
		c.t.Fatalf("the replayed machine is another one\n got %+v\nwant %+v", again, c.m)
	}
	return err
}

// stands tells the machine's state and what it wants next.
func (c *talk) stands() string {
	state, code, reason := c.m.State()
	done, total := c.m.Position()
	out := fmt.Sprintf("%s, %d of %d", state, done, total)
	if step, ok := c.m.Pending(); ok {
		out += ", in hand: " + step
	} else if a, ok := c.m.Next(); ok {
		out += strings.TrimRight(fmt.Sprintf(", next: %s %s", a.Do, a.Step.ID), " ")
	}
	if code != "" {
		out += fmt.Sprintf("\n%s: %s", code, reason)
	}
	return out
}

// ask answers what a new plan may build on, a fact of a step, what is owed of a card's
// certificates, or how a card in quarantine stands.
func (c *talk) ask(words []string) string {
	switch words[0] {
	case "fact":
		return strconv.Quote(c.m.Fact(words[1]+" "+words[2], words[3]))
	case "owed":
		return fmt.Sprintf("serials: %s\nasked: %v", strings.Join(c.m.Owed().Serials, " "), c.m.Owed().Asked)
	case "entered":
		how, panel := c.m.Entered()
		return cmp.Or(strings.TrimSpace(how+" "+panel), "nothing")
	case "quarantine":
		return fmt.Sprintf("voided: %t, witnesses: %s, destroyed: %t", c.m.Voided(), strings.Join(c.m.Witnesses(), " and "), c.m.Destroyed())
	}
	p := c.m.Progress()
	out := fmt.Sprintf("ours: %t", p.Ours)
	for _, id := range slices.Sorted(maps.Keys(p.Done)) {
		out += "\ndone: " + id
	}
	for _, on := range slices.Sorted(maps.Keys(p.Rewrite)) {
		out += "\nrewrite: " + on
	}
	for _, on := range slices.Sorted(maps.Keys(p.Lengths)) {
		out += fmt.Sprintf("\nlength: %s %d", on, p.Lengths[on])
	}
	return out
}

// parseRecord reads a record: its kind, a step in two words, a result, a code in
// capitals and facts with "="; a plan has its steps on lines of their own.
func parseRecord(t *testing.T, lines []string) Record {
	t.Helper()
	words := strings.Fields(lines[0])
	r := Record{Kind: Kind(words[0])}
	for _, w := range words[1:] {
		name, value, fact := strings.Cut(w, "=")
		switch {
		case fact:
			if r.Facts == nil {
				r.Facts = map[string]string{}
			}
			r.Facts[name] = value
		case w == strings.ToUpper(w):
			r.Code, r.Text = w, "in words"
		case w == "ok" || w == "doubt" || w == "refused" || w == "unavailable" || w == "perhaps":
			r.Result = Result(w)
		default:
			r.Step = strings.TrimSpace(r.Step + " " + w)
		}
	}
	if r.Kind == Planned && len(lines) > 1 {
		if r.Result == "" {
			r.Result = OK
		}
		r.Plan = parsePlan(t, lines[1:], r.Facts)
		r.Facts = nil
	}
	return r
}

// parsePlan reads steps as "op on", with "length=" and "from=op,on"; "-" is no step.
func parsePlan(t *testing.T, lines []string, head map[string]string) *plan.Plan {
	t.Helper()
	p := &plan.Plan{Version: 1, Profile: "mynumber-1", Product: "standard", Order: "LAB-1", Card: "A"}
	if card, ok := head["card"]; ok {
		p.Card = card
	}
	if order, ok := head["order"]; ok {
		p.Order = order
	}
	for _, line := range lines {
		words := strings.Fields(line)
		if words[0] == "-" {
			continue
		}
		s := step(plan.Op(words[0]), words[1])
		for _, w := range words[2:] {
			switch name, value, _ := strings.Cut(w, "="); name {
			case "length":
				s.Length, _ = strconv.Atoi(value)
			case "from":
				s.From = strings.ReplaceAll(value, ",", " ")
			case "again":
				s.Again = plan.Again(value)
			}
		}
		p.Steps = append(p.Steps, s)
	}
	if _, ok := head["for"]; ok {
		p.For = head["for"]
	}
	return p
}

// step is a step as a plan has it. The table says a second time, beside package plan,
// what doubt about each operation means.
func step(op plan.Op, on string) plan.Step {
	s := plan.Step{ID: string(op) + " " + on, Op: op, On: on, Again: plan.Safe}
	switch op {
	case plan.Generate, plan.ProvePIN, plan.Lock, plan.Print:
		s.Again = plan.Probe
	}
	s.Session = op == plan.Open || op == plan.Identify
	s.Irreversible = op == plan.Lock || op == plan.Print || op == plan.Note
	if op == plan.SetPIN || op == plan.ProvePIN {
		s.Secret = "pin:text"
	}
	return s
}
