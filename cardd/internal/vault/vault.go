// Package vault keeps what a job needs and its journal must not hold: the PINs, in
// memory only, and the key under which an order rests on disk.
//
// # What it leaves out
//
// It stores no sealed data; whoever has them keeps them (the journal keeps orders).
// It does not rotate its key and knows no hardware key store: the key file is as
// safe as the folder it lies in. It does not forbid core dumps, which is the
// daemon's business at its start.
package vault

import (
	"errors"
	"fmt"
	"sync"

	"jukicard/apdu/secret"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
)

// jobsMax bounds the jobs whose PINs wait at once; ours. A station works on one
// card, and sixteen stations with a queue of fifteen each stay below.
const jobsMax = 256

// ErrFull is returned when PINs of too many jobs wait.
var ErrFull = errors.New("cannot keep PINs: those of 256 jobs are waiting")

// PINs holds the PINs of jobs until they end. They are never written, so a job cut
// off by a restart must have them entered again. The zero value is ready; all
// methods may be called at once.
type PINs struct {
	mu   sync.Mutex
	jobs map[string]order.PINs // guarded by mu
}

// Put takes the PINs of a job over: the vault destroys them, and the caller no
// longer uses them, whatever is returned. PINs put for the same job before are
// destroyed. The error is ErrFull.
func (v *PINs) Put(job string, pins order.PINs) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	old, again := v.jobs[job]
	if !again && len(v.jobs) >= jobsMax {
		pins.Destroy()
		return ErrFull
	}
	old.Destroy()
	if v.jobs == nil {
		v.jobs = map[string]order.PINs{}
	}
	for _, pin := range pins {
		hold(pin)
	}
	v.jobs[job] = pins
	return nil
}

// PIN is a copy of one PIN of a job, the caller's to destroy. A copy, since Drop
// may come from another goroutine while the PIN is on its way to the card. ok is
// false when there is none.
func (v *PINs) PIN(job string, class juki.PINClass) (pin secret.Bytes, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	kept, ok := v.jobs[job][class]
	if !ok {
		return secret.Bytes{}, false
	}
	err := kept.Lend(func(b []byte) error {
		pin = secret.New(b)
		hold(pin)
		return nil
	})
	return pin, err == nil
}

// Has reports whether PINs of the job are here, though it be none of them: a card
// without holder PINs has an empty set.
func (v *PINs) Has(job string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.jobs[job]
	return ok
}

// Drop destroys the PINs of a job; without any it does nothing.
func (v *PINs) Drop(job string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.jobs[job].Destroy()
	delete(v.jobs, job)
}

// Close destroys all PINs.
func (v *PINs) Close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for job, pins := range v.jobs {
		pins.Destroy()
		delete(v.jobs, job)
	}
}

// String tells how many jobs there are, and nothing of their PINs.
func (v *PINs) String() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return fmt.Sprintf("PINs of %d jobs", len(v.jobs))
}

// hold asks that a PIN's page stays out of the swap area. It is best effort: the
// limit may be reached (RLIMIT_MEMLOCK), and the system may have no such call. The
// page is not released afterwards, for a neighbour on it may be another PIN; the
// collector uses it again, so that few pages are ever locked.
func hold(pin secret.Bytes) {
	_ = pin.Lend(lock) // best effort, see above
}
