package remote

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jukicard/highwater"
	"jukicard/pki"
	"jukicard/pki/pkitest"
)

var today = time.Date(2026, 4, 1, 9, 30, 0, 0, pki.JST)

// wire is a Line whose answers a test writes down beforehand.
type wire struct {
	issuer   *pkitest.Issuer
	enroll   []func(q Question) (Reply, error) // one for each question; then issues
	confirms []error                           // one for each confirmation; then nil
	asked    []Question
}

func (w *wire) Enroll(_ context.Context, q Question) (Reply, error) {
	w.asked = append(w.asked, q)
	if len(w.enroll) > 0 {
		answer := w.enroll[0]
		w.enroll = w.enroll[1:]
		return answer(q)
	}
	return w.issue(q)
}

func (w *wire) issue(q Question) (Reply, error) {
	cert, err := w.issuer.Issue(q.Template)
	if err != nil {
		return Reply{}, err
	}
	return Reply{DER: cert.Raw, Token: []byte("token")}, nil
}

func (w *wire) Confirm(context.Context, Question, Reply, error) error {
	if len(w.confirms) == 0 {
		return nil
	}
	err := w.confirms[0]
	w.confirms = w.confirms[1:]
	return err
}

func (w *wire) Issuers(context.Context) ([]*x509.Certificate, error) { return w.issuer.CAs(), nil }

func fails(err error) func(Question) (Reply, error) {
	return func(Question) (Reply, error) { return Reply{}, err }
}

func newWire(t *testing.T, enroll ...func(Question) (Reply, error)) *wire {
	return &wire{issuer: pkitest.NewIssuer(t, pki.Lab(), today), enroll: enroll}
}

func connect(t *testing.T, w *wire, dir string, repeats bool) *Authority {
	t.Helper()
	a, err := Open(t.Context(), Config{
		Line: w, Dir: dir, Hierarchy: pki.Lab(), Repeats: repeats, Now: func() time.Time { return today },
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func request(t *testing.T) pki.Request {
	return pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today)
}

var errLost = errors.New("the answer is lost")

// Each row is what becomes of the second asking for one ID, after what became of the first.
func TestAskedTwice(t *testing.T) {
	lost := func(w *wire) func(Question) (Reply, error) {
		return func(q Question) (Reply, error) { _, _ = w.issue(q); return Reply{}, errLost }
	}
	tests := []struct {
		name    string
		first   func(w *wire) func(Question) (Reply, error)
		repeats bool
		want    error // of the second; nil: a certificate
		asked   int   // questions in all
		attempt int   // of the last question
		made    int   // certificates in all
	}{
		{"answered", func(w *wire) func(Question) (Reply, error) { return w.issue }, false, nil, 1, 0, 1},
		{"refused", func(*wire) func(Question) (Reply, error) { return fails(&Refusal{"no"}) }, false, nil, 2, 1, 1},
		{"not sent", func(*wire) func(Question) (Reply, error) { return fails(ErrNotSent) }, false, nil, 2, 0, 1},
		{"not taken", func(*wire) func(Question) (Reply, error) { return fails(ErrNotTaken) }, false, nil, 2, 0, 1},
		{"lost", lost, false, pki.ErrDoubt, 1, 0, 1},
		{"lost, and it may be asked twice", lost, true, nil, 2, 0, 2}, // this wire issues each time; that it does not is the other side's word
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, dir := newWire(t), t.TempDir()
			w.enroll = []func(Question) (Reply, error){tt.first(w)}
			a := connect(t, w, dir, tt.repeats)
			_, _ = a.Certify(t.Context(), request(t))
			_ = a.Close()
			a = connect(t, w, dir, tt.repeats)
			if _, err := a.Certify(t.Context(), request(t)); !errors.Is(err, tt.want) {
				t.Errorf("want %v, got %v", tt.want, err)
			}
			if last := w.asked[len(w.asked)-1]; len(w.asked) != tt.asked || last.Attempt != tt.attempt || len(w.issuer.Issued()) != tt.made {
				t.Errorf("%d questions, the last of attempt %d, %d certificates", len(w.asked), last.Attempt, len(w.issuer.Issued()))
			}
		})
	}
}

