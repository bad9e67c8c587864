package fault

import (
	"fmt"
	"strings"

	"jukicard/apdu"
)

// Injected is one fault that happened.
type Injected struct {
	Fault            // At is the command's number, and From is false
	Header   [4]byte // CLA INS P1 P2 of the command
	Length   int     // of the command, bytes
	Answered apdu.SW // what the card answered, before the answer was spoilt; 0: nothing
	Kept, Of int     // bytes of the change that are in the memory, where the card was torn
}

// Log is what happened, the oldest first.
type Log []Injected

// Script does the same again to a card that gets the same commands.
func (l Log) Script() Script {
	s := make(Script, 0, len(l))
	for _, e := range l {
		s = append(s, e.Fault)
	}
	return s
}

// String is the text of a script that does the same again, with what happened behind
// each line. It shows the commands' headers and no data.
func (l Log) String() string {
	var b strings.Builder
	for _, e := range l {
		b.WriteString(e.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// String is one line of a log, without its end.
func (e Injected) String() string {
	line := fmt.Sprintf("%v # %v %X, %d bytes", e.Fault, apdu.Instruction(e.Header[1]), e.Header, e.Length)
	if e.Of > 0 {
		line += fmt.Sprintf(": %d of %d kept", e.Kept, e.Of)
	}
	if e.Answered != 0 {
		line += fmt.Sprintf(": answered %04X", uint16(e.Answered))
	}
	return line
}
