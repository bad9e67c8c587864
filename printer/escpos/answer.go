package escpos

// kind is what an answer answers.
type kind int

const (
	realTime  kind = iota // DLE EOT: status
	processID             // GS ( H, function 48: id
	cleared               // DLE DC4, function 8
	queued                // GS r: status
)

type answer struct {
	kind   kind
	status byte
	id     string
}

// Answers are told apart by their first byte (Epson, ESC/POS Command Reference,
// "Identification of response and status").
const (
	blockHeader  = 0x37
	blockID      = 0x22 // then four characters and NUL
	blockCleared = 0x25 // then NUL
	blockMax     = 80   // longer is noise (ours)

	autoStatusSize = 4
	idSize         = 4
)

// scanner takes what comes from the printer apart. Status blocks that the printer sends
// of its own accord are dropped, and so is what is nothing.
type scanner struct{ held []byte }

// push adds bytes and gives the answers that are complete.
func (s *scanner) push(p []byte) []answer {
	s.held = append(s.held, p...)
	var all []answer
	for len(s.held) > 0 {
		size, a, ok := first(s.held)
		if size == 0 {
			break // the rest of it is on its way
		}
		s.held = s.held[size:]
		if ok {
			all = append(all, a)
		}
	}
	return all
}

// first is the answer at the beginning of p and its size; 0 is one that is not complete.
func first(p []byte) (size int, a answer, ok bool) {
	switch b := p[0]; {
	case b == blockHeader:
		return block(p)
	case b&0x93 == 0x12:
		return 1, answer{kind: realTime, status: b}, true
	case b&0x93 == 0x10: // GS a
		if len(p) < autoStatusSize {
			return 0, answer{}, false
		}
		return autoStatusSize, answer{}, false
	case b&0x90 == 0:
		return 1, answer{kind: queued, status: b}, true
	}
	return 1, answer{}, false
}

// block is an answer that ends with NUL.
func block(p []byte) (size int, a answer, ok bool) {
	for i, b := range p {
		switch {
		case b == 0:
			return i + 1, blockAnswer(p[:i]), len(p[:i]) > 1 && known(p[:i])
		case i == blockMax:
			return 1, answer{}, false
		}
	}
	return 0, answer{}, false
}

func known(p []byte) bool {
	return p[1] == blockID && len(p) == 2+idSize || p[1] == blockCleared && len(p) == 2
}

func blockAnswer(p []byte) answer {
	if len(p) > 2 {
		return answer{kind: processID, id: string(p[2:])}
	}
	return answer{kind: cleared}
}
