package hostile

// script says what goes wrong and when, byte by byte, so that a fuzzer can find its way
// and a failure can be played again. Behind its end nothing goes wrong any more.
type script struct{ b []byte }

func (s *script) over() bool { return len(s.b) == 0 }

// next is the next byte, 0 behind the end.
func (s *script) next() int {
	if s.over() {
		return 0
	}
	c := s.b[0]
	s.b = s.b[1:]
	return int(c)
}

// below is a number from 0 to n-1.
func (s *script) below(n int) int {
	if n <= 1 {
		return 0
	}
	v := s.next()
	if n > 256 {
		v = v<<8 | s.next()
	}
	return v % n
}

// take is at most n bytes.
func (s *script) take(n int) []byte {
	n = min(n, len(s.b))
	out := s.b[:n:n]
	s.b = s.b[n:]
	return out
}
