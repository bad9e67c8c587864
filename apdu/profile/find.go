package profile

import (
	"bytes"
	"cmp"
	"slices"
)

// All are the embedded profiles in the order of their ids, read once a process: nobody may
// change what it gives.
func All() ([]*Card, error) {
	var all []*Card
	for _, id := range IDs() {
		c, err := Shared(id)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Interface is where cards of the generation give that answer to reset, "contact" or
// "contactless"; empty where they are not known by it. Others give it too, so it is a hint:
// only a card's applications tell what it is.
func (c *Card) Interface(atr []byte) string {
	for _, a := range c.ATRs {
		if bytes.Equal(a.Bytes, atr) {
			return a.Interface
		}
	}
	return ""
}

// Made finds the file whose content that recipe makes, as "app/file": one that names it, or
// that names none and has it for its path. ok is false where the generation has no such
// content.
func (c *Card) Made(recipe string) (path string, ok bool) {
	for i := range c.Applications {
		a := &c.Applications[i]
		for j := range a.Files {
			at := a.Name + "/" + a.Files[j].Name
			if cmp.Or(a.Files[j].Recipe, at) == recipe {
				return at, true
			}
		}
	}
	return "", false
}

// ReferenceFor finds the first reference of a class, as "app/reference", or else the first
// that covers it. ok is false where the generation has none.
func (c *Card) ReferenceFor(class string) (path string, ok bool) {
	for _, serves := range []func(*Reference, string) bool{(*Reference).is, (*Reference).covers} {
		for i := range c.Applications {
			a := &c.Applications[i]
			if r := a.reference(class, serves); r != nil {
				return a.Name + "/" + r.Name, true
			}
		}
	}
	return "", false
}

// ReferenceFor finds the application's reference of a class, or else the one that covers
// it; nil when it has none.
func (a *Application) ReferenceFor(class string) *Reference {
	return cmp.Or(a.reference(class, (*Reference).is), a.reference(class, (*Reference).covers))
}

func (a *Application) reference(class string, serves func(*Reference, string) bool) *Reference {
	for i := range a.PINs {
		if serves(&a.PINs[i], class) {
			return &a.PINs[i]
		}
	}
	return nil
}

func (r *Reference) is(class string) bool     { return class != "" && r.Class == class }
func (r *Reference) covers(class string) bool { return slices.Contains(r.Covers, class) }

// DefaultKey is the key that the application itself signs with; nil when it has none.
func (a *Application) DefaultKey() *Key {
	for i := range a.Keys {
		if a.Keys[i].Default {
			return &a.Keys[i]
		}
	}
	return nil
}
