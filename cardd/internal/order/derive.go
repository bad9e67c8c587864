package order

import (
	"errors"
	"slices"
	"strings"

	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/cardd/juki"
)

// derived is what the rules of the register make of an order.
type derived struct {
	eligibility                     juki.Eligibility
	card, signature, authentication juki.Date // last days; zero for what is not there
	referenceB                      secret.Bytes
}

// derive computes what follows from the fields, where they are right, and notes
// what contradicts each other.
func (r *reader) derive() {
	o := r.order
	if r.problems.about("product", "resident.birth", "applied_on", "issued_on", "certificates") {
		return
	}
	birth := o.Resident.Birth.Get()
	e, err := juki.CheckEligibility(o.Product, birth, o.Applied, o.Issued, o.Certificates.Signature, o.Certificates.Authentication)
	if err != nil {
		r.contradiction(err)
		return
	}
	r.generation(&e)
	d := derived{eligibility: e}
	r.validity(&d)
	o.derived = keep(d)
	r.eligible = true
}

// generation takes from the profile what the register leaves to the generation of card:
// spans of time, and which of the PINs it has. An order of an unknown profile, which is
// refused anyway, is read as one of today's.
func (r *reader) generation(e *juki.Eligibility) {
	r.terms = juki.PresentTerms
	p, err := profile.Shared(r.order.Profile)
	if err != nil {
		return
	}
	t := p.Terms
	r.terms = juki.Terms{CertificateBirthdays: t.CertificateBirthdays, RenewalMonths: t.RenewalMonths, GraceMonths: t.GraceMonths}
	var wanted []string
	for _, class := range e.PINs {
		wanted = append(wanted, string(class))
	}
	e.PINs = nil
	for _, class := range p.PINClasses(classNames(), wanted) {
		e.PINs = append(e.PINs, juki.PINClass(class))
	}
}

// validity computes the last days and what depends on them.
func (r *reader) validity(d *derived) {
	if r.problems.about("resident.nationality", "resident.stay_until", "renews_card_expiring_on", "security_code") {
		return
	}
	o, p := r.order, r.order.Resident
	if renews := o.Renews.Get(); renews != nil {
		r.contradiction(r.terms.CheckRenewal(*renews, o.Applied))
	}
	card, err := r.terms.CardExpiry(juki.ValidityInput{
		Birth: p.Birth.Get(), Applied: o.Applied, Issued: o.Issued,
		Renewal: o.Renews.Get(), Foreign: p.Foreign.Get(), StayUntil: p.StayUntil.Get(),
	})
	if err != nil {
		r.contradiction(err)
		return
	}
	d.card = card
	r.certificateValidity(d)
	d.referenceB = r.referenceB(card.Year)
}

// certificateValidity computes the last days of the certificates ordered. A new
// card has new certificates, not renewed ones, so no birthday more is counted for
// them; whether a card's renewal should count one is not public, and the shorter
// life is the choice that takes nothing on itself (ours).
func (r *reader) certificateValidity(d *derived) {
	birth, issued, wish := r.order.Resident.Birth.Get(), r.order.Issued, r.order.Certificates
	var held *juki.Date // the 利用者証明用 certificate's last day, where there is one
	var err error
	if wish.Authentication {
		d.authentication, err = r.terms.CertificateExpiry(juki.PurposeAuthentication, birth, issued, d.card, nil, nil)
		r.contradiction(err)
		held = &d.authentication
	}
	if wish.Signature && err == nil {
		d.signature, err = r.terms.CertificateExpiry(juki.PurposeSignature, birth, issued, d.card, held, nil)
		r.contradiction(err)
	}
}

// referenceB puts 照合番号B together.
func (r *reader) referenceB(year int) secret.Bytes {
	p := r.order.Resident
	var number secret.Bytes
	err := r.order.SecurityCode.Lend(func(code []byte) error {
		s, err := juki.ReferenceB(p.Birth.Get(), p.Foreign.Get(), year, view(code))
		number = secret.FromString(s)
		return err
	})
	r.contradiction(err)
	return number
}

// paths are the fields of an order by the names that the rules of the register use.
var paths = map[string]string{
	"birth": "resident.birth", "applied": "applied_on", "issued": "issued_on",
	"signature_certificate": "certificates.signature", "authentication_certificate": "certificates.authentication",
	"stay_until": "resident.stay_until", "renewal": "renews_card_expiring_on",
	"card_expiry": "resident.stay_until", "expiry_year": "issued_on",
}

// contradiction notes what a rule about several fields answered, under the field
// that it blames; nil notes nothing.
func (r *reader) contradiction(err error) {
	var input *juki.InputError
	if !errors.As(err, &input) {
		return
	}
	field := input.Field
	if path, ok := paths[field]; ok {
		field = path
	}
	r.problems.noteErr(err, field, "ORDER-FIELD-TYPE")
}

// about reports a problem with one of the fields, with what they stand in or with
// what stands in them.
func (p Problems) about(fields ...string) bool {
	return slices.ContainsFunc(p, func(e *juki.InputError) bool {
		return slices.ContainsFunc(fields, func(field string) bool {
			return e.Field == rootOrder || e.Field == field ||
				strings.HasPrefix(field, e.Field+".") || strings.HasPrefix(e.Field, field+".")
		})
	})
}
