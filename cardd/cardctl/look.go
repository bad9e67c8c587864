package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"strings"
	"time"
	"unicode"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/apdu/tlv"
	"jukicard/cardd/plan"
	"jukicard/reader"
)

// view is what a card shows without any secret.
type view struct {
	Reader       string           `json:"reader"`
	ATR          string           `json:"atr"`
	Interface    string           `json:"interface"` // "contact" or "contactless"
	Protocols    []int            `json:"protocols,omitempty"`
	Known        string           `json:"known,omitempty"` // what lists know the ATR for
	MyNumber     bool             `json:"my_number_card"`
	Label        string           `json:"label,omitempty"` // of the token
	Generation   string           `json:"generation,omitempty"`
	CardID       string           `json:"card_id,omitempty"`
	Manufacture  string           `json:"manufacture_number,omitempty"`
	Municipality string           `json:"municipality,omitempty"`
	Expiry       string           `json:"expiry,omitempty"` // YYYYMMDD
	Condition    string           `json:"condition"`        // blank, half-made, issued, other, or not told
	LifeCycle    string           `json:"life_cycle,omitempty"`
	Written      int              `json:"objects_written,omitempty"`
	Domain       *controlRow      `json:"domain_select_answer,omitempty"`
	Applications []applicationRow `json:"applications,omitempty"`
	References   []referenceRow   `json:"references,omitempty"`
	Certificates []certificateRow `json:"certificates,omitempty"`
}

type applicationRow struct {
	Name     string `json:"name"`
	Japanese string `json:"japanese"`
	Present  bool   `json:"present"`
	Answer   string `json:"answer,omitempty"` // the card's status word when it is not there

	Control *controlRow `json:"select_answer,omitempty"` // what the card says of it
}

// referenceRow is the tries of one PIN or 照合番号.
type referenceRow struct {
	Path     string `json:"path"`
	Japanese string `json:"japanese"`
	Class    string `json:"class,omitempty"`
	Left     int    `json:"tries_left"`
	Most     int    `json:"tries_most"`
	State    string `json:"state"` // ready, last-try, blocked-or-unset, absent
}

type certificateRow struct {
	Path    string     `json:"path"`
	State   string     `json:"state"` // present, empty, protected, absent, damaged
	Opens   string     `json:"opened_by,omitempty"`
	Subject string     `json:"subject_cn,omitempty"`
	Issuer  string     `json:"issuer,omitempty"`
	Serial  string     `json:"serial,omitempty"` // hex
	From    *time.Time `json:"not_before,omitempty"`
	Until   *time.Time `json:"not_after,omitempty"`
}

// Words of view.Condition.
const (
	conditionBlank    = "blank"
	conditionHalfMade = "half-made"
	conditionIssued   = "issued"
	conditionOther    = "other"
	conditionNotTold  = "not told"
)

