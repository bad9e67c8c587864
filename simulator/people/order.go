package people

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"
)

// form is order.json, version 1, in the order in which a clerk reads it.
type form struct {
	Version      int          `json:"version"`
	ID           string       `json:"id"`
	Operation    string       `json:"operation"`
	Profile      string       `json:"profile"`
	Product      string       `json:"product"`
	Applied      string       `json:"applied_on"`
	Issued       string       `json:"issued_on"`
	Renews       string       `json:"renews_card_expiring_on,omitempty"`
	Resident     resident     `json:"resident"`
	Municipality municipality `json:"municipality"`
	Certificates certificates `json:"certificates"`
	SecurityCode string       `json:"security_code"`
	Photo        string       `json:"photo,omitempty"`
	Substitutes  *substitutes `json:"substitutes,omitempty"`
}

type resident struct {
	Name         string `json:"name"`
	FormerName   string `json:"former_name,omitempty"`
	CommonName   string `json:"common_name,omitempty"`
	NameRomaji   string `json:"name_romaji,omitempty"`
	NameKana     string `json:"name_kana,omitempty"`
	Address      string `json:"address"`
	Birth        string `json:"birth"`
	Sex          string `json:"sex"`
	MyNumber     string `json:"my_number"`
	ResidentCode string `json:"resident_code"`
	Nationality  string `json:"nationality"`
	StayUntil    string `json:"stay_until,omitempty"`
}

type municipality struct {
	Code       string `json:"code"`
	Name       string `json:"name"`
	Mayor      string `json:"mayor"`
	Prefecture string `json:"prefecture_romaji"`
	City       string `json:"city_romaji"`
	Window     string `json:"window"`
}

type certificates struct {
	Signature      bool `json:"signature"`
	Authentication bool `json:"authentication"`
}

type substitutes struct {
	Name         string `json:"name,omitempty"`
	NameFlags    string `json:"name_flags,omitempty"`
	Address      string `json:"address,omitempty"`
	AddressFlags string `json:"address_flags,omitempty"`
}

// kakuu is 架空市 in 架空県, the imaginary city; its window code is the city's code
// and 003A, the form seen in public descriptions of certificates.
var kakuu = municipality{
	Code: "99201", Name: "架空市", Mayor: "架空市長",
	Prefecture: "Kakuu-ken", City: "Kakuu-shi", Window: "99201003A",
}

// japan is Japan's civil time.
var japan = time.FixedZone("JST", 9*60*60)

// person fills everything in for the character at a place of the roster.
func (c character) person(place int, today time.Time) Person {
	y, m, d := today.In(japan).Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	p := Person{Name: c.name, About: c.about, Order: indented(c.form(place, day)), PINs: indented(c.pins)}
	if c.look != nil {
		p.Photo = portraitOf(place, *c.look)
	}
	return p
}

// form is the character's order, applied for three days before the day of issue.
func (c character) form(place int, day time.Time) form {
	r := c.resident
	r.Birth, r.MyNumber, r.ResidentCode = c.birth(day), myNumber(place+1), residentCode(place+1)
	if r.Nationality == "" {
		r.Nationality = "japanese"
	}
	f := form{
		Version: 1, ID: fmt.Sprintf("LAB-%d-%04d", day.Year(), place+1),
		Operation: "issue", Profile: cmp.Or(c.profile, "mynumber-1"), Product: c.product,
		Applied: date(day.AddDate(0, 0, -3)), Issued: date(day),
		Resident: r, Municipality: kakuu, Certificates: c.certificates,
		SecurityCode: fmt.Sprintf("%04d", (2285+1117*place)%10000), Substitutes: c.substitutes,
	}
	if c.look != nil {
		f.Photo = "photo.jpg"
	}
	if c.stay {
		f.Resident.StayUntil = date(day.AddDate(2, 0, 0))
	}
	if c.renews {
		f.Renews = date(day.AddDate(0, 0, 40))
	}
	return f
}

func date(t time.Time) string { return t.Format(time.DateOnly) }

// indented is v as JSON for people to read.
func indented(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("internal error: a person has no JSON form: " + err.Error())
	}
	return append(b, '\n')
}
