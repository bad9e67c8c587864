package station

import (
	"slices"
	"strings"

	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
	"jukicard/pki"
	"jukicard/printer/face"
)

// What differs between generations of card is read from their profiles here, and asked
// nowhere else.

// reference is a path of the profile that reference data of that name is set on.
type reference struct {
	on, name string
	class    juki.PINClass // empty where the holder does not choose
}

// pinSecret begins the name of a PIN in plans, before its class.
const pinSecret = "pin:"

// references are all that the profile's card can have set: the PINs in the order of the
// setting form, then what follows from the resident's data, in the profile's order.
func references(p *profile.Card) []reference {
	var pins, others []reference
	for _, a := range p.Applications {
		for _, r := range a.PINs {
			ref := reference{on: a.Name + "/" + r.Name, name: r.Class}
			switch class := juki.PINClass(r.Class); {
			case r.Class == "": // never set
			case slices.Contains(juki.PINClasses, class):
				ref.name, ref.class = pinSecret+r.Class, class
				pins = append(pins, ref)
			default:
				others = append(others, ref)
			}
		}
	}
	slices.SortStableFunc(pins, func(a, b reference) int {
		return slices.Index(juki.PINClasses, a.class) - slices.Index(juki.PINClasses, b.class)
	})
	return append(pins, others...)
}

// chosen is the class of the reference data of that name, where the holder chooses it.
func chosen(name string) (juki.PINClass, bool) {
	class, ok := strings.CutPrefix(name, pinSecret)
	return juki.PINClass(class), ok && slices.Contains(juki.PINClasses, juki.PINClass(class))
}

// referenceValues are the reference data that follow from an order, by their class.
var referenceValues = map[string]func(o *order.Order) (secret.Bytes, error){
	"reference-a": func(o *order.Order) (secret.Bytes, error) { return o.ReferenceA(), nil },
	"reference-b": func(o *order.Order) (secret.Bytes, error) { return o.ReferenceB(), nil },
	"reference-6": func(o *order.Order) (secret.Bytes, error) {
		text, err := juki.ShortReference(o.CardExpiry().Year, lent(o.SecurityCode))
		return secret.FromString(text), err
	},
	"birth": func(o *order.Order) (secret.Bytes, error) {
		text, err := juki.BirthReference(o.Resident.Birth.Get(), o.Resident.Foreign.Get())
		return secret.FromString(text), err
	},
}

func referenceValue(o *order.Order, class string) (secret.Bytes, error) {
	value, ok := referenceValues[class]
	if !ok {
		return secret.Bytes{}, failure.New(failure.StationContent, "the plan names a secret nobody knows", nil)
	}
	b, err := value(o)
	if err != nil {
		return secret.Bytes{}, failure.New(failure.StationContent, err.Error(), err)
	}
	return b, nil
}

// sealedClass is the class of the reference data that the chip also holds encrypted.
func sealedClass(p *profile.Card) string {
	for _, a := range p.Applications {
		for _, f := range a.Files {
			if f.Seals != "" {
				return f.Seals
			}
		}
	}
	return ""
}

// certifiedKey is a key of the profile that gets a certificate.
type certifiedKey struct {
	key, cert string
	purpose   pki.Purpose
	algorithm pki.Algorithm
}

// certified are the keys of a profile that get certificates, the one for signatures first.
func certified(p *profile.Card) []certifiedKey {
	var all []certifiedKey
	for _, a := range p.Applications {
		for _, k := range a.Keys {
			if k.Certificate != "" {
				all = append(all, certifiedKey{
					key: a.Name + "/" + k.Name, cert: a.Name + "/" + k.Certificate,
					purpose: pki.Purpose(k.Purpose), algorithm: pki.Algorithm(k.Type),
				})
			}
		}
	}
	order := []pki.Purpose{pki.Signature, pki.Authentication}
	slices.SortStableFunc(all, func(a, b certifiedKey) int { return slices.Index(order, a.purpose) - slices.Index(order, b.purpose) })
	return all
}

// layout is what the generation's face is printed by.
func (s *Station) layout(p *profile.Card) (*face.Layout, error) {
	if s.c.Layout != nil && s.c.Layout.Name == p.Face.Layout {
		return s.c.Layout, nil
	}
	l, err := face.NewestLayout(p.Face.Layout)
	if err != nil {
		return nil, failure.New(failure.StationContent, err.Error(), err)
	}
	return l, nil
}
