// Package remote is what every authority over a network needs beside its protocol: a
// durable record of what was asked, so that no request ID ever has two certificates.
//
// pki.Authority promises that the same ID asked again is the same certificate. Neither
// EST (RFC 7030) nor CMP (RFC 9810) makes that promise, and any answer can be lost. So a
// question is recorded before it goes out, the answer before it is given on, and a known ID
// is answered from the record. A question that went out and whose answer is not known is
// in doubt:
//
//   - Where the protocol lets the same question be asked twice ([Line], Repeats), it is
//     asked again, bit for bit as it was.
//   - Elsewhere it is never asked again. Certify says pki.ErrDoubt until a person who has
//     looked at the authority settles it: nothing was issued, or this certificate was
//     ([Authority.Settle]).
//
// The record is one SQLite database in a folder of its own (WAL, synchronous=FULL), what it
// holds of people sealed under a key in a file beside it (0600). Who reads both reads
// holders' data; who loses them can issue under no ID that was used before, and must revoke
// at the authority itself.
//
// It leaves out: the wire, which is a Line's (packages est and cmp), and rollover of CAs.
package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"jukicard/pki"
)

// Question is what an authority is asked. It holds the holder's data.
type Question struct {
	ID       string      // the request's
	Attempt  int         // how often the authority has refused the ID before
	Purpose  pki.Purpose // which certificate
	CSR      []byte      // PKCS #10 in DER, signed by the card
	Template []byte      // the whole of what is wanted: CertTemplate of RFC 4211 in DER
	Token    []byte      // what the Line left with its last Wait; nil when there was none
}

// Reply is a certificate as it came.
type Reply struct {
	DER   []byte // the certificate
	Token []byte // what Confirm needs; nil when nothing is to be confirmed
}

// Line carries questions to an authority. Its methods may be called by several goroutines,
// though never for one ID at once.
type Line interface {
	// Enroll asks once. A *Wait says that the authority has taken the question and wants
	// to be asked again; a *Refusal that it answered and issued nothing; ErrNotSent that it
	// was not reached, ErrNotTaken that it did not look at the question. After any other
	// error nobody knows.
	Enroll(ctx context.Context, q Question) (Reply, error)
	// Confirm tells the authority that a certificate was taken, or why not, where the
	// protocol has such a message. It may be told twice. A *Refusal says that by the
	// authority's own word the certificate is not valid: it had it back, or takes it back.
	Confirm(ctx context.Context, q Question, r Reply, objection error) error
	// Issuers are the authority's own certificates, in any order.
	Issuers(ctx context.Context) ([]*x509.Certificate, error)
}

// Wait is an authority that takes its time.
type Wait struct {
	After time.Duration // before it is asked again
	Token []byte        // kept for the next Question
}

// Error implements error.
func (w *Wait) Error() string { return fmt.Sprintf("%v; it asks for %v", pki.ErrWaiting, w.After) }

// Refusal is an authority that answered and issued nothing. Its words are the authority's,
// shortened and printable.
type Refusal struct{ Why string }

// Error implements error.
func (r *Refusal) Error() string { return "the authority refuses: " + r.Why }

var (
	// ErrNotSent: not a byte of the question left.
	ErrNotSent = errors.New("the authority cannot be reached")
	// ErrNotTaken: the authority says that it does not look at questions now. That tells
	// nothing of a question that it was asked before.
	ErrNotTaken = errors.New("the authority takes no questions now")
)

// Config is what an Authority works with.
type Config struct {
	Line      Line
	Dir       string // of the record; made when missing
	Hierarchy pki.Hierarchy
	// Repeats says that the authority, asked the same question twice, issues once.
	Repeats bool
	// Issuers are the CA certificates to believe in. Where there are none, those that the
	// Line gives are believed, as far as the Line is.
	Issuers []*x509.Certificate
	// Patience is how long Certify waits for an authority that takes its time; 30 s when zero.
	Patience time.Duration
	Now      func() time.Time                           // nil: time.Now
	Pause    func(context.Context, time.Duration) error // between two questions; nil really waits
}

// Authority is a pki.Authority over a Line.
type Authority struct {
	c      Config
	ledger *ledger

	mu      sync.Mutex
	busy    map[string]chan struct{} // closed when the ID is free again
	issuers []*x509.Certificate      // as the Line gave them
	until   time.Time                // when they are asked for again
}

var _ pki.Authority = (*Authority)(nil)

