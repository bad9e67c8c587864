package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// check refuses a profile that contradicts itself: an entry without a source, a
// name twice, an access rule that names nothing, a file that cannot be
// addressed.
func (c *Card) check() error {
	if c.ID == "" || c.Version < 1 {
		return fmt.Errorf("id and version are needed")
	}
	if c.Label == "" || len(c.Label) > 32 {
		return fmt.Errorf("label has 1 to 32 characters")
	}
	if len(c.Domain.AID) < 5 || len(c.Domain.AID) > 16 {
		return fmt.Errorf("issuer_domain: an AID has 5 to 16 bytes")
	}
	if c.Limits.CommandData < 255 || c.Limits.CommandData > 65535 {
		return fmt.Errorf("limits: command_data is 255 to 65535")
	}
	for _, f := range c.facts() {
		if err := f.fact.check(); err != nil {
			return fmt.Errorf("%s: %w", f.at, err)
		}
	}
	if t := c.Terms; t.CertificateBirthdays < 1 || t.CertificateBirthdays > 10 || t.RenewalMonths < 1 || t.RenewalMonths > 12 || t.GraceMonths < 0 || t.GraceMonths > 12 {
		return fmt.Errorf("terms: certificates last 1 to 10 birthdays, renewal opens 1 to 12 months before, grace is at most 12 months")
	}
	if c.Face.Layout == "" {
		return fmt.Errorf("face: the name of its layout is needed")
	}
	if err := checkFiles(c.Domain.Files, []string{"free"}); err != nil {
		return fmt.Errorf("issuer_domain: %w", err)
	}
	seen := map[string]bool{}
	for i := range c.Applications {
		a := &c.Applications[i]
		if seen[a.Name] {
			return fmt.Errorf("application %q stands twice", a.Name)
		}
		seen[a.Name] = true
		if err := a.check(); err != nil {
			return fmt.Errorf("application %q: %w", a.Name, err)
		}
	}
	return c.checkProducts()
}

type factAt struct {
	at   string
	fact Fact
}

// facts lists every entry that must say where it comes from.
func (c *Card) facts() []factAt {
	all := []factAt{
		{"limits", c.Limits.Fact}, {"issuer_domain", c.Domain.Fact}, {"writing", c.Writing.Fact},
		{"terms", c.Terms.Fact}, {"face", c.Face.Fact},
	}
	for _, a := range c.ATRs {
		all = append(all, factAt{"atr " + a.Bytes.String(), a.Fact})
	}
	for _, o := range c.Domain.Objects {
		all = append(all, factAt{"object " + o.Name, o.Fact})
	}
	for _, f := range c.Domain.Files {
		all = append(all, factAt{"issuer_domain/" + f.Name, f.Fact})
	}
	for _, p := range c.Products {
		all = append(all, factAt{"product " + p.Name, p.Fact})
	}
	for i := range c.Applications {
		all = append(all, c.Applications[i].facts()...)
	}
	return all
}

func (a *Application) facts() []factAt {
	all := []factAt{{a.Name, a.Fact}}
	for _, f := range a.Files {
		all = append(all, factAt{a.Name + "/" + f.Name, f.Fact})
	}
	for _, r := range a.PINs {
		all = append(all, factAt{a.Name + "/" + r.Name, r.Fact})
	}
	for _, k := range a.Keys {
		all = append(all, factAt{a.Name + "/" + k.Name, k.Fact})
	}
	if a.Messaging != nil {
		all = append(all, factAt{a.Name + "/messaging", a.Messaging.Fact})
	}
	for _, w := range a.Answers {
		all = append(all, factAt{a.Name + "/answer " + w.Command.String(), w.Fact})
	}
	return all
}

func (f Fact) check() error {
	if f.Source == "" {
		return fmt.Errorf("source is missing; name where the entry comes from")
	}
	if !slices.Contains([]Confidence{Confirmed, OneSource, Inferred, Unknown, Ours}, f.Confidence) {
		return fmt.Errorf("confidence %q is none of C2, S1, INF, UNK, ours", f.Confidence)
	}
	return nil
}

func (a *Application) check() error {
	if len(a.AID) < 5 || len(a.AID) > 16 {
		return fmt.Errorf("an AID has 5 to 16 bytes")
	}
	if len(a.PINs) > 32 {
		return fmt.Errorf("an application has at most 32 references")
	}
	rules := []string{"free", "channel"}
	for _, r := range a.PINs {
		rules = append(rules, r.Name)
		if err := r.check(); err != nil {
			return fmt.Errorf("reference %q: %w", r.Name, err)
		}
	}
	for _, k := range a.Keys {
		if err := cmp.Or(checkRules(rules, k.Use), a.checkKey(&k)); err != nil {
			return fmt.Errorf("key %q: %w", k.Name, err)
		}
	}
	if err := checkFiles(a.Files, rules); err != nil {
		return err
	}
	if err := a.checkIDs(); err != nil {
		return err
	}
	return a.checkMechanisms()
}

