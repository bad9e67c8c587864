package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/cardd/plan"
	"jukicard/pki"
	"jukicard/simulator"
)

// script issues one person's card from the first command to the last, as an issuer
// without a journal does: the steps of cardd's plan for a blank card in their order, the
// reading back and the proofs among them, with the same functions of apdu/card. Only
// what comes before a plan, looking at the card, and printing, which sends it nothing,
// are left out.
type script struct {
	profile *profile.Card
	steps   []plan.Step
	model   memory // a finished card of the person: what is to stand in every EF
}

// attempt is a script under way on a card.
type attempt struct {
	*script
	session   *card.Session
	authority asked
	keys      map[string]crypto.PublicKey // the card made, by name
	requests  map[string][]byte           // by ID of their step
	certs     map[string][]byte           // by name of their file
}

// asked is the authority as a script has it: a request proven by the card's key is a
// certificate.
type asked func(ctx context.Context, p pki.Purpose, csr []byte) ([]byte, error)

// errDiffers ends an attempt: the card holds something else than was written, or is not
// in the state it should be in.
var errDiffers = errors.New("the card is not as it was written")

// run does everything once. What the card refuses, what the line loses and what reads
// back otherwise ends it there.
func (s *script) run(ctx context.Context, session *card.Session, authority asked) error {
	a := &attempt{s, session, authority, map[string]crypto.PublicKey{}, map[string][]byte{}, map[string][]byte{}}
	for _, step := range s.steps {
		if err := a.perform(ctx, step); err != nil {
			return fmt.Errorf("%s: %w", step.ID, err)
		}
	}
	return nil
}

// perform does one step.
func (a *attempt) perform(ctx context.Context, s plan.Step) (err error) {
	switch s.Op {
	case plan.Open:
		return a.session.Open(ctx, s.On, scp03.Diversified(simulator.LabTestKey))
	case plan.ReadKey:
		return a.readKey(ctx, s.On)
	case plan.Generate:
		a.keys[s.On], err = a.session.Generate(ctx, s.On)
	case plan.Request:
		return a.request(ctx, s)
	case plan.Certify:
		request, _ := a.step(s.From)
		a.certs[s.On], err = a.authority(ctx, pki.Purpose(request.From), a.requests[s.From])
	case plan.Update:
		return a.session.Update(ctx, s.On, a.content(s), 0, nil)
	case plan.Put:
		return a.session.PutData(ctx, strings.TrimPrefix(s.On, plan.Domain+"/"), a.content(s))
	case plan.Compare:
		return a.compare(ctx, s)
	case plan.SetPIN:
		return a.session.Set(ctx, s.On, a.reference(s.On))
	case plan.ProvePIN:
		return a.session.Verify(ctx, s.On, a.reference(s.On))
	case plan.Lock:
		return a.session.Lock(ctx)
	case plan.Confirm:
		return a.confirm(ctx)
	case plan.Print: // nothing for the card
	default:
		return fmt.Errorf("no script knows operation %q", s.Op)
	}
	return err
}

// readKey reads a key of the maker's and has it sign.
func (a *attempt) readKey(ctx context.Context, on string) error {
	if _, err := a.session.PublicKey(ctx, on); err != nil {
		return err
	}
	return a.challenge(ctx, on)
}

// challenge has a key sign.
func (a *attempt) challenge(ctx context.Context, on string) error {
	_, err := a.session.Sign(ctx, on, pki.DigestInfoSHA256(make([]byte, 32)))
	return err
}

// request has the card sign for the key it made.
func (a *attempt) request(ctx context.Context, s plan.Step) (err error) {
	cn, err := commonName(pki.Purpose(s.From))
	if err != nil {
		return err
	}
	a.requests[s.ID], err = pki.NewCSR(a.keys[s.On], cn, func(digestInfo []byte) ([]byte, error) {
		return a.session.Sign(ctx, s.On, digestInfo)
	})
	return err
}

func (a *attempt) step(id string) (plan.Step, bool) {
	return (&plan.Plan{Steps: a.steps}).Step(id)
}

// content is what is to stand where a step writes: the certificate that just came, or
// what the finished card of the person has.
func (a *attempt) content(s plan.Step) []byte {
	if cert, ok := a.certs[s.On]; ok {
		return cert
	}
	if name, ok := strings.CutPrefix(s.On, plan.Domain+"/"); ok {
		tag, _ := a.profile.Object(name)
		return a.model.data("object", tag.String())
	}
	if b := a.model.data("record", s.On); b != nil {
		return b
	}
	return a.model.data("write", s.On)
}

// reference is a PIN or 照合番号.
func (a *attempt) reference(on string) secret.Bytes {
	return secret.New(a.model.data("reference", on))
}

// compare reads back; a certificate's key then signs.
func (a *attempt) compare(ctx context.Context, s plan.Step) error {
	want := a.content(s)
	got, err := a.readBack(ctx, s.On, len(want))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errDiffers
	}
	if _, certified := a.certs[s.On]; !certified {
		return nil
	}
	certify, _ := a.step(s.From)
	request, _ := a.step(certify.From)
	return a.challenge(ctx, request.On)
}

func (a *attempt) readBack(ctx context.Context, on string, n int) ([]byte, error) {
	if name, ok := strings.CutPrefix(on, plan.Domain+"/"); ok {
		tag, _ := a.profile.Object(name)
		return a.session.Data(ctx, tag, name)
	}
	_, f, err := a.profile.File(on)
	switch {
	case err != nil:
		return nil, err
	case f.Kind == profile.Record:
		return a.session.ReadRecord(ctx, on, 1)
	}
	return a.session.Read(ctx, on, 0, n)
}

// confirm asks the locked card who it is and for its state.
func (a *attempt) confirm(ctx context.Context) error {
	if _, err := a.session.CardID(ctx); err != nil {
		return err
	}
	state, err := a.session.State(ctx)
	if err == nil && (len(state) == 0 || state[0] != a.profile.Domain.Locked) {
		err = errDiffers
	}
	return err
}

// own are the keys and certificates in which two finished cards of one person differ.
var own = map[pki.Purpose]struct{ key, cert string }{
	pki.Signature:      {"key jpki/sign-key 0", "write jpki/sign-cert 0"},
	pki.Authentication: {"key jpki/auth-key 0", "write jpki/auth-cert 0"},
}

// judge says what is wrong with a card that a script has finished: its memory is that of
// the model but for its own keys, each of which has the certificate last given for it.
func (s *script) judge(c *simulator.Card, of given) ([]string, error) {
	m, err := readMemory(c)
	if err != nil {
		return nil, err
	}
	but := []string{"sequence  0"} // how often its channel was opened
	var wrong []string
	for p, on := range own {
		but = append(but, on.key, on.cert)
		if err := fits(m[on.key].Data, m[on.cert].Data); err != nil || !of.holds(p, m[on.cert].Data) {
			wrong = append(wrong, on.cert)
		}
	}
	return append(wrong, m.differences(s.model, but)...), nil
}

// fits holds a certificate against the private key in PKCS #8.
func fits(key, cert []byte) error {
	private, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		return err
	}
	if k, ok := private.(*rsa.PrivateKey); !ok || !k.PublicKey.Equal(parsed.PublicKey) {
		return errDiffers
	}
	return nil
}
