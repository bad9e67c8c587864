package plan

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"jukicard/apdu/profile"
)

// Order is what is wanted of a card, with every content as a name, a length and
// a digest. It is made from a resident's order and holds nothing of the resident.
type Order struct {
	ID         string
	Product    string
	Files      []Content     // what stands in EFs
	Objects    []Content     // what stands in data objects of the issuer domain
	Keys       []KeyPair     // keys made on the card and certified
	References []ReferenceTo // PINs and 照合番号
	Print      bool          // the face is printed
	Entry      *Entry        // one entry is made on a card in use, and nothing else; nil for an issue
}

// Content is the wanted content of one EF or data object.
type Content struct {
	On     string // "text/number"
	Length int    // bytes
	Digest string // [Digest] of the bytes; empty when they depend on the card or the authority
	After  string // a step's ID that must come first, because the bytes depend on it
}

// KeyPair is a key to be made on the card, with the certificate for it.
type KeyPair struct {
	On      string // "jpki/sign-key"
	Cert    string // "jpki/sign-cert"
	Purpose string // the authority's word: "signature" or "authentication"
}

// ReferenceTo is reference data to be set.
type ReferenceTo struct {
	On     string // "jpki/sign-pin"
	Secret string // "pin:signature"
}

// onCard are the names of everything of the order that stands in an application.
func (o *Order) onCard() []string {
	var names []string
	for _, c := range o.Files {
		names = append(names, c.On)
	}
	for _, k := range o.Keys {
		names = append(names, k.On)
	}
	for _, r := range o.References {
		names = append(names, r.On)
	}
	return names
}

// check refuses an order that the profile cannot hold or that no plan could fulfil:
// what the planner does not find it would leave out in silence.
func (o *Order) check(p *profile.Card) error {
	seen := map[string]bool{}
	for _, on := range o.onCard() {
		if seen[on] {
			return fmt.Errorf("%s is wanted twice", on)
		}
		seen[on] = true
	}
	for _, k := range o.Keys {
		if err := k.check(p, seen[k.Cert]); err != nil {
			return err
		}
	}
	for _, r := range o.References {
		if err := r.check(p); err != nil {
			return err
		}
	}
	sources := o.sources(p)
	for _, c := range o.Files {
		if err := c.check(p, sources); err != nil {
			return err
		}
	}
	return o.checkObjects(p)
}

// sources are the steps that contents of the order may wait for.
func (o *Order) sources(p *profile.Card) map[string]bool {
	sources := map[string]bool{"": true}
	for _, k := range o.Keys {
		sources[stepID(Certify, k.Cert)] = true
	}
	for _, a := range p.Applications {
		for _, k := range a.Keys {
			sources[stepID(ReadKey, a.Name+"/"+k.Name)] = k.Made
		}
	}
	return sources
}

func (k KeyPair) check(p *profile.Card, certified bool) error {
	_, key, err := p.Key(k.On)
	switch {
	case err != nil:
		return err
	case key.Made:
		return fmt.Errorf("%s is the maker's key; it cannot be made at issue", k.On)
	case !certified:
		return fmt.Errorf("%s is certified and no file is wanted for its certificate %q", k.On, k.Cert)
	}
	return nil
}

func (r ReferenceTo) check(p *profile.Card) error {
	_, ref, err := p.Reference(r.On)
	switch {
	case err != nil:
		return err
	case ref.Class == "":
		return fmt.Errorf("%s is never set", r.On)
	case r.Secret == "":
		return fmt.Errorf("%s is wanted and no secret is named for it", r.On)
	}
	return nil
}

func (c Content) check(p *profile.Card, sources map[string]bool) error {
	a, f, err := p.File(c.On)
	switch {
	case err != nil:
		return err
	case a.Name+"/"+f.Name != c.On:
		return fmt.Errorf("%s has the name %s/%s in the profile", c.On, a.Name, f.Name)
	case !slices.Contains(f.Write, "channel"):
		return fmt.Errorf("%s is not written at issue", c.On)
	case c.Length < 1 || c.Length > f.Size:
		return fmt.Errorf("%s takes 1 to %d bytes, not %d", c.On, f.Size, c.Length)
	case !sources[c.After]:
		return fmt.Errorf("%s waits for the step %q, which no plan of this order has", c.On, c.After)
	}
	return nil
}

func (o *Order) checkObjects(p *profile.Card) error {
	seen := map[string]bool{}
	for _, c := range o.Objects {
		name, ok := strings.CutPrefix(c.On, domainPrefix)
		if _, known := p.Object(name); !ok || !known {
			return fmt.Errorf("profile %s has no data object %q", p.ID, c.On)
		}
		if seen[c.On] {
			return fmt.Errorf("%s is wanted twice", c.On)
		}
		seen[c.On] = true
		if c.Length < 1 || c.Length > payload(shortData) {
			return fmt.Errorf("%s takes 1 to %d bytes, not %d", c.On, payload(shortData), c.Length)
		}
	}
	return nil
}

// DigestLen is the length of a content digest in bytes.
const DigestLen = 16

// Digest is a keyed digest of content: HMAC-SHA-256 cut to 16 bytes, in hex. It
// is keyed, because a bare digest of a twelve-digit number is the number.
func Digest(key, content []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write(content)
	return hex.EncodeToString(m.Sum(nil)[:DigestLen])
}
