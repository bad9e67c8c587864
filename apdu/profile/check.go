package profile

import (
	"fmt"
	"slices"
)

// check refuses a profile that contradicts itself: an entry without a source, a
// name twice, an access rule that names nothing, a file that cannot be
// addressed.
func (c *Card) check() error {
	if c.ID == "" || c.Version < 1 {
		return fmt.Errorf("id and version are needed")
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
	all := []factAt{{"limits", c.Limits.Fact}, {"issuer_domain", c.Domain.Fact}, {"writing", c.Writing.Fact}}
	for _, a := range c.ATRs {
		all = append(all, factAt{"atr " + a.Bytes.String(), a.Fact})
	}
	for _, o := range c.Domain.Objects {
		all = append(all, factAt{"object " + o.Name, o.Fact})
	}
	for _, p := range c.Products {
		all = append(all, factAt{"product " + p.Name, p.Fact})
	}
	for _, a := range c.Applications {
		all = append(all, factAt{a.Name, a.Fact})
		for _, f := range a.Files {
			all = append(all, factAt{a.Name + "/" + f.Name, f.Fact})
		}
		for _, r := range a.PINs {
			all = append(all, factAt{a.Name + "/" + r.Name, r.Fact})
		}
		for _, k := range a.Keys {
			all = append(all, factAt{a.Name + "/" + k.Name, k.Fact})
		}
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
	rules := []string{"free", "channel"}
	names := map[string]bool{}
	for _, r := range a.PINs {
		if names[r.Name] {
			return fmt.Errorf("name %q stands twice", r.Name)
		}
		names[r.Name] = true
		rules = append(rules, r.Name)
		if r.Tries < 1 || r.Tries > 15 || r.MinLen < 1 || r.MinLen > r.MaxLen || r.MaxLen > 32 {
			return fmt.Errorf("reference %q: tries are 1 to 15 and lengths 1 to 32", r.Name)
		}
	}
	for _, k := range a.Keys {
		if names[k.Name] {
			return fmt.Errorf("name %q stands twice", k.Name)
		}
		names[k.Name] = true
		for _, rule := range k.Use {
			if !slices.Contains(rules, rule) {
				return fmt.Errorf("key %q: use rule %q names no reference", k.Name, rule)
			}
		}
	}
	return a.checkFiles(rules)
}

func (a *Application) checkFiles(rules []string) error {
	names, ids := map[string]bool{}, map[FileID]bool{}
	for _, f := range a.Files {
		if names[f.Name] || ids[f.ID] {
			return fmt.Errorf("file %q (%v) stands twice", f.Name, f.ID)
		}
		names[f.Name], ids[f.ID] = true, true
		if f.Size < 0 || f.Size > 0x7FFF {
			return fmt.Errorf("file %q: READ BINARY reaches 32767 bytes", f.Name)
		}
		if f.Elastic && f.Size == 0 {
			return fmt.Errorf("file %q: an elastic file needs its greatest size", f.Name)
		}
		for _, rule := range slices.Concat(f.Read, f.Write) {
			if !slices.Contains(rules, rule) {
				return fmt.Errorf("file %q: access rule %q names no reference", f.Name, rule)
			}
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
