package station

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/plan"
	"jukicard/pki"
	"jukicard/reader"
)

// facts are what an outcome tells later steps.
type facts = map[string]string

// Names of facts.
const (
	factRequest = issue.FactRequest // PKCS #10, base64
	factLength  = issue.FactLength  // of a certificate, bytes
	factSerial  = issue.FactSerial  // hex
	factSHA256  = issue.FactSHA256  // of a certificate, hex
)

// operations carry out one step each. What a step may send is in the step; none
// repeats a command.
var operations = map[plan.Op]func(*run, context.Context, plan.Step) (facts, error){
	plan.Open:     (*run).openChannel,
	plan.ReadKey:  (*run).readKey,
	plan.Generate: (*run).generate,
	plan.Request:  (*run).request,
	plan.Certify:  (*run).certify,
	plan.Update:   (*run).update,
	plan.Compare:  (*run).compare,
	plan.SetPIN:   (*run).setPIN,
	plan.ProvePIN: (*run).provePIN,
	plan.Put:      (*run).put,
	plan.Lock:     (*run).lock,
	plan.Confirm:  (*run).confirm,
	plan.Print:    (*run).print,
	plan.Identify: (*run).identify,
	plan.Note:     (*run).note,
}

// perform carries out a step.
func (r *run) perform(ctx context.Context, s plan.Step) (facts, error) {
	op, ok := operations[s.Op]
	if !ok {
		return nil, failure.New(failure.StationContent, fmt.Sprintf("operation %q", s.Op), nil)
	}
	return op(r, ctx, s)
}

func (r *run) openChannel(ctx context.Context, s plan.Step) (facts, error) {
	return nil, r.card.session.Open(ctx, s.On, r.c.Keys)
}

// readKey learns a key that is there. The maker's proves itself at once: nobody asks
// for a certificate of it, and what the card holds of it is written into three files.
func (r *run) readKey(ctx context.Context, s plan.Step) (facts, error) {
	pub, err := r.card.session.PublicKey(ctx, s.On)
	learnt, err := r.learn(s.On, pub, err)
	if _, key, _ := r.profile.Key(s.On); err == nil && key.Made {
		err = r.prove(ctx, s.On, pub)
	}
	return learnt, err
}

// prove has the card sign something new with a key it told.
func (r *run) prove(ctx context.Context, on string, pub crypto.PublicKey) error {
	if err := pki.CheckKey(pub); err != nil {
		return failure.New(failure.CardKey, err.Error(), err)
	}
	var refused error
	err := pki.Prove(pub, func(data []byte) (signature []byte, err error) {
		signature, refused = r.signed(ctx, on, data)
		return signature, refused
	})
	if refused != nil {
		return refused
	}
	if err != nil {
		return failure.New(failure.CardHolderKeys, on, err)
	}
	return nil
}

// signed has a key of the card sign; what is no signature at all proves no key.
func (r *run) signed(ctx context.Context, on string, data []byte) ([]byte, error) {
	b, err := r.card.session.Sign(ctx, on, data)
	if errors.Is(err, card.ErrAnswer) {
		err = failure.New(failure.CardHolderKeys, err.Error(), err)
	}
	return b, err
}

func (r *run) generate(ctx context.Context, s plan.Step) (facts, error) {
	pub, err := r.card.session.Generate(ctx, s.On)
	return r.learn(s.On, pub, err)
}

// learn takes a public key the card told. A key this card already told under
// another name would be a card that makes the same key twice.
func (r *run) learn(on string, pub crypto.PublicKey, err error) (facts, error) {
	if errors.Is(err, card.ErrAnswer) {
		err = failure.New(failure.CardKey, err.Error(), err)
	}
	if err != nil {
		return nil, err
	}
	if k, isRSA := pub.(*rsa.PublicKey); isRSA && k.E != 65537 {
		return nil, failure.New(failure.CardKey, "its exponent is not 65537", nil)
	}
	name, text := told(pub)
	if known := r.machine.Fact(plan.StepID(plan.Generate, on), name); known != "" && known != text {
		return nil, failure.New(failure.CardKey, "it is not the key the card made before", nil)
	}
	for _, c := range certified(r.profile) {
		if _, other := told(r.dossier.book.Key(c.key)); c.key != on && other == text {
			return nil, failure.New(failure.CardKey, "the card made the same key twice", nil)
		}
	}
	r.dossier.book.SetKey(on, pub)
	return facts{name: text}, nil
}

