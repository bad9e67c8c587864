// Package transcript is one text format for sessions with a card: what was sent and
// what came back, a line each.
//
//	# apdu transcript 1, redacted
//	# atr: 3BE000FF8131FE4514
//	# protocol: T=1
//	> 00A4040C0AD392F000260100000001
//	< 9000
//	> 00200080 [4 secret bytes]
//	< 63C2
//	> 00B0000000
//	< [256 secret bytes] 9000
//	! link failed
//
// A [Writer] redacts: data shows only where a table says that it is harmless. Only
// [NewLabWriter] writes everything, and only that can be replayed by [Replay], an
// apdu.Transport that fails on another order and on leftovers. Sessions with real
// cards are kept redacted or not at all.
package transcript

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"jukicard/apdu"
)

// Bounds on what Parse reads.
const (
	MaxExchanges = 100_000
	MaxLine      = 2*(apdu.MaxExtendedData+9) + 64 // characters
	MaxNotes     = 1_000
)

const (
	magic        = "# apdu transcript 1, "
	wordRedacted = "redacted"
	wordFull     = "full"
)

// Header is what stands above the exchanges. All of it is optional.
type Header struct {
	ATR      []byte
	Protocol string   // "T=0", "T=1", "T=CL"
	Date     string   // of the recording, in any one form
	Notes    []string // one line each
}

// Message is a command or an answer. What was redacted is known by its length only
// and stands between Head and Tail; a message without it is all Head. Of a redacted
// command Lc is left out as well: it is Secret, in the short form when Tail, its Le,
// has one byte.
type Message struct {
	Head   []byte
	Secret int // bytes left out
	Tail   []byte
}

// append writes the line form.
func (m Message) append(b []byte) []byte {
	b = appendHex(b, m.Head)
	if m.Secret == 0 {
		return appendHex(b, m.Tail)
	}
	if len(m.Head) > 0 {
		b = append(b, ' ')
	}
	b = append(strconv.AppendInt(append(b, '['), int64(m.Secret), 10), " secret bytes]"...)
	if len(m.Tail) > 0 {
		b = appendHex(append(b, ' '), m.Tail)
	}
	return b
}

func appendHex(b, data []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range data {
		b = append(b, digits[c>>4], digits[c&15])
	}
	return b
}

// Exchange is one command and its answer, or the failure that came instead.
type Exchange struct {
	Command Message
	Answer  Message
	Failure string // set when the link failed; then there is no Answer
}

// Transcript is a whole session. Its fmt forms show data as the file does.
type Transcript struct {
	Header    Header
	Redacted  bool
	Exchanges []Exchange
}

// WriteTo writes the text form, which Parse reads back to the same Transcript.
func (t *Transcript) WriteTo(w io.Writer) (int64, error) {
	b := t.Header.append(nil, t.Redacted)
	for _, x := range t.Exchanges {
		b = append(x.Command.append(append(b, "> "...)), '\n')
		if x.Failure != "" {
			b = append(append(append(b, "! "...), oneLine(x.Failure)...), '\n')
		} else {
			b = append(x.Answer.append(append(b, "< "...)), '\n')
		}
	}
	n, err := w.Write(b)
	return int64(n), err
}

func (h Header) append(b []byte, redacted bool) []byte {
	word := wordFull
	if redacted {
		word = wordRedacted
	}
	b = append(append(append(b, magic...), word...), '\n')
	if len(h.ATR) > 0 {
		b = append(appendHex(append(b, "# atr: "...), h.ATR), '\n')
	}
	for _, field := range []struct{ key, value string }{{"protocol", h.Protocol}, {"date", h.Date}} {
		if field.value != "" {
			b = fmt.Appendf(b, "# %s: %s\n", field.key, oneLine(field.value))
		}
	}
	for _, note := range h.Notes {
		b = fmt.Appendf(b, "# note: %s\n", oneLine(note))
	}
	return b
}

