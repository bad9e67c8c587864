package magicard

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"jukicard/printer"
)

// trouble is an error of the printer: its two numbers and its own words.
type trouble struct {
	major, minor int
	words        string
}

// none is whether there is no error: 00:00.
func (t trouble) none() bool { return t.major == 0 && t.minor == 0 }

// notFed is 11:01, one of the two numbers that are known: no card came out of the hopper.
func (t trouble) notFed() bool { return t.major == 11 && t.minor == 1 }

func (t trouble) code() string { return fmt.Sprintf("%02d:%02d", t.major, t.minor) }

// fault is what an error asks of people. Of those that nobody has published, the words
// are all there is: a card that is inside is taken out by hand.
func (t trouble) fault(inside bool) printer.Fault {
	if t.notFed() {
		return printer.Fault{Code: t.code(), Kind: printer.Operator, Text: "no card was fed: put cards into the hopper"}
	}
	f := printer.Fault{Code: t.code(), Kind: printer.Operator, Text: "the printer reports an error that is in no public list: read its display"}
	if t.words != "" {
		f.Text = fmt.Sprintf("the printer says %q: do what it asks", t.words)
	}
	if inside {
		f.Kind = printer.Jam
		f.Text += "; take the card out by hand and confirm its serial number"
	}
	return f
}

// numbers are the line of ERR that has them: "label - MM:mm" or "MM:mm".
var numbers = regexp.MustCompile(`(?:^|[ -])(\d{2}):(\d{2})$`)

// parseTrouble reads the answer to ERR: text in the printer's language, a line with the
// numbers, a line with a code in brackets. Only the numbers have a meaning here.
func parseTrouble(text string) (trouble, bool) {
	body, ok := strings.CutPrefix(text, "STA")
	if !ok {
		return trouble{}, false
	}
	var words []string
	t, found := trouble{}, false
	for line := range strings.SplitSeq(body, "\n") {
		line = strings.TrimSpace(line)
		m := numbers.FindStringSubmatch(line)
		switch {
		case m != nil:
			t.major, _ = strconv.Atoi(m[1]) // two digits
			t.minor, _ = strconv.Atoi(m[2])
			found = true
		case line != "" && !strings.HasPrefix(line, "(c"):
			words = append(words, printable(line))
		}
	}
	t.words = strings.Join(words, " ")
	return t, found
}