// checkKey wants a known type and, of a key that is certified, a file for the certificate.
func (a *Application) checkKey(k *Key) error {
	_, known := algorithms[k.Type]
	isFile := slices.ContainsFunc(a.Files, func(f File) bool { return f.Name == k.Certificate && f.Kind == Transparent })
	switch {
	case !known:
		return fmt.Errorf("type %q is none of %s", k.Type, strings.Join(knownTypes(), ", "))
	case (k.Certificate != "") != (k.Purpose != ""):
		return fmt.Errorf("certificate and purpose belong together")
	case k.Certificate != "" && (!isFile || k.Made):
		return fmt.Errorf("certificate %q is no file, or the key is the maker's", k.Certificate)
	case k.Purpose != "" && k.Purpose != "signature" && k.Purpose != "authentication":
		return fmt.Errorf("purpose %q is none of signature, authentication", k.Purpose)
	}
	return nil
}

func (r *Reference) check() error {
	switch {
	case r.Tries < 1 || r.Tries > 15 || r.MinLen < 1 || r.MinLen > r.MaxLen || r.MaxLen > 32:
		return fmt.Errorf("tries are 1 to 15 and lengths 1 to 32")
	case r.Alphabet != "digits" && r.Alphabet != "upper-alnum":
		return fmt.Errorf("alphabet %q is none of digits, upper-alnum", r.Alphabet)
	case r.Change != "" && r.Change != "reference-data" && r.Change != "key":
		return fmt.Errorf("change %q is none of reference-data, key", r.Change)
	}
	return nil
}

func checkRules(known, used []string) error {
	for _, rule := range used {
		if !slices.Contains(known, rule) {
			return fmt.Errorf("access rule %q names no reference", rule)
		}
	}
	return nil
}

func checkFiles(files []File, rules []string) error {
	for _, f := range files {
		if err := f.check(); err != nil {
			return fmt.Errorf("file %q: %w", f.Name, err)
		}
		if err := checkRules(rules, slices.Concat(f.Read, f.Write)); err != nil {
			return fmt.Errorf("file %q: %w", f.Name, err)
		}
	}
	return nil
}

func (f *File) check() error {
	switch {
	case !slices.Contains([]FileKind{Transparent, Record, Internal, Opaque}, f.Kind):
		return fmt.Errorf("kind %q is none of transparent, record, internal, unknown", f.Kind)
	case f.Size < 0 || f.Size > 0x7FFF:
		return fmt.Errorf("READ BINARY reaches 32767 bytes")
	case f.Kind == Record && (f.Size < 1 || f.Size > 255):
		return fmt.Errorf("a record has 1 to 255 bytes")
	case f.Elastic && f.Size == 0:
		return fmt.Errorf("an elastic file needs its greatest size")
	}
	return nil
}

// checkIDs refuses one name for two objects, and two objects in one EF: files,
// references and keys share the names and the identifiers of their application. Keys
// without an EF have 0000.
func (a *Application) checkIDs() error {
	names, ids := map[string]bool{}, map[FileID]string{}
	claim := func(id FileID, name string) error {
		if names[name] {
			return fmt.Errorf("name %q stands twice", name)
		}
		names[name] = true
		if other, taken := ids[id]; taken && id != 0 {
			return fmt.Errorf("%q and %q both are EF %v; it stands twice", other, name, id)
		}
		ids[id] = name
		return nil
	}
	var err error
	for _, f := range a.Files {
		err = cmp.Or(err, claim(f.ID, f.Name))
	}
	for _, r := range a.PINs {
		err = cmp.Or(err, claim(r.ID, r.Name))
	}
	for _, k := range a.Keys {
		err = cmp.Or(err, claim(k.ID, k.Name))
	}
	return err
}

func (a *Application) checkMechanisms() error {
	if m := a.Messaging; m != nil {
		if !slices.ContainsFunc(a.Files, func(f File) bool { return f.Name == m.Key }) {
			return fmt.Errorf("messaging: key %q is no file", m.Key)
		}
		if !slices.ContainsFunc(a.PINs, func(r Reference) bool { return r.Name == m.After }) {
			return fmt.Errorf("messaging: after %q is no reference", m.After)
		}
	}
	for _, w := range a.Answers {
		if len(w.Command) < 2 || len(w.Command) > 4 || len(w.SW) != 2 {
			return fmt.Errorf("answer %v: a command has 2 to 4 bytes and a status word 2", w.Command)
		}
	}
	return nil
}

func (c *Card) checkProducts() error {
	seen := map[string]bool{}
	for _, p := range c.Products {
		if seen[p.Name] {
			return fmt.Errorf("product %q stands twice", p.Name)
		}
		seen[p.Name] = true
		for _, path := range p.Omit {
			if !c.has(path) {
				return fmt.Errorf("product %q omits %q, which is nothing on the card", p.Name, path)
			}
		}
	}
	return nil
}

// has says whether path names a file, a reference or a key.
func (c *Card) has(path string) bool {
	if _, _, err := c.File(path); err == nil {
		return true
	}
	if _, _, err := c.Reference(path); err == nil {
		return true
	}
	_, _, err := c.Key(path)
	return err == nil
}
