package station

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"

	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/cardd/internal/content"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/order/facecheck"
	"jukicard/cardd/juki"
	"jukicard/cardd/plan"
	"jukicard/pki"
	"jukicard/printer"
	"jukicard/printer/face"
)

// material is what a job keeps sealed at rest: the order and whatever random
// choices were made for it, so that a resumed job makes the same bytes again.
type material struct {
	Order           []byte    `cbor:"1,keyasint"` // wire form, photo inside
	DigestKey       []byte    `cbor:"2,keyasint"` // keys the content digests of plans
	SealedReference []byte    `cbor:"3,keyasint"` // DF35
	SignatureCN     string    `cbor:"4,keyasint"`
	AuthCN          string    `cbor:"5,keyasint"`
	Made            time.Time `cbor:"6,keyasint"` // when the order was accepted; start of the certificates' validity
	Images          images    `cbor:"7,keyasint"` // as drawn when the order was accepted

	Sizes map[string]int `cbor:"8,keyasint,omitempty"` // expected bytes of the certificates, by name of file

	Panel    []byte    `cbor:"9,keyasint,omitempty"`  // 追記欄 of the card as it is issued, JSON of face.Panel
	Entering *entering `cbor:"10,keyasint,omitempty"` // of an order to endorse, which has nothing from 3 to 9
}

// images are the chip's pictures at rest. They are kept, because another version of
// a font would draw another picture and the card would hold two halves.
type images struct {
	Name         []byte `cbor:"1,keyasint"`
	Address      []byte `cbor:"2,keyasint"`
	MyNumber     []byte `cbor:"3,keyasint"`
	SecurityCode []byte `cbor:"4,keyasint"`
	Photo        []byte `cbor:"5,keyasint"`
}

const digestKeyLen = 32

// newMaterial draws what is random about a job.
func (s *Station) newMaterial(ctx context.Context, o *order.Order, wire []byte) (*material, error) {
	m := &material{Order: wire, DigestKey: make([]byte, digestKeyLen), Made: s.c.Now().UTC().Truncate(time.Second)}
	if _, err := rand.Read(m.DigestKey); err != nil {
		return nil, fmt.Errorf("cannot draw a digest key: %w", err)
	}
	if err := s.drawNames(o, m); err != nil {
		return nil, err
	}
	if err := s.draw(o, m); err != nil {
		return nil, err
	}
	cv, err := s.c.FaceSeal.CVCertificate(ctx, pki.SurfaceAP)
	if err != nil {
		return nil, failure.New(failure.PKIAuthority, err.Error(), err)
	}
	parsed, err := pki.ParseCVCertificate(cv)
	if err != nil {
		return nil, failure.New(failure.PKICertificate, err.Error(), err)
	}
	p, err := profile.Shared(o.Profile)
	if err != nil {
		return nil, err
	}
	value, err := referenceValue(o, sealedClass(p))
	if err != nil {
		return nil, err
	}
	err = value.Lend(func(b []byte) error {
		m.SealedReference, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, parsed.PublicKey, b, nil)
		return err
	})
	return m, err
}

// drawNames makes the certificates' common names. The sequence number is random:
// real ones count per window, how is not public.
func (s *Station) drawNames(o *order.Order, m *material) error {
	var seq [2]byte
	if _, err := rand.Read(seq[:]); err != nil {
		return fmt.Errorf("cannot draw a common name: %w", err)
	}
	random, err := pki.CNRandom(rand.Reader)
	if err != nil {
		return err
	}
	if m.AuthCN, err = pki.AuthenticationCN(random, o.Municipality.Code); err != nil {
		return err
	}
	m.SignatureCN, err = pki.SignatureCN(m.Made, int(seq[0])<<8|int(seq[1]), o.Municipality.Window)
	return err
}

func (m *material) encode() ([]byte, error) { return cbor.Marshal(m) }

func decodeMaterial(b []byte) (*material, error) {
	var m material
	if err := cbor.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("cannot read the sealed order: it is damaged")
	}
	return &m, nil
}

// dossier is an order made ready for one card: what the card shall hold, the
// requests for its certificates, the picture of its face.
type dossier struct {
	order    *order.Order
	profile  *profile.Card
	material *material
	book     *content.Book
	requests map[string]pki.Request // by the step that signs the request
	wanted   plan.Order
	ca       map[pki.Purpose]*x509.Certificate
	cardID   string
}