// A question whose answer was lost is asked again, and that asking does not settle what became
// of the first: neither a refusal nor a failure to reach anybody makes the next question
// another one, for which there would be a second certificate.
func TestTheSecondAskingSettlesNothing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		second error
		want   error
	}{
		{"refused", &Refusal{"the station is not known"}, pki.ErrDoubt},
		{"not taken", ErrNotTaken, ErrNotTaken},
		{"not sent", ErrNotSent, ErrNotSent},
		{"lost", errLost, pki.ErrDoubt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWire(t)
			var made Reply
			w.enroll = []func(Question) (Reply, error){
				func(q Question) (Reply, error) { made, _ = w.issue(q); return Reply{}, errLost },
				fails(tt.second),
				func(Question) (Reply, error) { return made, nil },
			}
			a := connect(t, w, t.TempDir(), true)
			for _, want := range []error{pki.ErrDoubt, tt.want} {
				if _, err := a.Certify(t.Context(), request(t)); !errors.Is(err, want) {
					t.Errorf("want %v, got %v", want, err)
				}
			}
			cert, err := a.Certify(t.Context(), request(t))
			if err != nil || !bytes.Equal(cert.Raw, made.DER) || w.asked[2].Attempt != 0 {
				t.Errorf("the third asking, of attempt %d: %v", w.asked[2].Attempt, err)
			}
		})
	}
}

// An authority that is busy while a question waits with it still has the question.
func TestABusyAuthorityKeepsAQuestion(t *testing.T) {
	w := newWire(t, fails(&Wait{After: time.Hour, Token: []byte("one")}), fails(ErrNotTaken))
	a := connect(t, w, t.TempDir(), false)
	_, _ = a.Certify(t.Context(), request(t))
	if _, err := a.Certify(t.Context(), request(t)); !errors.Is(err, ErrNotTaken) || errors.Is(err, pki.ErrDoubt) {
		t.Errorf("want ErrNotTaken, got %v", err)
	}
	if _, err := a.Certify(t.Context(), request(t)); err != nil {
		t.Fatal(err)
	}
	if last := w.asked[2]; last.Attempt != 0 || string(last.Token) != "one" {
		t.Errorf("it went on with attempt %d, token %q", last.Attempt, last.Token)
	}
}

// What goes out a second time is the first question, bit for bit, whatever the caller says
// by then and however the card signed.
func TestTheSameQuestion(t *testing.T) {
	w := newWire(t, fails(errLost))
	a := connect(t, w, t.TempDir(), true)
	_, _ = a.Certify(t.Context(), request(t))
	other := request(t)
	other.NotAfter = other.NotAfter.AddDate(0, 0, -1)
	if _, err := a.Certify(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	first, second := w.asked[0], w.asked[1]
	if !bytes.Equal(first.CSR, second.CSR) || !bytes.Equal(first.Template, second.Template) {
		t.Error("another question went out")
	}
}

// A wait keeps what the Line left for the next question, through a restart.
func TestWaitKeepsItsToken(t *testing.T) {
	w, dir := newWire(t, fails(&Wait{After: time.Hour, Token: []byte("one")})), t.TempDir()
	a := connect(t, w, dir, false)
	if _, err := a.Certify(t.Context(), request(t)); !errors.Is(err, pki.ErrWaiting) {
		t.Fatalf("want ErrWaiting, got %v", err)
	}
	_ = a.Close()
	a = connect(t, w, dir, false)
	if _, err := a.Certify(t.Context(), request(t)); err != nil {
		t.Fatal(err)
	}
	if len(w.asked) != 2 || string(w.asked[1].Token) != "one" {
		t.Errorf("%d questions, the last with token %q", len(w.asked), w.asked[len(w.asked)-1].Token)
	}
}

func TestSettle(t *testing.T) {
	w, dir := newWire(t), t.TempDir()
	w.enroll = []func(Question) (Reply, error){func(q Question) (Reply, error) { _, _ = w.issue(q); return Reply{}, errLost }}
	a := connect(t, w, dir, false)
	if _, err := a.Certify(t.Context(), request(t)); !errors.Is(err, pki.ErrDoubt) {
		t.Fatalf("want ErrDoubt, got %v", err)
	}
	made := w.issuer.Issued()[0]
	doubts, err := a.Doubts(t.Context())
	if err != nil || len(doubts) != 1 {
		t.Fatalf("%v, %v", doubts, err)
	}
	d := doubts[0]
	if d.ID != "job-1" || d.State != "asked" || d.Subject != made.Subject.CommonName || !bytes.Equal(d.Key, made.SubjectKeyId) || !d.Asked.Equal(today) || !strings.Contains(d.Note, "lost") {
		t.Errorf("got %+v", d)
	}
	var objection *pki.Objection
	for name, found := range map[string][]byte{"a CA's": w.issuer.CAs()[0].Raw, "none": []byte("x")} {
		if err := a.Settle(t.Context(), "job-1", found); !errors.As(err, &objection) {
			t.Errorf("settled with %s certificate: %v", name, err)
		}
	}
	for _, id := range []string{"", "job-2"} {
		if err := a.Settle(t.Context(), id, nil); !errors.Is(err, ErrNoDoubt) {
			t.Errorf("%q: want ErrNoDoubt, got %v", id, err)
		}
	}
	t.Run("nothing was issued", func(t *testing.T) {
		copied := copyDir(t, dir)
		b := connect(t, w, copied, false)
		if err := b.Settle(t.Context(), "job-1", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Certify(t.Context(), request(t)); err != nil {
			t.Error(err)
		}
		if last := w.asked[len(w.asked)-1]; last.Attempt != 1 {
			t.Errorf("the next question is attempt %d", last.Attempt)
		}
	})
	if err := a.Settle(t.Context(), "job-1", made.Raw); err != nil {
		t.Fatal(err)
	}
	if cert, err := a.Certify(t.Context(), request(t)); err != nil || !cert.Equal(made) {
		t.Errorf("settled with a certificate, and it is another: %v", err)
	}
	if err := a.Settle(t.Context(), "job-1", nil); !errors.Is(err, ErrNoDoubt) {
		t.Errorf("settled twice: want ErrNoDoubt, got %v", err)
	}
}

func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to, keyName), 0o600); err != nil { // CopyFS adds rights
		t.Fatal(err)
	}
	return to
}