// request has the card sign a certificate request: the proof that it holds the
// private key.
func (r *run) request(ctx context.Context, s plan.Step) (facts, error) {
	req, pub := r.dossier.requests[s.ID], r.dossier.book.Key(s.On)
	if pub == nil {
		return nil, failure.New(failure.StationContent, "no public key of "+s.On, nil)
	}
	var link error
	der, err := pki.NewCSR(pub, req.CommonName, func(data []byte) ([]byte, error) {
		var sig []byte
		sig, link = r.signed(ctx, s.On, data)
		return sig, link
	})
	if link != nil {
		return nil, link
	}
	if errors.Is(err, pki.ErrWeakKey) {
		return nil, failure.New(failure.CardKey, err.Error(), err)
	}
	if err != nil {
		return nil, failure.New(failure.CardHolderKeys, err.Error(), err)
	}
	return facts{factRequest: base64.StdEncoding.EncodeToString(der)}, nil
}

// certify asks the authority. Asking again with the same ID is safe: it answers
// with the same certificate.
func (r *run) certify(ctx context.Context, s plan.Step) (facts, error) {
	req := r.dossier.requests[s.From]
	der, err := base64.StdEncoding.DecodeString(r.machine.Fact(s.From, factRequest))
	if err != nil || len(der) == 0 {
		return nil, failure.New(failure.StationContent, "no request of "+s.From, err)
	}
	req.CSR = der
	cert, err := r.c.Authority.Certify(ctx, req)
	if err != nil {
		return nil, authorityFailure(err)
	}
	if err := r.c.Hierarchy.Judge(cert, req, r.dossier.ca[req.Purpose]); err != nil {
		return nil, failure.New(failure.PKICertificate, err.Error(), err)
	}
	r.dossier.book.SetCertificate(s.On, cert.Raw)
	return certificateFacts(cert), nil
}

// authorityFailure tells a doubt, which a person must settle, from what asking again may
// mend.
func authorityFailure(err error) error {
	if errors.Is(err, pki.ErrDoubt) {
		return failure.New(failure.PKIDoubt, err.Error(), err)
	}
	return failure.New(failure.PKIAuthority, err.Error(), err)
}

func certificateFacts(cert *x509.Certificate) facts {
	sum := sha256.Sum256(cert.Raw)
	return facts{
		factLength: strconv.Itoa(len(cert.Raw)), factSerial: cert.SerialNumber.Text(16), factSHA256: hex.EncodeToString(sum[:]),
	}
}

// content gives what a step writes or compares, and refuses whatever differs from
// the plan: the station sends only what the plan holds.
func (r *run) content(ctx context.Context, s plan.Step) ([]byte, error) {
	b, err := r.dossier.book.Bytes(ctx, s.On)
	if err != nil {
		return nil, failure.New(failure.StationContent, fmt.Sprintf("%s: %v", s.On, err), err)
	}
	if len(b) != s.Length {
		return nil, failure.New(failure.StationContent, fmt.Sprintf("%s has %d bytes, the plan says %d", s.On, len(b), s.Length), nil)
	}
	if s.Digest != "" && s.Digest != plan.Digest(r.dossier.material.DigestKey, b) {
		return nil, failure.New(failure.StationContent, s.On+" has another digest than the plan", nil)
	}
	return b, nil
}

func (r *run) update(ctx context.Context, s plan.Step) (facts, error) {
	b, err := r.content(ctx, s)
	if err != nil {
		return nil, err
	}
	return nil, r.card.session.Update(ctx, s.On, b, s.Offset, nil)
}

func (r *run) put(ctx context.Context, s plan.Step) (facts, error) {
	b, err := r.content(ctx, s)
	if err != nil {
		return nil, err
	}
	return nil, r.card.session.PutData(ctx, strings.TrimPrefix(s.On, plan.Domain+"/"), b)
}

// compare reads back through the channel and compares every byte. A certificate is then
// asked whose it is: the card's key signs something new, which the certificate as it was
// read must verify.
func (r *run) compare(ctx context.Context, s plan.Step) (facts, error) {
	want, err := r.content(ctx, s)
	if err != nil {
		return nil, err
	}
	got, err := r.readBack(ctx, s)
	if errors.Is(err, card.ErrAnswer) {
		err = failure.New(failure.CardDiffers, err.Error(), err)
	}
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(got, want) {
		return nil, failure.New(failure.CardDiffers, fmt.Sprintf("%s: %d bytes read, %d expected, first difference at %d", s.On, len(got), len(want), firstDifference(got, want)), nil)
	}
	return nil, r.challenge(ctx, s.On, got)
}

// challenge has the key of a holder's certificate prove itself by what the certificate on
// the card says it is. Of other contents it asks nothing.
func (r *run) challenge(ctx context.Context, on string, got []byte) error {
	at := slices.IndexFunc(r.dossier.wanted.Keys, func(k plan.KeyPair) bool { return k.Cert == on })
	if at < 0 {
		return nil
	}
	cert, err := x509.ParseCertificate(got)
	if err != nil {
		return failure.New(failure.CardDiffers, err.Error(), err)
	}
	return r.prove(ctx, r.dossier.wanted.Keys[at].On, cert.PublicKey)
}

