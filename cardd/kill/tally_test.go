package kill

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"
)

// The bound on what one kill costs: the card is looked at (5 commands), the channel is
// opened again (3), and at most one step is done twice, of which one chunk is not
// counted.
const (
	moreMax  = 10
	chunkMax = 1 // commands of one chunk at extended length
)

// tally adds up all cases of a run.
type tally struct {
	mu                                           sync.Mutex
	cases, issued, wrong, double, tries, printed int
	more                                         int             // commands, the most that one kill cost
	resumed, served                              []time.Duration // from kill to the first command; from start to serving
}

var sum tally

// outcome is one case at its end.
type outcome struct {
	*finding
	issued          bool
	kills, more     int // commands beyond those of an undisturbed issue, for all kills
	resumed, served time.Duration
}

// take adds a case, tells everything wrong with it, and holds it against the bound.
func (s *tally) take(t *testing.T, o outcome) {
	t.Helper()
	for _, w := range slices.Concat(o.wrong, o.double) {
		t.Error(w)
	}
	if o.tries != 0 || o.printed != 0 {
		t.Errorf("%d tries were spent, %d faces printed beyond the one", o.tries, o.printed)
	}
	if o.more > o.kills*(moreMax+chunkMax) {
		t.Errorf("%d kills cost %d commands more than were left, at most %d each", o.kills, o.more, moreMax+chunkMax)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cases++
	if o.issued {
		s.issued++
	}
	if len(o.wrong) > 0 {
		s.wrong++
	}
	s.double += len(o.double)
	s.tries += o.tries
	s.printed += o.printed
	if o.kills > 0 {
		s.more = max(s.more, (o.more+o.kills-1)/o.kills)
	}
	if o.resumed > 0 {
		s.resumed = append(s.resumed, o.resumed)
	}
	if o.served > 0 {
		s.served = append(s.served, o.served)
	}
}

// tell prints times and, last, the counts; nothing where no case ran.
func (s *tally) tell(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cases == 0 {
		return
	}
	_, _ = fmt.Fprintf(w, "kill to the first command again: median %v; start to serving: median %v; %d cases at once\n",
		median(s.resumed), median(s.served), atOnce)
	_, _ = fmt.Fprintf(w, "kill: %d cases, %d issued, %d wrong, %d double certificates, %d tries spent, %d printed twice, at most %d APDUs more than were left\n",
		s.cases, s.issued, s.wrong, s.double, s.tries, s.printed, s.more)
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2].Round(time.Millisecond)
}
