package fault

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"jukicard/apdu"
)

// End as a Fault's Byte is the last byte, or all of them: more than any command or
// answer holds.
const End = 1 << 17

const (
	atMax    = 1_000_000 // the last command a script can name
	linesMax = 10_000
)

// Fault is one thing to go wrong.
type Fault struct {
	At   int  // number of the command, from 1, since the card was armed
	From bool // at every command from At on, until the next From
	Kind Kind
	Byte int     // 0 to End, of the kinds that name a byte
	SW   apdu.SW // of Refused and RefusedAfter; 0: the usual one
}

// Script is what goes wrong and when, one fault at a command at most.
//
// Its text has a line for each fault: at or from, the number, the kind's word, and for
// some kinds a byte, where "end" is End, or a status word in four hexadecimal digits.
// Empty lines and what follows # are ignored:
//
//	at 12 lost-after
//	at 37 torn 120     # of an UPDATE BINARY
//	from 40 refused 6581
type Script []Fault

// String is the script's text, each line ended.
func (s Script) String() string {
	var b strings.Builder
	for _, f := range s {
		b.WriteString(f.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// String is the fault's line in a script, without its end.
func (f Fault) String() string {
	word := "at"
	if f.From {
		word = "from"
	}
	line := fmt.Sprintf("%s %d %v", word, f.At, f.Kind)
	switch {
	case !f.Kind.valid():
	case kinds[f.Kind].argument == statusWord:
		line += fmt.Sprintf(" %04X", uint16(f.status()))
	case kinds[f.Kind].argument == byteNumber && f.Byte >= End:
		line += " end"
	case kinds[f.Kind].argument == byteNumber:
		line += " " + strconv.Itoa(f.Byte)
	}
	return line
}

// status is the status word that Refused and RefusedAfter answer.
func (f Fault) status() apdu.SW {
	switch {
	case f.SW != 0:
		return f.SW
	case f.Kind == RefusedAfter:
		return apdu.SWMemoryFailure
	}
	return apdu.SWUnknown
}

// ParseScript reads a script's text and sorts it by command. An error names the line,
// and what was wanted there.
func ParseScript(text string) (Script, error) {
	var s Script
	seen := map[int]bool{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		f, err := parseFault(words)
		switch {
		case err != nil:
			return nil, fmt.Errorf("cannot read script: line %d: %v", n, err)
		case seen[f.At]:
			return nil, fmt.Errorf("cannot read script: line %d: want one fault at a command, command %d has another", n, f.At)
		case len(s) == linesMax:
			return nil, fmt.Errorf("cannot read script: line %d: want at most %d faults", n, linesMax)
		}
		seen[f.At] = true
		s = append(s, f)
	}
	s.sort()
	return s, nil
}

func (s Script) sort() {
	slices.SortStableFunc(s, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
}

func parseFault(words []string) (f Fault, err error) {
	if words[0] != "at" && words[0] != "from" || len(words) < 3 {
		return f, fmt.Errorf("want \"at\" or \"from\", a number and a kind, have %q", strings.Join(words, " "))
	}
	f.From = words[0] == "from"
	if f.At, err = strconv.Atoi(words[1]); err != nil || f.At < 1 || f.At > atMax {
		return f, fmt.Errorf("want the number of a command, 1 to %d, have %q", atMax, words[1])
	}
	if f.Kind = kindOf(words[2]); f.Kind == 0 {
		return f, fmt.Errorf("want a kind of fault (%s), have %q", strings.Join(kindWords(), ", "), words[2])
	}
	return f, f.parseArgument(words[3:])
}

func kindWords() []string {
	var words []string
	for _, k := range Kinds() {
		words = append(words, k.String())
	}
	return words
}

func (f *Fault) parseArgument(words []string) error {
	wanted := kinds[f.Kind].argument
	switch {
	case len(words) > 1 || len(words) == 1 && wanted == nothing:
		return fmt.Errorf("want nothing more behind %v, have %q", f.Kind, words[len(words)-1])
	case wanted == statusWord:
		return f.parseStatus(words)
	case wanted == byteNumber && len(words) == 1:
		return f.parseByte(words[0])
	}
	return nil
}

func (f *Fault) parseByte(word string) (err error) {
	if word == "end" {
		f.Byte = End
		return nil
	}
	if f.Byte, err = strconv.Atoi(word); err != nil || f.Byte < 0 || f.Byte > End {
		return fmt.Errorf("want the number of a byte, 0 to %d, or \"end\", have %q", End, word)
	}
	return nil
}

func (f *Fault) parseStatus(words []string) error {
	if len(words) == 0 {
		f.SW = f.status()
		return nil
	}
	sw, err := strconv.ParseUint(words[0], 16, 16)
	if err != nil || len(words[0]) != 4 || sw == 0 {
		return fmt.Errorf("want a status word, 4 hexadecimal digits and not 0000, have %q", words[0])
	}
	f.SW = apdu.SW(sw)
	return nil
}
