package upstream

import (
	"math/rand/v2"
	"time"
)

// Backoff is how long to wait before asking a silent party again: First after the
// first failure, twice as long after each further one, at most Max. Half of each
// pause is drawn at random, so that stations do not all come back at once when an
// outage ends. The zero value is a second to five minutes.
type Backoff struct{ First, Max time.Duration }

const (
	backoffFirst = time.Second
	backoffMax   = 5 * time.Minute
)

// pause is the pause after that many failures in a row, from 1.
func (b Backoff) pause(failures int) time.Duration {
	first, most := b.First, b.Max
	if first <= 0 {
		first = backoffFirst
	}
	if most <= 0 {
		most = backoffMax
	}
	p := first
	for i := 1; i < failures && p < most; i++ {
		p *= 2
	}
	p = min(p, most)
	return p/2 + rand.N(p/2+1)
}