// A confirmation that is not acknowledged is told again, and the certificate kept.
func TestConfirmedTwice(t *testing.T) {
	w := newWire(t)
	w.confirms = []error{errLost}
	a := connect(t, w, t.TempDir(), false)
	if _, err := a.Certify(t.Context(), request(t)); !errors.Is(err, pki.ErrDoubt) {
		t.Fatalf("want ErrDoubt, got %v", err)
	}
	if doubts, err := a.Doubts(t.Context()); err != nil || doubts[0].State != "received" {
		t.Errorf("%+v, %v", doubts, err)
	}
	if cert, err := a.Certify(t.Context(), request(t)); err != nil || !cert.Equal(w.issuer.Issued()[0]) || len(w.asked) != 1 {
		t.Errorf("%v after %d questions", err, len(w.asked))
	}
}

// An authority that says afterwards that the certificate is not valid has refused.
func TestConfirmationIsRefused(t *testing.T) {
	w := newWire(t)
	w.confirms = []error{&Refusal{"taken back"}}
	a := connect(t, w, t.TempDir(), false)
	var refusal *Refusal
	if _, err := a.Certify(t.Context(), request(t)); !errors.As(err, &refusal) {
		t.Fatalf("want a refusal, got %v", err)
	}
	if err := a.TakeBack(t.Context(), w.issuer.Issued()[0].SerialNumber, pki.Superseded, nil); !errors.Is(err, pki.ErrUnknownSerial) {
		t.Errorf("a certificate that is none: got %v", err)
	}
	if _, err := a.Certify(t.Context(), request(t)); err != nil || len(w.asked) != 2 {
		t.Errorf("%v after %d questions", err, len(w.asked))
	}
}