// assemble makes everything of an order that needs no card.
func (s *Station) assemble(ctx context.Context, o *order.Order, m *material) (*dossier, error) {
	p, err := profile.Shared(o.Profile)
	if err != nil {
		return nil, err
	}
	if o.Operation == order.Endorse {
		return s.assembleEntry(p, o, m)
	}
	d := &dossier{order: o, profile: p, material: m, requests: map[string]pki.Request{}, ca: map[pki.Purpose]*x509.Certificate{}}
	for _, p := range []pki.Purpose{pki.Signature, pki.Authentication} {
		ca, err := s.c.Authority.CA(ctx, p)
		if err != nil {
			return nil, failure.New(failure.PKIAuthority, err.Error(), err)
		}
		d.ca[p] = ca
	}
	return d, nil
}

// draw draws the chip's images, and the face once, so that a text that does not fit
// or cannot be printed exactly is refused before a card is touched.
func (s *Station) draw(o *order.Order, m *material) error {
	data, err := faceData(o)
	if err != nil {
		return err
	}
	drawn, err := s.c.Faces.ChipImages(data)
	if err != nil {
		return faceFailure(err)
	}
	m.Images = images(drawn)
	data.CardID = blankID
	p, err := profile.Shared(o.Profile)
	if err != nil {
		return err
	}
	layout, err := s.layout(p)
	if err != nil {
		return err
	}
	if _, err = s.c.Faces.Render(layout, data); err != nil {
		return faceFailure(err)
	}
	m.Panel, err = s.issuedPanel(layout, data)
	return err
}

// faceFailure gives the face's refusals their codes.
func faceFailure(err error) error {
	var glyph *face.GlyphError
	var overflow *face.OverflowError
	var stroke *face.StrokeError
	var photo *face.PhotoError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &glyph):
		return failure.New(failure.FaceGlyph, err.Error(), err)
	case errors.As(err, &overflow), errors.As(err, &stroke):
		return failure.New(failure.FaceOverflow, err.Error(), err)
	case errors.As(err, &photo):
		return failure.New(failure.FacePhoto, err.Error(), err)
	}
	return failure.New(failure.StationContent, err.Error(), err)
}

// faceData is the order's data as texts of the face.
func faceData(o *order.Order) (face.Data, error) {
	d, err := facecheck.Data(o)
	return d, faceFailure(err)
}

// lent takes a copy of a secret as text, for what is drawn or certified anyway.
func lent(s secret.Bytes) string {
	var out string
	if err := s.Lend(func(b []byte) error { out = string(b); return nil }); err != nil {
		return ""
	}
	return out
}

// bind fits a dossier to one card: contents, requests and what is wanted.
func (s *Station) bind(ctx context.Context, d *dossier, p *profile.Card, cardID string) error {
	if d.wanted.Entry != nil { // an entry is the same on any card, and the order names its own
		return nil
	}
	product := p.Product(string(d.order.Product))
	if product == nil {
		return fmt.Errorf("cannot issue: profile %s has no product %q", p.ID, d.order.Product)
	}
	d.cardID = cardID
	sizes, err := s.requests(d)
	if err != nil {
		return err
	}
	d.book, err = content.New(content.Source{
		Profile: p, Product: product, Person: d.person(), Images: content.Images(d.material.Images),
		Certificates: content.Certificates{Signature: d.order.Certificates.Signature, Authentication: d.order.Certificates.Authentication},
		Sealer:       s.c.FaceSeal, CA: d.ca, CertSizes: sizes, CardID: cardID,
	})
	if err != nil {
		return err
	}
	d.wanted, err = s.want(ctx, d)
	return err
}

// person is the resident in the forms of the chip.
func (d *dossier) person() content.Person {
	r := d.order.Resident
	return content.Person{
		MyNumber: lent(r.MyNumber), ResidentCode: lent(r.ResidentCode), Name: lent(r.Name), Address: lent(r.Address),
		Birth: r.Birth.Get().Compact(), Sex: r.Sex.Get().Code(), Expiry: d.order.CardExpiry().Compact(),
		Municipality: d.order.Municipality.Code, SealedReference: d.material.SealedReference,
	}
}

