package faults

import (
	"context"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"

	"jukicard/pki"
)

// Outage is what goes wrong with one call of the authority.
type Outage uint8

// The outages: the call never arrives, or it does and its answer is lost.
const (
	NoOutage Outage = iota
	Unreached
	AnswerLost
	outages
)

var outageNames = [...]string{"none", "unreached", "answer lost"}

// String is the outage in words.
func (o Outage) String() string { return outageNames[o] }

// authority is what the registry stands in front of.
type authority interface {
	pki.Authority
	pki.Revoker
}

// registry stands between station and authority: it loses calls and answers, and notes
// what the authority really did. Its notes are what certificates are counted by.
type registry struct {
	authority

	mu      sync.Mutex
	outages []Outage         // of the calls to come, in turn
	made    map[string]*made // by serial number
	doubles map[string]int   // by order: certificates that came while another was valid
}

// made is one certificate the authority gave out.
type made struct {
	order   string
	purpose pki.Purpose
	cert    *x509.Certificate
	revoked bool
}

var errOutage = errors.New("the authority cannot be reached")

func newRegistry(a authority) *registry {
	return &registry{authority: a, made: map[string]*made{}, doubles: map[string]int{}}
}

// turn takes the next outage.
func (r *registry) turn() Outage {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.outages) == 0 {
		return NoOutage
	}
	o := r.outages[0]
	r.outages = r.outages[1:]
	return o
}

// expect sets the outages of the calls to come.
func (r *registry) expect(o []Outage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outages = slices.Clone(o)
}

// Certify asks the authority, notes the certificate, and may lose it.
func (r *registry) Certify(ctx context.Context, req pki.Request) (*x509.Certificate, error) {
	outage := r.turn()
	if outage == Unreached {
		return nil, errOutage
	}
	cert, err := r.authority.Certify(ctx, req)
	if err == nil {
		r.note(req, cert)
	}
	if outage == AnswerLost {
		return nil, errOutage
	}
	return cert, err
}

func (r *registry) note(req pki.Request, cert *x509.Certificate) {
	order, _, _ := strings.Cut(req.ID, "/")
	r.mu.Lock()
	defer r.mu.Unlock()
	serial := cert.SerialNumber.Text(16)
	if r.made[serial] != nil {
		return
	}
	for _, other := range r.made {
		if other.order == order && other.purpose == req.Purpose && !other.revoked {
			r.doubles[order]++
			break
		}
	}
	r.made[serial] = &made{order: order, purpose: req.Purpose, cert: cert}
}

// Revoke takes back, and may lose the call or the answer.
func (r *registry) Revoke(ctx context.Context, serial *big.Int, why pki.Reason) error {
	outage := r.turn()
	if outage == Unreached {
		return errOutage
	}
	err := r.authority.Revoke(ctx, serial, why)
	if err == nil {
		r.mu.Lock()
		if m := r.made[serial.Text(16)]; m != nil {
			m.revoked = true
		}
		r.mu.Unlock()
	}
	if outage == AnswerLost {
		return errOutage
	}
	return err
}

// live are the certificates of an order that were given out and not taken back, by
// purpose.
func (r *registry) live(order string) map[pki.Purpose][]*x509.Certificate {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[pki.Purpose][]*x509.Certificate{}
	for _, m := range r.made {
		if m.order == order && !m.revoked {
			out[m.purpose] = append(out[m.purpose], m.cert)
		}
	}
	return out
}

// forget drops the notes about an order that is done with.
func (r *registry) forget(order string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for serial, m := range r.made {
		if m.order == order {
			delete(r.made, serial)
		}
	}
	delete(r.doubles, order)
}

// doublesOf is how many certificates of an order came while another of the same purpose
// was valid.
func (r *registry) doublesOf(order string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.doubles[order]
}