// look reads all that a card shows. A card that is none of ours is looked at as far
// as it goes; only a failed link is an error.
func look(ctx context.Context, c *opened) (*view, error) {
	v := &view{Reader: c.reader, ATR: c.atr.String(), Interface: interfaceOf(c.atr), Known: knownFor(c.atr), Condition: conditionNotTold}
	if answer, err := c.atr.Parse(); err == nil && v.Interface == "contact" {
		v.Protocols = answer.Protocols()
	}
	if errors.Is(c.refusal, card.ErrOtherCard) {
		return v, nil
	}
	v.MyNumber, v.Label = c.refusal == nil, c.label
	if c.label == c.Profile().Label {
		v.Generation = c.Profile().Title
	}
	for _, part := range []func(context.Context, *opened) error{v.applications, v.domain, v.manufacture, v.references, v.certificates} {
		if err := part(ctx, c); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// fatal is err where nothing more can be learnt from the card: the link failed or
// the command was interrupted. A card that refuses or gives odd data has answered.
func fatal(err error) error {
	var link *reader.Error
	var budget *apdu.BudgetError
	if errors.As(err, &link) || errors.As(err, &budget) || errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (v *view) applications(ctx context.Context, c *opened) error {
	for _, app := range c.Profile().Applications {
		row := applicationRow{Name: app.Name, Japanese: app.Japanese}
		control, err := selectAsking(ctx, c, app.Name)
		if err := fatal(err); err != nil {
			return err
		}
		row.Present, row.Control = err == nil, control
		if sw, no := isRefusal(err); no {
			row.Answer = sw.Error()
		}
		v.Applications = append(v.Applications, row)
	}
	return nil
}

// domain asks for what the card tells with no application selected.
func (v *view) domain(ctx context.Context, c *opened) error {
	control, err := selectAsking(ctx, c, card.Domain)
	if err != nil {
		return fatal(err)
	}
	v.Domain = control
	id, err := c.CardID(ctx)
	if err := fatal(err); err != nil {
		return err
	}
	v.CardID = id
	for name, field := range map[string]*string{"municipality": &v.Municipality, "expiry": &v.Expiry} {
		tag, ok := c.Profile().Object(name)
		if !ok {
			continue
		}
		b, err := c.Data(ctx, tag, name)
		if err := fatal(err); err != nil {
			return err
		}
		*field = digits(b)
	}
	return v.state(ctx, c)
}

// digits is b where it is digits alone; anything else was not written.
func digits(b []byte) string {
	if bytes.ContainsFunc(b, func(r rune) bool { return r < '0' || r > '9' }) {
		return ""
	}
	return string(b)
}

// state asks how far the card is made. Real cards do not tell.
func (v *view) state(ctx context.Context, c *opened) error {
	b, err := c.State(ctx)
	if err != nil {
		return fatal(err)
	}
	seen, err := plan.ParseState(c.Profile(), v.CardID, b)
	if err != nil {
		v.Condition = conditionOther
		return nil
	}
	d := c.Profile().Domain
	v.LifeCycle, v.Written = lifeCycleName(seen.LifeCycle), len(seen.Objects)
	switch {
	case seen.LifeCycle == d.Blank && v.Written == 0:
		v.Condition = conditionBlank
	case seen.LifeCycle == d.Blank:
		v.Condition = conditionHalfMade
	case seen.LifeCycle == d.Locked:
		v.Condition = conditionIssued
	default:
		v.Condition = conditionOther
	}
	return nil
}

// lifeCycleName is a state of the issuer domain in the words of GlobalPlatform Card
// Specification 2.3.1, Table 11-6.
func lifeCycleName(state byte) string {
	names := map[byte]string{0x01: "OP_READY", 0x07: "INITIALIZED", 0x0F: "SECURED", 0x7F: "CARD_LOCKED", 0xFF: "TERMINATED"}
	if n, ok := names[state]; ok {
		return n
	}
	return "unknown"
}

// Layout of the manufacture record: 15 digits of number, 5 of municipality, 8 of
// expiry, in one simple TLV (card fact sheet, 2.5).
const (
	manufactureNumber = 15
	manufactureCity   = 5
	manufactureAll    = 28
)

func (v *view) manufacture(ctx context.Context, c *opened) error {
	path, ok := c.Profile().Made("common/manufacture")
	if !ok {
		return nil
	}
	b, err := c.ReadRecord(ctx, path, 1)
	if err != nil {
		return fatal(err)
	}
	o, _, err := tlv.NextSimple(b)
	text := digits(o.Value)
	if err != nil || len(text) < manufactureNumber {
		return nil
	}
	v.Manufacture = text[:manufactureNumber]
	if len(text) != manufactureAll {
		return nil
	}
	if v.Municipality == "" {
		v.Municipality = text[manufactureNumber : manufactureNumber+manufactureCity]
	}
	if v.Expiry == "" {
		v.Expiry = text[manufactureNumber+manufactureCity:]
	}
	return nil
}

func (v *view) references(ctx context.Context, c *opened) error {
	var err error
	v.References, err = triesOf(ctx, c)
	return err
}

// triesOf asks for the tries left of every reference of the profile; it spends none.
func triesOf(ctx context.Context, c *opened) ([]referenceRow, error) {
	var rows []referenceRow
	for _, app := range c.Profile().Applications {
		for _, r := range app.PINs {
			row := referenceRow{Path: app.Name + "/" + r.Name, Japanese: r.Japanese, Class: r.Class, Most: r.Tries}
			n, err := c.Tries(ctx, row.Path)
			if err := fatal(err); err != nil {
				return nil, err
			}
			row.Left, row.State = n, triesWord(n, err)
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func triesWord(left int, err error) string {
	switch {
	case err != nil:
		return "absent"
	case left == 0:
		return "blocked-or-unset"
	case left == 1:
		return "last-try"
	}
	return "ready"
}

// certificatePaths are the certificates of the profile, holder's before CA's.
func certificatePaths(p *profile.Card) []string {
	var holders, authorities []string
	for _, h := range holderKeys(p) {
		holders = append(holders, h.cert)
		if h.ca != "" {
			authorities = append(authorities, h.ca)
		}
	}
	return append(holders, authorities...)
}

func (v *view) certificates(ctx context.Context, c *opened) error {
	for _, path := range certificatePaths(c.Profile()) {
		row, _, err := readCertificate(ctx, c, path)
		if err != nil {
			return err
		}
		v.Certificates = append(v.Certificates, row)
	}
	return nil
}

// readCertificate reads what the card shows of a certificate now; the certificate is
// nil where there is none to see.
func readCertificate(ctx context.Context, c *opened, path string) (certificateRow, *x509.Certificate, error) {
	row := certificateRow{Path: path}
	der, err := c.ReadObject(ctx, path)
	if err := fatal(err); err != nil {
		return row, nil, err
	}
	cert, parseErr := x509.ParseCertificate(der)
	if err != nil || parseErr != nil {
		row.State, err = c.why(ctx, path, err)
		if row.State == "protected" {
			row.Opens = strings.Join(openers(c.Profile(), path), ", ")
		}
		return row, nil, err
	}
	row.State, row.Subject, row.Serial = "present", shown(cert.Subject.CommonName), cert.SerialNumber.Text(16)
	if row.Subject == "" {
		row.Subject = nameText(cert.RawSubject)
	}
	row.Issuer, row.From, row.Until = nameText(cert.RawIssuer), &cert.NotBefore, &cert.NotAfter
	return row, cert, nil
}

// nameText is a distinguished name as it stands in the certificate (RFC 4514).
func nameText(raw []byte) string {
	var name pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &name); err != nil {
		return ""
	}
	return shown(name.String())
}

// shown is a text of the card's without what would command a terminal.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return '?'
	}, s)
}

// why says why a certificate cannot be seen.
func (c *opened) why(ctx context.Context, path string, err error) (string, error) {
	switch sw, no := isRefusal(err); {
	case no && sw == apdu.SWSecurityStatus:
		return "protected", nil
	case no && sw == apdu.SWWrongP1P2:
		return "empty", nil
	case no:
		return "absent", nil
	}
	head, err := c.Read(ctx, path, 0, 16)
	if err == nil && len(bytes.Trim(head, "\xFF\x00")) == 0 {
		return "empty", nil
	}
	return "damaged", fatal(err)
}

// openers are the references that let a file be read, as "app/name"; none where it
// is free or only the issuer may.
func openers(p *profile.Card, path string) []string {
	app, f, err := p.File(path)
	if err != nil {
		return nil
	}
	return referencesIn(app, f.Read)
}

// referencesIn are the references that access rules of an application name.
func referencesIn(app *profile.Application, rules []string) []string {
	var out []string
	for _, name := range rules {
		if name != "free" && name != "channel" {
			out = append(out, app.Name+"/"+name)
		}
	}
	return out
}