func (r *run) readBack(ctx context.Context, s plan.Step) ([]byte, error) {
	if name, ok := strings.CutPrefix(s.On, plan.Domain+"/"); ok {
		tag, _ := r.profile.Object(name)
		return r.card.session.Data(ctx, tag, name)
	}
	_, f, err := r.profile.File(s.On)
	if err != nil {
		return nil, err
	}
	if f.Kind == profile.Record {
		return r.card.session.ReadRecord(ctx, s.On, 1)
	}
	return r.card.session.Read(ctx, s.On, 0, s.Length)
}

func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func (r *run) setPIN(ctx context.Context, s plan.Step) (facts, error) {
	return nil, r.withReference(s.Secret, func(value secret.Bytes) error { return r.card.session.Set(ctx, s.On, value) })
}

// provePIN presents the value once; it is not tried again here. That the card holds
// another value than was set is told apart from a card that refuses to compare.
func (r *run) provePIN(ctx context.Context, s plan.Step) (facts, error) {
	err := r.withReference(s.Secret, func(value secret.Bytes) error { return r.card.session.Verify(ctx, s.On, value) })
	if wrongValue(err) {
		return nil, failure.New(failure.CardDiffers, s.On+" is not set to the value that it was given", err)
	}
	return nil, err
}

// wrongValue says whether a VERIFY was refused for its value: it cost a try, or none was
// left or ever there (ISO/IEC 7816-4:2020, 11.6.6; card fact sheet, 3).
func wrongValue(err error) bool {
	var refused *apdu.StatusError
	if !errors.As(err, &refused) {
		return false
	}
	_, spent := refused.SW.Retries()
	return spent || refused.SW == apdu.SWAuthenticationBlocked || refused.SW == apdu.SWReferenceDataUnusable
}

func (r *run) lock(ctx context.Context, _ plan.Step) (facts, error) {
	return nil, r.card.session.Lock(ctx)
}

// confirm has the locked card tell who it is and its state: the job's own, locked,
// everything there, every reference with all its tries. It tells so inside the channel,
// for this is what a card's being done rests on, and in the clear anybody on the line
// could say it.
func (r *run) confirm(ctx context.Context, _ plan.Step) (facts, error) {
	s := r.card.session
	if !s.Secured() {
		return nil, failure.New(failure.StationContent, "the issuer's channel is not open", nil)
	}
	id, err := s.CardID(ctx)
	if err != nil {
		return nil, err
	}
	if id != r.job.CardID {
		return nil, failure.New(failure.CardOther, "", nil)
	}
	b, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	seen, err := plan.ParseState(r.profile, id, b)
	if err != nil {
		return nil, failure.New(failure.CardDiffers, err.Error(), err)
	}
	if missing := r.missing(seen); missing != "" {
		return nil, failure.New(failure.CardDiffers, missing, nil)
	}
	return nil, nil
}

// missing names the first thing the locked card does not show as it should; empty
// when all is right.
func (r *run) missing(seen plan.Observation) string {
	if seen.LifeCycle != r.profile.Domain.Locked {
		return "the card is not locked"
	}
	w := r.dossier.wanted
	for _, k := range w.Keys {
		if seen.Objects[k.On].State != plan.StatePresent {
			return k.On + " is not there"
		}
	}
	for _, ref := range w.References {
		_, rule, err := r.profile.Reference(ref.On)
		if state := seen.Objects[ref.On]; err != nil || state.State != plan.StatePresent || state.Value != rule.Tries {
			return ref.On + " is not set with all its tries"
		}
	}
	for _, c := range append(w.Files, w.Objects...) {
		if seen.Objects[c.On].State != plan.StatePresent {
			return c.On + " is not written"
		}
	}
	return ""
}

// drop gives the card up.
func (r *run) drop(d reader.Disposition) {
	if r.card != nil {
		r.card.close(d)
		r.card, r.seen = nil, nil
	}
}

// leave resets the card, so that nothing verified outlives the job, and forgets
// the resident.
func (r *run) leave() {
	r.drop(reader.Reset)
	if r.dossier != nil {
		r.dossier.order.Destroy()
	}
}

// recall fills the book with the public keys earlier steps of the job told.
func (r *run) recall() {
	for _, a := range r.profile.Applications {
		for _, k := range a.Keys {
			path := a.Name + "/" + k.Name
			for _, op := range []plan.Op{plan.ReadKey, plan.Generate} {
				if pub := remembered(func(name string) string { return r.machine.Fact(plan.StepID(op, path), name) }); pub != nil {
					r.dossier.book.SetKey(path, pub)
				}
			}
		}
	}
}
