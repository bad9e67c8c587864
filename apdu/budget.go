package apdu

import "fmt"

// Budget bounds what a wrapper does on behalf of one command. A field that is 0
// stands for the wrapper's own default.
type Budget struct {
	Steps int // commands sent beyond the first
	Bytes int // data bytes gathered or split
}

// BudgetError means that a card would have a wrapper go on beyond its Budget. The
// link is sound, but what the card did with the command is unknown.
type BudgetError struct {
	Wrapper string  // "get response", "retry with right Le" or "chain"
	Command Command // Data is nil
	Unit    string  // "commands" or "bytes"
	Limit   int
}

// Error names the wrapper, the command and the limit.
func (e *BudgetError) Error() string {
	return fmt.Sprintf("cannot %s for %v: more than %d %s", e.Wrapper, e.Command, e.Limit, e.Unit)
}

// orDefault fills in what is 0.
func (b Budget) orDefault(steps, bytes int) Budget {
	if b.Steps == 0 {
		b.Steps = steps
	}
	if b.Bytes == 0 {
		b.Bytes = bytes
	}
	return b
}

// over makes the error from the bytes of a command, of which it keeps the header.
func over(wrapper string, command []byte, unit string, limit int) error {
	c, _ := ParseCommand(command)
	c.Data = nil
	return &BudgetError{Wrapper: wrapper, Command: c, Unit: unit, Limit: limit}
}

// statusOf is SW1 SW2 of an answer; false when it has none.
func statusOf(answer []byte) (SW, bool) {
	n := len(answer)
	if n < 2 {
		return 0, false
	}
	return SW(answer[n-2])<<8 | SW(answer[n-1]), true
}
