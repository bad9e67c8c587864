package order

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"jukicard/apdu/secret"
	"jukicard/cardd/juki"
	"jukicard/simulator/people"
)

// open shows a secret of an invented person.
func open(t testing.TB, s secret.Bytes) string {
	t.Helper()
	var out string
	if err := s.Lend(func(b []byte) error { out = string(b); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheOrderSaysWhatTheDocumentSays(t *testing.T) {
	o := parsed(t, "foreigner")
	r := o.Resident
	for name, pair := range map[string][2]string{
		"id":         {o.ID, "LAB-2026-0004"},
		"operation":  {o.Operation, Issue},
		"profile":    {o.Profile, "mynumber-1"},
		"product":    {string(o.Product), "standard"},
		"applied":    {o.Applied.String(), "2026-11-20"},
		"issued":     {o.Issued.String(), "2026-11-23"},
		"name":       {open(t, r.Name), "SAMPLE ALEX MARIA"},
		"former":     {open(t, r.FormerName), ""},
		"common":     {open(t, r.CommonName), "見本　アレックス"},
		"address":    {open(t, r.Address), "架空県架空市港町４－５－６　見本荘２０１"},
		"birth":      {r.Birth.Get().String(), "1992-11-05"},
		"sex":        {string(r.Sex.Get()), "female"},
		"stay":       {r.StayUntil.Get().String(), "2028-11-23"},
		"number":     {open(t, o.ReferenceA()), open(t, r.MyNumber)},
		"city":       {o.Municipality.City, "Kakuu-shi"},
		"prefecture": {o.Municipality.Prefecture, "Kakuu-ken"},
		"window":     {o.Municipality.Window, "99201003A"},
		"mayor":      {o.Municipality.Mayor, "架空市長"},
		"security":   {open(t, o.SecurityCode), "5636"},
		"certified":  {open(t, o.Certified.Name), "SAMPLE ALEX MARIA"},
		"flags":      {open(t, o.Certified.NameFlags), strings.Repeat("0", 17)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", name, pair[0], pair[1])
		}
	}
	if !r.Foreign.Get() || !o.Certificates.Signature || !o.Municipality.Invented() || o.Renews.Get() != nil {
		t.Error("nationality, wishes, municipality or renewal are wrong")
	}
	if (Municipality{Code: "13221"}).Invented() {
		t.Error("a real prefecture counts as invented")
	}
}

// TestNothingShowsThePerson tries every way by which data get out unmeant.
func TestNothingShowsThePerson(t *testing.T) {
	p, photo := person(t, "ivs")
	o, err := Parse(p.Order, photo, Checks{})
	if err != nil {
		t.Fatal(err)
	}
	canaries := []string{"邉", "葛", "吉邉", "髙見本", "1968", "68 12", "999900", "2031-12", "2036", "4312", "43-12", "43120120", open(t, o.SecurityCode), "female", "foreign:"}
	type hidden struct {
		inner    any
		order    *Order
		value    Order
		resident Resident
		birth    Private[juki.Date]
	}
	h := hidden{o, o, *o, o.Resident, o.Resident.Birth}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%08b"} {
		for _, v := range []any{o, *o, o.Resident, &o.Resident, o.Certified, o.Resident.Birth, o.Resident.Sex, o.derived, h, &h, []any{o}, map[string]any{"o": o.Resident}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	timeless := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{} // its nanoseconds are digits like a birthday's
		}
		return a
	}}
	log := slog.New(slog.NewJSONHandler(&out, timeless))
	log.Info("order", "order", o, "value", *o, "resident", o.Resident, "birth", o.Resident.Birth, "municipality", o.Municipality)
	slog.New(slog.NewTextHandler(&out, timeless)).Info("order", "order", o, "resident", o.Resident)
	for _, c := range canaries {
		if strings.Contains(out.String(), c) {
			t.Errorf("%q is shown", c)
		}
	}
	if !strings.Contains(out.String(), "order LAB-2026-0006 (issue, standard)") {
		t.Error("the order's own text is not shown")
	}
}

func TestNothingEncodesThePerson(t *testing.T) {
	o := parsed(t, "adult")
	for name, v := range map[string]any{
		"order": o, "value": *o, "resident": o.Resident, "birth": o.Resident.Birth, "in a list": []any{o.Resident.Sex},
	} {
		if b, err := json.Marshal(v); err == nil {
			t.Errorf("JSON of %s: %d bytes", name, len(b))
		}
		if b, err := cbor.Marshal(v); err == nil {
			t.Errorf("CBOR of %s: %d bytes", name, len(b))
		}
	}
	if err := gob.NewEncoder(&bytes.Buffer{}).Encode(o.Resident.Birth); err == nil {
		t.Error("gob of birth")
	}
	if _, err := o.Resident.Birth.MarshalText(); !errors.Is(err, secret.ErrMarshal) {
		t.Errorf("text of birth: %v", err)
	}
}

func TestDestroyDestroys(t *testing.T) {
	o := parsed(t, "ivs")
	r := o.Resident
	o.Destroy()
	for name, s := range map[string]secret.Bytes{
		"name": r.Name, "former name": r.FormerName, "address": r.Address, "my number": r.MyNumber, "resident code": r.ResidentCode,
		"photo": o.Photo, "security code": o.SecurityCode, "reference B": o.ReferenceB(), "certified name": o.Certified.Name,
		"certified address": o.Certified.Address,
	} {
		if err := s.Lend(func([]byte) error { return nil }); !errors.Is(err, secret.ErrDestroyed) {
			t.Errorf("%s lives on", name)
		}
	}
}

func TestNoSignatureNoCertifiedName(t *testing.T) {
	o := parsed(t, "face-auth")
	if o.Certified.Name.Len()+o.Certified.Address.Len() != 0 {
		t.Error("a name for a certificate that nobody ordered")
	}
	_, photo := person(t, "ivs")
	doc := documentOf(t, "ivs").with("certificates.signature", false).with("substitutes", absent{}).json(t)
	if _, err := Parse(doc, photo, Checks{}); err != nil {
		t.Errorf("substitutes are demanded for no certificate: %v", err)
	}
}

func TestEveryCodeIsExplained(t *testing.T) {
	if len(Codes()) != len(catalogue) {
		t.Error("Codes does not list the catalogue")
	}
	for _, code := range Codes() {
		rule, remedy, ja, ok := Explain(code)
		if !ok || rule == "" || remedy == "" || !strings.HasSuffix(ja, "。") || !strings.HasPrefix(code, "ORDER-") {
			t.Errorf("%s is not explained", code)
		}
		if strings.HasSuffix(rule, ".") || strings.HasSuffix(remedy, ".") {
			t.Errorf("%s ends in a period", code)
		}
	}
	if _, _, _, ok := Explain("JUKI-PIN-CLASS"); ok {
		t.Error("explains another's code")
	}
}

func TestEveryFieldHasItsJapaneseName(t *testing.T) {
	for _, name := range people.Names() {
		for field, v := range documentOf(t, name) {
			if inJapanese(field) == field {
				t.Errorf("no Japanese name for %s", field)
			}
			if object, ok := v.(map[string]any); ok {
				for inner := range object {
					if path := field + "." + inner; inJapanese(path) == path {
						t.Errorf("no Japanese name for %s", path)
					}
				}
			}
		}
	}
}

func TestRefuseWithoutATextPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"unknown code": func() { _ = refuse("ORDER-NOSUCH", "id") },
		"wrong arg":    func() { _ = refuse("ORDER-SIZE", "id", 1.5) },
	} {
		func() {
			defer func() {
				if r, ok := recover().(string); !ok || !strings.HasPrefix(r, "internal error:") {
					t.Errorf("%s: %v", name, r)
				}
			}()
			f()
		}()
	}
}