// requests fills in what is asked of the authority and how long the answers will
// be. A request's ID is the order's and the purpose: the same order never gets a
// second certificate.
func (s *Station) requests(d *dossier) (sizes map[string]int, err error) {
	sizes = map[string]int{}
	for _, c := range certified(d.profile) {
		r, wanted, err := d.request(c)
		if err != nil {
			return nil, err
		}
		if !wanted {
			continue
		}
		d.requests[plan.StepID(plan.Request, c.key)] = r
		if sizes[c.cert], err = s.size(d, c, r); err != nil {
			return nil, failure.New(failure.PKICertificate, err.Error(), err)
		}
	}
	d.material.Sizes = sizes
	return sizes, nil
}

// size is how long a certificate will be. It is measured once a job: no part of it
// changes its length any more, and a measure costs two signatures.
func (s *Station) size(d *dossier, c certifiedKey, r pki.Request) (int, error) {
	if n := d.material.Sizes[c.cert]; n > 0 {
		return n, nil
	}
	return s.c.Hierarchy.Size(r, d.ca[c.purpose])
}

func (d *dossier) request(c certifiedKey) (r pki.Request, wanted bool, err error) {
	o, p := d.order, c.purpose
	r = pki.Request{
		ID: o.ID + "/" + d.cardID + "/" + string(p), Purpose: p, Algorithm: c.algorithm,
		NotBefore: d.material.Made, CommonName: d.material.AuthCN,
	}
	last, wanted := o.AuthenticationExpiry()
	if p == pki.Signature {
		last, wanted = o.SignatureExpiry()
		r.CommonName = d.material.SignatureCN
	}
	r.NotAfter = last.EndJST()
	if p != pki.Signature || !wanted {
		return r, wanted, nil
	}
	birth, err := juki.CertificateBirth(o.Resident.Birth.Get())
	r.Holder = pki.Holder{
		Name: lent(o.Certified.Name), NameSubstituted: lent(o.Certified.NameFlags),
		Address: lent(o.Certified.Address), AddressSubstituted: lent(o.Certified.AddressFlags),
		Birth: birth, Sex: o.Resident.Sex.Get().Code(), Prefecture: o.Municipality.Prefecture, City: o.Municipality.City,
	}
	return r, wanted, err
}

// want lists what the card shall hold.
func (s *Station) want(ctx context.Context, d *dossier) (plan.Order, error) {
	files, objects, err := d.book.Wanted(ctx, d.material.DigestKey)
	if err != nil {
		return plan.Order{}, failure.New(failure.StationContent, err.Error(), err)
	}
	w := plan.Order{ID: d.order.ID, Product: string(d.order.Product), Files: files, Objects: objects, Print: s.c.Printer != nil}
	for _, c := range certified(d.profile) {
		if _, ok := d.requests[plan.StepID(plan.Request, c.key)]; ok {
			w.Keys = append(w.Keys, plan.KeyPair{On: c.key, Cert: c.cert, Purpose: string(c.purpose)})
		}
	}
	for _, r := range references(d.profile) {
		if r.class == "" || d.sets(r.class) {
			w.References = append(w.References, plan.ReferenceTo{On: r.on, Secret: r.name})
		}
	}
	return w, nil
}

// sets says whether the holder has a PIN of that class.
func (d *dossier) sets(class juki.PINClass) bool {
	return slices.Contains(d.order.Eligibility().PINs, class)
}

// withReference lends reference data by its name in a plan.
func (r *run) withReference(name string, f func(secret.Bytes) error) error {
	class, ok := chosen(name)
	if !ok {
		value, err := referenceValue(r.dossier.order, name)
		if err != nil {
			return err
		}
		return f(value)
	}
	pin, ok := r.c.Pins.PIN(r.job.ID, class)
	if !ok {
		return failure.New(failure.StationPIN, juki.RuleOf(class).Japanese, nil)
	}
	defer pin.Destroy()
	return f(pin)
}

// picture renders the face with the card's own number, at a layout's resolution.
func (s *Station) picture(d *dossier, l *face.Layout) (printer.Face, error) {
	data, err := faceData(d.order)
	if err != nil {
		return printer.Face{}, err
	}
	data.CardID = d.cardID
	f, err := s.c.Faces.Render(l, data)
	return f, faceFailure(err)
}
