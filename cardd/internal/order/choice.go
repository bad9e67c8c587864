package order

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"jukicard/apdu/secret"
	"jukicard/cardd/juki"
	"jukicard/pki/substitute"
)

// Choice is what a person chose for one character that no certificate can have and for
// which there is not exactly one substitute: what, who and when. It stays with the
// order.
type Choice struct {
	Field   string       // "name" or "address"
	Place   int          // of the character in the resident's text, from 1; a selector does not count
	Written secret.Bytes // one of the candidates, or kana
	By      string       // who chose
	At      time.Time    // when, to the second
}

// choiceByMax is the most bytes of a person's name or number, as elsewhere in the API.
const choiceByMax = 64

// settled writes a text as the certificate has it, with what was chosen. Where a
// certificate with personal data is ordered, a place without a choice is refused, each
// by itself, with the candidates.
func (r *reader) settled(f form, name string, original secret.Bytes, most int, c *Certified) (value, flags secret.Bytes) {
	_ = original.Lend(func(b []byte) error { // just made
		chosen := r.choices(f, name, view(b), c)
		whole := true
		text, marks, _ := substitute.Certify(view(b), func(place int, found substitute.Finding) string {
			to, there := chosen[place]
			if !there && r.order.Certificates.Signature {
				r.problems.note(missing(f, name, place, found))
			}
			whole = whole && to != ""
			return to
		})
		if whole && len(marks) > most {
			r.problems.noteErr(juki.CheckText("resident."+name, view(text), most), "resident."+name, "ORDER-FIELD-LONG")
		}
		value, flags = secret.New(text), secret.New(marks)
		clear(text)
		clear(marks)
		return nil
	})
	return value, flags
}

// missing is the problem of a place where nobody has chosen.
func missing(f form, name string, place int, found substitute.Finding) *juki.InputError {
	code := "ORDER-CERTIFICATE-CHARACTER"
	if found.Outcome == substitute.Several {
		code = "ORDER-SUBSTITUTE-CHOICE"
	}
	field, of := f.field(name+"_choices")+"."+strconv.Itoa(place), "resident."+name
	return offering(refuse(code, field, of, place, inJapanese(of)), found)
}

// offering adds the candidates to a problem.
func offering(e *juki.InputError, found substitute.Finding) *juki.InputError {
	for _, c := range found.Candidates {
		e.Offer = append(e.Offer, string(c.Char))
	}
	return e
}

// choices reads what was chosen for a text, an object by places. A choice for a place
// that needs none is refused: it would be a name written otherwise than anybody
// reading the rules expects. What is refused reads as "".
func (r *reader) choices(f form, name, original string, c *Certified) map[int]string {
	if !f.has(name + "_choices") {
		return nil
	}
	open, places := openPlaces(original)
	if len(places) == 0 {
		r.problems.note(refuse("ORDER-CHOICE-NEEDLESS", f.field(name+"_choices")))
		return nil
	}
	all := f.object(name+"_choices", optional, places...)
	chosen := map[int]string{}
	for _, p := range places {
		place, _ := strconv.Atoi(p)
		if !all.has(p) {
			continue
		}
		one := r.choice(all.object(p, required, "to", "by", "at"), open[place])
		one.Field, one.Place = name, place
		c.Choices = append(c.Choices, one)
		_ = one.Written.Lend(func(b []byte) error { chosen[place] = string(b); return nil }) // kana of one character
	}
	return chosen
}

// openPlaces are the places of a text where a person must choose, as numbers and as
// names of fields.
func openPlaces(text string) (open map[int]substitute.Finding, places []string) {
	open = map[int]substitute.Finding{}
	for place, s := range substitute.Characters(text) {
		if found := substitute.Of(s); !found.Settled() {
			open[place] = found
			places = append(places, strconv.Itoa(place))
		}
	}
	return open, places
}

// choice reads one choice.
func (r *reader) choice(f form, found substitute.Finding) Choice {
	var c Choice
	if to := f.text("to", required); to != nil {
		if err := found.CheckChoice(view(to)); err != nil {
			r.problems.note(offering(refuse(choiceCodes[err], f.field("to"), substitute.KanaMax), found))
		} else {
			c.Written = secret.New(to)
		}
	}
	c.By = f.plain("by", "ORDER-CHOICE-BY", fitPerson)
	at := f.plain("at", "ORDER-CHOICE-AT", func(s string) bool {
		t, err := time.Parse(time.RFC3339, s)
		return err == nil && t.Nanosecond() == 0 && !beforeDay(t, r.order.Applied)
	})
	c.At, _ = time.Parse(time.RFC3339, at) // judged above; zero where it was refused
	return c
}

// choiceCodes are the codes of what can be wrong with a choice.
var choiceCodes = map[error]string{
	substitute.ErrCandidate: "ORDER-CHOICE-CANDIDATE",
	substitute.ErrKana:      "ORDER-CHOICE-KANA",
	substitute.ErrText:      "ORDER-CHOICE-TEXT",
}

// fitPerson accepts who chose: a name or number of an operator, and no 個人番号.
func fitPerson(s string) bool {
	return len(s) <= choiceByMax && utf8.ValidString(s) && juki.CheckText("by", s, 0) == nil &&
		s == strings.TrimSpace(s) && !digitsInRow(s, 10)
}

var japan = time.FixedZone("JST", 9*60*60)

// beforeDay reports whether t is before a day of Japan's calendar; nothing is before
// a day that could not be read.
func beforeDay(t time.Time, d juki.Date) bool {
	return d != juki.Date{} && t.Before(time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, japan))
}

// characters splits text as a clerk does, a selector with its base.
func characters(s string) []string {
	var out []string
	for _, c := range substitute.Characters(s) {
		out = append(out, c.String())
	}
	return out
}

// destroy clears what is personal.
func (c Certified) destroy() {
	for _, s := range []secret.Bytes{c.Name, c.NameFlags, c.Address, c.AddressFlags} {
		s.Destroy()
	}
	for _, one := range c.Choices {
		one.Written.Destroy()
	}
}