const (
	patience  = 30 * time.Second
	issuerAge = time.Hour // how long the Line's issuers are remembered
	waitMin   = time.Second
)

// Open opens the record and asks nobody anything.
func Open(ctx context.Context, c Config) (*Authority, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Pause == nil {
		c.Pause = pause
	}
	if c.Patience == 0 {
		c.Patience = patience
	}
	l, err := openLedger(ctx, c.Dir, c.Now)
	if err != nil {
		return nil, fmt.Errorf("cannot open the record of requests %s: %w", c.Dir, err)
	}
	return &Authority{c: c, ledger: l, busy: map[string]chan struct{}{}}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Close closes the record. Nothing is lost without it.
func (a *Authority) Close() error { return a.ledger.close() }

// CA implements pki.Authority: of the issuers that are a CA of this hierarchy for the
// purpose and valid now, the youngest, for all generations share one name.
func (a *Authority) CA(ctx context.Context, p pki.Purpose) (*x509.Certificate, error) {
	all, err := a.candidates(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot find a CA: %w", err)
	}
	var best *x509.Certificate
	objection := errors.New("the authority has no certificate of its own") // or what keeps the one of this name out
	var named bool
	for _, c := range all {
		if err := a.c.Hierarchy.JudgeCA(c, p, a.c.Now()); err != nil {
			var o *pki.Objection
			if other := errors.As(err, &o) && o.Part == "subject"; !other || !named {
				objection, named = err, !other
			}
		} else if best == nil || c.NotBefore.After(best.NotBefore) {
			best = c
		}
	}
	if best == nil {
		a.forget() // it may have better ones before these are an hour old
		return nil, fmt.Errorf("cannot find a CA for %q: of %d certificates none will do: %w", string(p), len(all), objection)
	}
	return best, ctx.Err()
}

// forget has the Line asked again for its issuers.
func (a *Authority) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.issuers = nil
}

func (a *Authority) candidates(ctx context.Context) ([]*x509.Certificate, error) {
	if len(a.c.Issuers) > 0 {
		return a.c.Issuers, nil
	}
	a.mu.Lock()
	known, until := a.issuers, a.until
	a.mu.Unlock()
	if known != nil && a.c.Now().Before(until) {
		return known, nil
	}
	all, err := a.c.Line.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.issuers, a.until = all, a.c.Now().Add(issuerAge)
	a.mu.Unlock()
	return all, nil
}

// Certify implements pki.Authority. Beside its errors it gives pki.ErrDoubt,
// pki.ErrWaiting, a *Refusal, ErrNotSent, ErrNotTaken, and a *pki.Objection where the answer is no
// certificate of this key by this CA. A certificate of it that is otherwise not what was
// asked for is recorded and given on: it exists, and the caller, who judges it, must have
// it to take it back.
func (a *Authority) Certify(ctx context.Context, r pki.Request) (*x509.Certificate, error) {
	csr, err := pki.VerifyCSR(r.CSR)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	key := sha256.Sum256(csr.RawSubjectPublicKeyInfo)
	free, err := a.hold(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	defer free()
	e, err := a.ledger.find(ctx, r.ID, r.Purpose, key[:])
	if err != nil {
		return nil, fmt.Errorf("cannot certify: %w", err)
	}
	if e.state != answered {
		if err := a.ask(ctx, r, key[:], &e); err != nil {
			return nil, err
		}
	}
	return x509.ParseCertificate(e.reply.DER)
}

// hold keeps other callers with the same ID waiting.
func (a *Authority) hold(ctx context.Context, id string) (free func(), err error) {
	for {
		a.mu.Lock()
		before, taken := a.busy[id]
		if !taken {
			mine := make(chan struct{})
			a.busy[id] = mine
			a.mu.Unlock()
			return func() {
				a.mu.Lock()
				delete(a.busy, id)
				a.mu.Unlock()
				close(mine)
			}, nil
		}
		a.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-before:
		}
	}
}