// oneLine keeps text from breaking out of its line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Parse reads a transcript. An error names the line by number and never shows it.
// Blank lines and lines that begin with # are skipped; hexadecimal may hold spaces
// and be in either case.
func Parse(r io.Reader) (*Transcript, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), MaxLine)
	p := parser{}
	for n := 1; lines.Scan(); n++ {
		if err := p.line(n, strings.TrimSpace(lines.Text())); err != nil {
			return nil, fmt.Errorf("cannot read transcript, line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read transcript: %w", err)
	}
	switch {
	case !p.begun:
		return nil, fmt.Errorf("cannot read transcript: it is empty")
	case p.open:
		return nil, fmt.Errorf("cannot read transcript: the last command has no answer")
	}
	return &p.t, nil
}

type parser struct {
	t     Transcript
	begun bool // the first line was read
	open  bool // a command waits for its answer
}

func (p *parser) line(n int, line string) error {
	if !p.begun {
		return p.first(n, line)
	}
	if line == "" {
		return nil
	}
	rest := strings.TrimSpace(line[1:])
	switch line[0] {
	case '#':
		return p.comment(rest)
	case '>':
		return p.command(rest)
	case '<', '!':
		return p.answer(line[0], rest)
	}
	return errors.New("a line begins with > < ! or #")
}

func (p *parser) first(n int, line string) error {
	switch line {
	case magic + wordFull:
	case magic + wordRedacted:
		p.t.Redacted = true
	default:
		return fmt.Errorf("it must be %q or %q", magic+wordFull, magic+wordRedacted)
	}
	p.begun = true
	return nil
}

// comment takes the header's fields; those behind the first command are comments.
func (p *parser) comment(text string) (err error) {
	key, value, _ := strings.Cut(text, ":")
	value = oneLine(value)
	if len(p.t.Exchanges) > 0 || value == "" {
		return nil
	}
	h := &p.t.Header
	switch key {
	case "atr":
		h.ATR, err = parseHex(value)
	case "protocol":
		h.Protocol = value
	case "date":
		h.Date = value
	case "note":
		if len(h.Notes) == MaxNotes {
			return fmt.Errorf("more than %d notes", MaxNotes)
		}
		h.Notes = append(h.Notes, value)
	}
	return err
}

func (p *parser) command(rest string) error {
	if p.open {
		return errors.New("the command before it has no answer")
	}
	if len(p.t.Exchanges) == MaxExchanges {
		return fmt.Errorf("more than %d exchanges", MaxExchanges)
	}
	m, err := p.message(rest)
	p.t.Exchanges = append(p.t.Exchanges, Exchange{Command: m})
	p.open = true
	return err
}

func (p *parser) answer(kind byte, rest string) (err error) {
	if !p.open {
		return errors.New("an answer without a command")
	}
	p.open = false
	x := &p.t.Exchanges[len(p.t.Exchanges)-1]
	if kind == '<' {
		x.Answer, err = p.message(rest)
		return err
	}
	if x.Failure = oneLine(rest); x.Failure == "" {
		return errors.New("a failure has a text")
	}
	return nil
}

// message reads "hex", "hex [n secret bytes]", "[n secret bytes] hex" or all three.
func (p *parser) message(s string) (m Message, err error) {
	head, rest, hidden := strings.Cut(s, "[")
	if m.Head, err = parseHex(head); err != nil || !hidden {
		return m, err
	}
	count, tail, closed := strings.Cut(rest, " secret bytes]")
	n, err := strconv.Atoi(count)
	if !closed || err != nil || n < 1 || n > apdu.MaxResponse {
		return m, errors.New("a redacted part reads [n secret bytes]")
	}
	m.Secret = n
	p.t.Redacted = true
	m.Tail, err = parseHex(tail)
	return m, err
}

func parseHex(s string) ([]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		return nil, errors.New("bytes are pairs of hexadecimal digits")
	}
	if len(b) == 0 {
		return nil, nil
	}
	return slices.Clip(b), nil
}
