package order

import (
	"errors"
	"testing"
	"time"

	"jukicard/cardd/juki"
	"jukicard/simulator/people"
)

var today = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

// person is an invented one and the fetcher of the photograph.
func person(t testing.TB, name string) (people.Person, func(string) ([]byte, error)) {
	t.Helper()
	p, err := people.Get(name, today)
	if err != nil {
		t.Fatal(err)
	}
	return p, func(file string) ([]byte, error) {
		if file != "photo.jpg" || p.Photo == nil {
			return nil, errors.New("no such file")
		}
		return append([]byte{}, p.Photo...), nil
	}
}

// parsed is the person's order.
func parsed(t testing.TB, name string) *Order {
	t.Helper()
	p, photo := person(t, name)
	o, err := Parse(p.Order, photo, Checks{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return o
}

func TestEverybodyIsAccepted(t *testing.T) {
	for _, name := range append(people.Names(), people.Upcoming()...) {
		for _, day := range []time.Time{today, time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2036, 3, 1, 0, 0, 0, 0, time.UTC)} {
			p, err := people.Get(name, day)
			if err != nil {
				t.Fatal(err)
			}
			o, err := Parse(p.Order, func(string) ([]byte, error) { return append([]byte{}, p.Photo...), nil }, Checks{})
			if err != nil {
				t.Errorf("%s on %s: %v", name, day.Format(time.DateOnly), err)
				continue
			}
			pins, err := ParsePINs(p.PINs)
			if err != nil {
				t.Errorf("%s on %s: %v", name, day.Format(time.DateOnly), err)
				continue
			}
			if err := pins.Check(o.Eligibility()); err != nil {
				t.Errorf("%s on %s: %v", name, day.Format(time.DateOnly), err)
			}
		}
	}
}

// TestDerived holds what follows from an order against days reckoned by hand.
func TestDerived(t *testing.T) {
	day := func(s string) juki.Date {
		if s == "" {
			return juki.Date{}
		}
		d, err := juki.ParseDate(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	rows := []struct {
		person                          string
		card, signature, authentication string
		referenceB                      string
		pins                            int
	}{
		{"adult", "2036-02-17", "2031-02-17", "2031-02-17", "55021720362285", 4},     // 昭和55年
		{"under15", "2031-10-14", "", "2031-10-14", "28101420313402", 3},             // 平成28年
		{"infant", "2031-06-26", "", "2031-06-26", "08062620314519", 3},              // 令和8年
		{"foreigner", "2028-11-23", "2028-11-23", "2028-11-23", "92110520285636", 4}, // Gregorian year; end of stay
		{"permanent", "2036-07-30", "2031-07-30", "2031-07-30", "75073020366753", 4},
		{"face-auth", "2036-03-09", "", "2031-03-09", "23030920360104", 0},
		{"opted-out", "2036-06-15", "", "", "62061520361221", 2},
		{"elderly", "2036-05-03", "2031-05-03", "2031-05-03", "06050320362338", 4},
		{"leapday", "2036-02-29", "2031-02-28", "2031-02-28", "63022920363455", 4},
		{"renewal", "2037-10-10", "2031-10-10", "2031-10-10", "02101020375689", 4}, // 平成2年; one birthday more
	}
	for _, row := range rows {
		t.Run(row.person, func(t *testing.T) {
			o := parsed(t, row.person)
			if o.CardExpiry() != day(row.card) {
				t.Errorf("card until %v", o.CardExpiry())
			}
			if d, ok := o.SignatureExpiry(); d != day(row.signature) || ok != (row.signature != "") {
				t.Errorf("signature until %v, %v", d, ok)
			}
			if d, ok := o.AuthenticationExpiry(); d != day(row.authentication) || ok != (row.authentication != "") {
				t.Errorf("authentication until %v, %v", d, ok)
			}
			if got := open(t, o.ReferenceB()); got != row.referenceB {
				t.Errorf("reference B is %s", got)
			}
			if n := len(o.Eligibility().PINs); n != row.pins {
				t.Errorf("%d PINs", n)
			}
		})
	}
}

// TestTheNextCardsTerms: two PINs, certificates until the tenth birthday and a card a month
// longer.
func TestTheNextCardsTerms(t *testing.T) {
	o := parsed(t, "next-adult")
	defer o.Destroy()
	if got := o.Eligibility().PINs; len(got) != 2 || got[0] != juki.PINSignature || got[1] != juki.PINAuthentication {
		t.Errorf("PINs %v", got)
	}
	last, ok := o.SignatureExpiry()
	born := o.Resident.Birth.Get()
	if !ok || last.Year != o.Issued.Year+10 || last.Month != born.Month || last.Day != born.Day {
		t.Errorf("the certificate's last day is %v", last)
	}
	if card := o.CardExpiry(); card != last.AddMonths(1) {
		t.Errorf("the card's last day is %v, its last birthday %v", card, last)
	}
	for name, want := range map[string]int{"next-under15": 1, "next-infant": 1, "next-opted-out": 1, "next-face-auth": 0} {
		if got := parsed(t, name).Eligibility().PINs; len(got) != want {
			t.Errorf("%s sets %v", name, got)
		}
	}
}