func TestCertificates(t *testing.T) {
	w := newWire(t)
	a := connect(t, w, t.TempDir(), false)
	cert, err := a.Certify(t.Context(), request(t))
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	send := func(ca *x509.Certificate) error {
		sent++
		return w.issuer.Revoke(ca.RawSubject, cert.SerialNumber, pki.KeyCompromise)
	}
	if err := a.TakeBack(t.Context(), cert.SerialNumber, pki.KeyCompromise, send); err != nil {
		t.Fatal(err)
	}
	if err := a.TakeBack(t.Context(), cert.SerialNumber, pki.KeyCompromise, send); err != nil || sent != 1 {
		t.Errorf("again: %v, sent %d times", err, sent)
	}
	all, err := a.Certificates(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	if c := all[0]; c.ID != "job-1" || c.Purpose != pki.Signature || c.Serial.Cmp(cert.SerialNumber) != 0 || !bytes.Equal(c.DER, cert.Raw) || c.Reason != pki.KeyCompromise || !c.Revoked.Equal(today) {
		t.Errorf("got %s %s, revoked %v for %v", c.ID, c.Purpose, c.Revoked, c.Reason)
	}
	for _, n := range []*big.Int{nil, big.NewInt(0), big.NewInt(1)} {
		if err := a.TakeBack(t.Context(), n, pki.Superseded, send); !errors.Is(err, pki.ErrUnknownSerial) {
			t.Errorf("%v: want ErrUnknownSerial, got %v", n, err)
		}
	}
}

// A hold that becomes final keeps its day; the authority is told of both, each once.
func TestAHoldThatBecomesFinalKeepsItsDay(t *testing.T) {
	a := connect(t, newWire(t), t.TempDir(), false)
	cert, err := a.Certify(t.Context(), request(t))
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	send := func(*x509.Certificate) error { sent++; return nil }
	for days, why := range []pki.Reason{pki.CertificateHold, pki.CessationOfOperation, pki.CessationOfOperation} {
		a.ledger.now = func() time.Time { return today.AddDate(0, 0, days) }
		if err := a.TakeBack(t.Context(), cert.SerialNumber, why, send); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := a.Certificates(t.Context()); err != nil || !all[0].Revoked.Equal(today) || all[0].Reason != pki.CessationOfOperation || sent != 2 {
		t.Errorf("revoked %v for %v, told %d times, %v", all[0].Revoked, all[0].Reason, sent, err)
	}
	if err := a.TakeBack(t.Context(), cert.SerialNumber, pki.CertificateHold, send); !errors.Is(err, pki.ErrRevoked) {
		t.Errorf("a final one on hold: want ErrRevoked, got %v", err)
	}
}

// The record of a person's data is sealed, and one that is not the newest is refused.
func TestTheRecordIsGuarded(t *testing.T) {
	w, dir := newWire(t), t.TempDir()
	a := connect(t, w, dir, false)
	if _, err := a.Certify(t.Context(), request(t)); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	old := copyDir(t, dir)
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) < 3 {
		t.Fatalf("%v, %v", names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if h := pkitest.Person(); bytes.Contains(b, []byte(h.Name)) || bytes.Contains(b, []byte(h.Address)) || bytes.Contains(b, []byte(h.City)) {
			t.Errorf("%s tells the holder's data", filepath.Base(name))
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s", filepath.Base(name))
		}
	}
	open := func(dir string) error {
		b, err := Open(t.Context(), Config{Line: w, Dir: dir, Hierarchy: pki.Lab()})
		if err == nil {
			_ = b.Close()
		}
		return err
	}
	damage := map[string]struct {
		do   func(dir string) error
		says string
	}{
		"as it was":               {func(string) error { return nil }, ""},
		"without its key":         {func(dir string) error { return os.Remove(filepath.Join(dir, keyName)) }, "requests.key"},
		"with another key":        {func(dir string) error { return os.WriteFile(filepath.Join(dir, keyName), make([]byte, sizeKey), 0o600) }, "not the one"},
		"with a short key":        {func(dir string) error { return os.WriteFile(filepath.Join(dir, keyName), []byte("x"), 0o600) }, "want 32 bytes"},
		"with a key others read":  {func(dir string) error { return os.Chmod(filepath.Join(dir, keyName), 0o644) }, "others may read"},
		"without its database":    {func(dir string) error { return os.Remove(filepath.Join(dir, databaseName)) }, highwater.ErrLost.Error()},
		"with another's database": {func(dir string) error { return os.WriteFile(filepath.Join(dir, databaseName), []byte("x"), 0o600) }, "database"},
	}
	for name, d := range damage {
		t.Run(name, func(t *testing.T) {
			dir := copyDir(t, old)
			if err := d.do(dir); err != nil {
				t.Fatal(err)
			}
			if err := open(dir); (err == nil) != (d.says == "") || err != nil && !strings.Contains(err.Error(), d.says) {
				t.Errorf("want %q, got %v", d.says, err)
			}
		})
	}
	t.Run("an older copy", func(t *testing.T) {
		b := connect(t, w, dir, false)
		if _, err := b.Certify(t.Context(), pkitest.Request(t, "job-2", pki.Signature, pkitest.NewCard(t, 1), today)); err != nil {
			t.Fatal(err)
		}
		_ = b.Close()
		for _, name := range []string{databaseName, databaseName + "-wal"} {
			text, err := os.ReadFile(filepath.Join(old, name))
			if errors.Is(err, os.ErrNotExist) {
				_ = os.Remove(filepath.Join(dir, name))
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := open(dir); !errors.Is(err, highwater.ErrLost) {
			t.Errorf("want ErrLost, got %v", err)
		}
	})
}

// CAs that will not do are not remembered: when the authority has new ones, they are found.
func TestIssuersThatWillNotDoAreAskedForAgain(t *testing.T) {
	w := newWire(t)
	good := w.issuer
	w.issuer = pkitest.NewIssuer(t, pki.Lab(), today.AddDate(-11, 0, 0))
	a := connect(t, w, t.TempDir(), false)
	var objection *pki.Objection
	if _, err := a.CA(t.Context(), pki.Signature); !errors.As(err, &objection) || objection.Part != "validity" {
		t.Errorf("expired ones: got %v", err)
	}
	w.issuer = good
	if _, err := a.CA(t.Context(), pki.Signature); err != nil {
		t.Errorf("new ones: %v", err)
	}
}

// Callers with one ID wait for each other, and one that is tired goes.
func TestHold(t *testing.T) {
	a := connect(t, newWire(t), t.TempDir(), false)
	free, err := a.hold(t.Context(), "job-1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.hold(ctx, "job-1"); !errors.Is(err, context.Canceled) {
		t.Errorf("want context.Canceled, got %v", err)
	}
	free()
	again, err := a.hold(ctx, "job-1")
	if err != nil {
		t.Fatal(err)
	}
	again()
}
