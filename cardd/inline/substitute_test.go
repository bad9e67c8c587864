package inline

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/cardd/client"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/receipt"
	"jukicard/printer"
	"jukicard/reader"
	"jukicard/simulator"
	"jukicard/simulator/press"
)

// renamed is an application for somebody of another name and address, with what was
// chosen for them.
func (s *shop) renamed(name, address string, substitutes map[string]any) application {
	s.t.Helper()
	a := s.apply()
	var doc map[string]any
	if err := json.Unmarshal(a.wire, &doc); err != nil {
		s.t.Fatal(err)
	}
	resident := doc["resident"].(map[string]any)
	resident["name"], resident["address"] = name, address
	if substitutes != nil {
		doc["substitutes"] = substitutes
	}
	var err error
	if a.wire, err = json.Marshal(doc); err != nil {
		s.t.Fatal(err)
	}
	return a
}

// signatureCertificate reads the 署名用 certificate as its holder does.
func signatureCertificate(t *testing.T, on *press.Card, pins []byte) *x509.Certificate {
	t.Helper()
	var values map[string]string
	if err := json.Unmarshal(pins, &values); err != nil {
		t.Fatal(err)
	}
	chip, err := on.Chip.(*simulator.Card).Clone(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	desk := simulator.NewDesk("Holder")
	desk.Insert(0, chip)
	open, err := desk.Open(t.Context(), "Holder", reader.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.Load("mynumber-1")
	if err != nil {
		t.Fatal(err)
	}
	session := card.New(open, p, card.Options{Extended: true})
	if err := session.Verify(t.Context(), "jpki/sign-pin", secret.FromString(values["signature"])); err != nil {
		t.Fatal(err)
	}
	der, err := session.ReadAll(t.Context(), "jpki/sign-cert")
	if err != nil {
		t.Fatal(err)
	}
	var whole asn1.RawValue // the file is longer than what it holds
	if _, err := asn1.Unmarshal(der, &whole); err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(whole.FullBytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// otherNames takes subjectAltName apart with nothing but DER (RFC 5280, 4.2.1.6): the
// values by the last number of their type, 1.2.392.200149.8.5.5.x (card fact sheet, 6.2).
func otherNames(t *testing.T, cert *x509.Certificate) map[int]string {
	t.Helper()
	at := slices.IndexFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) })
	if at < 0 {
		t.Fatal("no subjectAltName")
	}
	var names []asn1.RawValue
	if rest, err := asn1.Unmarshal(cert.Extensions[at].Value, &names); err != nil || len(rest) > 0 {
		t.Fatal(err, rest)
	}
	found := map[int]string{}
	for _, name := range names {
		var id asn1.ObjectIdentifier
		rest, err := asn1.Unmarshal(name.Bytes, &id)
		if err != nil || name.Class != asn1.ClassContextSpecific || name.Tag != 0 || len(id) != 8 || !id[:7].Equal(asn1.ObjectIdentifier{1, 2, 392, 200149, 8, 5, 5}) {
			t.Fatalf("%v: no otherName of the JPKI: %v", id, err)
		}
		var explicit, text asn1.RawValue
		if _, err := asn1.Unmarshal(rest, &explicit); err != nil {
			t.Fatal(err)
		}
		if _, err := asn1.Unmarshal(explicit.Bytes, &text); err != nil || text.Tag != asn1.TagUTF8String {
			t.Fatalf("%v: no UTF8String: %v", id, err)
		}
		found[id[7]] = string(text.Bytes)
	}
	return found
}

// TestSubstitutesReachTheCertificate: what needs nobody is written and marked; the face
// keeps the resident's own name.
func TestSubstitutesReachTheCertificate(t *testing.T) {
	chosen := func(to string) map[string]any {
		return map[string]any{"to": to, "by": "係員 07", "at": "2026-11-21T10:30:00+09:00"}
	}
	rows := []struct {
		name, resident, address string
		substitutes             map[string]any
		want                    map[int]string
	}{
		{
			"one candidate and another form", "髙橋　太郎", "架空県葛\U000E0102葉市１",
			nil,
			map[int]string{1: "高橋　太郎", 2: "10000", 5: "架空県葛葉市１", 6: "0001000"},
		},
		{
			"chosen", "㓛田　毗𠮷", "架空県㓛町１",
			map[string]any{
				"name_choices":    map[string]any{"1": chosen("切"), "4": chosen("ひさ")},
				"address_choices": map[string]any{"4": chosen("功")},
			},
			map[int]string{1: "切田　ひさ吉", 2: "100111", 5: "架空県功町１", 6: "000100"},
		},
	}
	s := newShop(t, machines[0])
	c := s.serve(t)
	for n, row := range rows {
		a := s.renamed(row.resident, row.address, row.substitutes)
		job, err := c.At(at).Issue(t.Context(), a.wire, a.pins, false)
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if err := c.Watch(t.Context(), job.ID, func(e client.Event) bool { return e.State == journal.Running }); err != nil {
			t.Fatal(err)
		}
		cards := s.press.Cards()
		made := slices.IndexFunc(cards, func(c *press.Card) bool { return c.Number == n+1 })
		if made < 0 || s.press.Where(cards[made]) != printer.Output {
			t.Fatalf("%s: the card was not delivered", row.name)
		}
		got := otherNames(t, signatureCertificate(t, cards[made], a.pins))
		delete(got, 3)
		delete(got, 4)
		if !maps.Equal(got, row.want) {
			t.Errorf("%s: %v", row.name, got)
		}
		if got, want := s.receipt(t, c, job.ID).Choices, choicesIn(row.substitutes); !slices.Equal(got, want) {
			t.Errorf("%s: the receipt has the choices %v, want %v", row.name, got, want)
		}
	}
	s.judge(t)
}

// receipt is the statement that was signed of a finished job.
func (s *shop) receipt(t *testing.T, c *client.Client, job string) *receipt.Statement {
	t.Helper()
	signed, err := c.Receipt(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	key, err := c.ReceiptKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	st, err := receipt.Verify(signed, key)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// choicesIn are those of an order as a receipt tells them: who and when, never what.
func choicesIn(substitutes map[string]any) (all []receipt.Choice) {
	for _, field := range []string{"name", "address"} {
		places, _ := substitutes[field+"_choices"].(map[string]any)
		for _, place := range slices.Sorted(maps.Keys(places)) {
			one := places[place].(map[string]any)
			at, _ := time.Parse(time.RFC3339, one["at"].(string))
			n, _ := strconv.Atoi(place)
			all = append(all, receipt.Choice{Field: field, Place: n, By: one["by"].(string), At: at.UTC()})
		}
	}
	return all
}

// TestNoCardIsFedForAnOpenChoice: several candidates and nobody who chose; the order is
// refused at the door, and the answer alone names the candidates.
func TestNoCardIsFedForAnOpenChoice(t *testing.T) {
	s := newShop(t, machines[0])
	c := s.serve(t)
	a := s.renamed("㓛田　毗子", "架空県架空市１", nil)
	_, err := c.At(at).Issue(t.Context(), a.wire, a.pins, false)
	var refused *client.Failure
	if !errors.As(err, &refused) || len(refused.Problems) != 2 {
		t.Fatalf("got %v", err)
	}
	several, none := refused.Problems[0], refused.Problems[1]
	if several.Code != "ORDER-SUBSTITUTE-CHOICE" || several.Field != "substitutes.name_choices.1" || !slices.Equal(several.Offer, []string{"功", "切"}) {
		t.Errorf("several candidates: %+v", several)
	}
	if none.Code != "ORDER-CERTIFICATE-CHARACTER" || none.Field != "substitutes.name_choices.4" || len(none.Offer) > 0 || !strings.Contains(none.Remedy, "kana") {
		t.Errorf("no candidate: %+v", none)
	}
	if strings.ContainsAny(err.Error(), "㓛功切毗") {
		t.Errorf("the error's text tells of the name: %v", err)
	}
	if n := len(s.press.Cards()); n != 0 {
		t.Errorf("%d cards left the hopper", n)
	}
	if jobs, err := c.Jobs(t.Context()); err != nil || len(jobs) != 0 {
		t.Errorf("%d jobs: %v", len(jobs), err)
	}
}