// ask brings a request that has no answer as far as it goes.
func (a *Authority) ask(ctx context.Context, r pki.Request, key []byte, e *entry) error {
	ca, err := a.CA(ctx, r.Purpose)
	if err != nil {
		return err
	}
	switch {
	case e.state == unknown || e.state == refused:
		// Rules first, so that a request that breaks one leaves no trace.
		template, err := a.c.Hierarchy.CertTemplate(r, ca)
		if err != nil {
			return err
		}
		q := Question{ID: r.ID, Attempt: e.question.Attempt, Purpose: r.Purpose, CSR: r.CSR, Template: template}
		if err := a.ledger.begin(ctx, q, key); err != nil {
			return fmt.Errorf("cannot certify: %w", err)
		}
		e.question = q
	case e.state == asked && !a.c.Repeats:
		return fmt.Errorf("cannot certify %s: %w; %s", r.ID, pki.ErrDoubt, e.note)
	}
	return a.finish(ctx, ca, e)
}

// finish asks until there is an answer, and records what came of it.
func (a *Authority) finish(ctx context.Context, ca *x509.Certificate, e *entry) error {
	if e.state != received {
		reply, err := a.enroll(ctx, e)
		var refusal *Refusal
		if e.state == asked && errors.As(err, &refusal) {
			// That this asking is refused says nothing of the one before, which is in doubt: who
			// refuses may never have looked whether it knows the question.
			err = fmt.Errorf("asked again, %v", refusal)
		}
		if err != nil {
			return a.failed(e, err)
		}
		e.reply = reply
	}
	objection := fits(e.reply.DER, e.question, ca)
	if objection == nil && e.state != received {
		if err := a.ledger.receive(context.WithoutCancel(ctx), e.question.ID, e.reply); err != nil {
			return fmt.Errorf("cannot certify: %w", err)
		}
		e.state = received
	}
	if err := a.c.Line.Confirm(ctx, e.question, e.reply, objection); err != nil {
		return a.failed(e, errors.Join(objection, err))
	}
	if objection != nil {
		return a.failed(e, objection)
	}
	if err := a.ledger.answer(context.WithoutCancel(ctx), e.question.ID); err != nil {
		return fmt.Errorf("cannot certify: %w", err)
	}
	return nil
}

// enroll asks, and asks again while the authority says so and patience lasts.
func (a *Authority) enroll(ctx context.Context, e *entry) (Reply, error) {
	for left := a.c.Patience; ; {
		reply, err := a.c.Line.Enroll(ctx, e.question)
		var wait *Wait
		if !errors.As(err, &wait) {
			return reply, err
		}
		e.question.Token = wait.Token
		if err := a.ledger.wait(context.WithoutCancel(ctx), e.question); err != nil {
			return Reply{}, err
		}
		e.state = waiting
		after := max(wait.After, waitMin)
		if left -= after; left < 0 {
			return Reply{}, err
		}
		if stopped := a.c.Pause(ctx, after); stopped != nil {
			return Reply{}, errors.Join(wait, stopped)
		}
	}
}

// failed records what is known after an error and says it.
func (a *Authority) failed(e *entry, err error) error {
	var (
		refusal *Refusal
		wait    *Wait
		id      = e.question.ID
		store   = context.Background() // the caller may be gone; what is known is kept
		kept    error
	)
	fresh := e.state == unknown || e.state == refused
	outside := errors.Is(err, ErrNotSent) || errors.Is(err, ErrNotTaken) // the question was not looked at
	switch {
	case errors.As(err, &refusal), outside && fresh:
		kept = a.ledger.refuse(store, id, refusal != nil, err.Error())
	case errors.As(err, &wait):
		err = fmt.Errorf("%w: %w", pki.ErrWaiting, err)
	case outside: // and of what was before nobody knows more
	default:
		kept = a.ledger.doubt(store, id, err.Error())
		err = fmt.Errorf("%w: %w", pki.ErrDoubt, err)
	}
	return errors.Join(fmt.Errorf("cannot certify %s: %w", id, err), kept)
}

// fits says whether an answer is a certificate of the question's key by ca. More the caller
// judges.
func fits(der []byte, q Question, ca *x509.Certificate) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return &pki.Objection{Part: "encoding", Rule: "must be one X.509 certificate in DER"}
	}
	csr, err := pki.VerifyCSR(q.CSR)
	if err != nil {
		return err
	}
	if !bytes.Equal(cert.RawSubjectPublicKeyInfo, csr.RawSubjectPublicKeyInfo) {
		return &pki.Objection{Part: "public key", Rule: "must be the one in the request"}
	}
	if !bytes.Equal(cert.RawIssuer, ca.RawSubject) || cert.CheckSignatureFrom(ca) != nil {
		return &pki.Objection{Part: "signature", Rule: "must verify under the CA"}
	}
	return nil
}
