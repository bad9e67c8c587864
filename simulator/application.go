package simulator

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"fmt"
	"slices"

	"jukicard/apdu"
	"jukicard/apdu/profile"
)

// application is one DF: an AP of the profile, or the issuer domain, which is what
// answers when no AP is selected.
type application struct {
	name     string
	aid      []byte
	index    int // number in the personalisation state: 0 the domain, 1 the first AP
	short    [31]*element
	elements []*element
	keys     []*key
	fallback *key // 80 2A 00 00 signs with it

	messaging *messaging
	answers   []profile.Answer
	objects   []*object // GET DATA; the domain has them all
}

// element is one EF, whatever it holds.
type element struct {
	id        profile.FileID
	path      string // "jpki/sign-cert"
	file      *file  // transparent or record, else nil
	reference *reference
	key       *key
	opaque    bool // the public does not know what it is
}

// file is the content of a transparent EF (content) or a record EF (records).
type file struct {
	record  bool
	size    int // physical: of the file, or of one record
	elastic bool
	read    access
	write   bool // inside the channel

	content []byte // size bytes, FF where unwritten
	limit   int    // READ BINARY ends here: size, or the end of an elastic file
	high    int    // end of what was written
	records [][]byte
	written bool
	made    bool
}

// reference is a PIN or a 照合番号.
type reference struct {
	profile.Reference
	bit   uint32 // in session.verified
	value []byte // nil: never set
	left  int    // tries
}

// key is an asymmetric key pair of an AP.
type key struct {
	profile.Key
	path    string
	kind    keyKind
	use     access
	private crypto.Signer // nil: none
}

// messaging is an AP's own secure messaging.
type messaging struct {
	path    string // of the file that publishes the key
	after   uint32 // the reference's bit
	private *rsa.PrivateKey
}

// object is one data object of GET DATA.
type object struct {
	profile.DataObject
	value []byte // nil: absent
}

// access is an access rule: any one of its conditions suffices.
type access struct {
	free       bool
	channel    bool // inside the channel, until the lock
	references uint32
}

// allowed says whether an access rule is met now.
func (c *Card) allowed(a access) bool {
	return a.free || c.verified&a.references != 0 || a.channel && c.secured && c.life == c.profile.Domain.Blank
}

// build makes the applications of the profile, all empty.
func (c *Card) build() error {
	d := &c.profile.Domain
	c.domain = &application{aid: d.AID}
	for i := range d.Files {
		c.domain.addFile("", &d.Files[i], access{free: true})
	}
	for _, o := range d.Objects {
		c.domain.objects = append(c.domain.objects, &object{DataObject: o})
	}
	for i := range c.profile.Applications {
		a, err := newApplication(i+1, &c.profile.Applications[i])
		if err != nil {
			return err
		}
		c.apps = append(c.apps, a)
	}
	c.all = append([]*application{c.domain}, c.apps...)
	return nil
}

func newApplication(index int, p *profile.Application) (*application, error) {
	a := &application{name: p.Name, aid: p.AID, index: index, answers: p.Answers}
	bits := map[string]uint32{}
	for i := range p.PINs {
		bits[p.PINs[i].Name] = 1 << i
		a.addReference(&p.PINs[i], 1<<i)
	}
	for i := range p.Files {
		a.addFile(p.Name+"/", &p.Files[i], rule(p.Files[i].Read, bits))
	}
	for i := range p.Keys {
		if err := a.addKey(&p.Keys[i], rule(p.Keys[i].Use, bits)); err != nil {
			return nil, err
		}
	}
	if m := p.Messaging; m != nil {
		a.messaging = &messaging{path: p.Name + "/" + m.Key, after: bits[m.After]}
	}
	return a, nil
}

// rule turns the names of an access rule into bits.
func rule(names []string, bits map[string]uint32) access {
	var a access
	for _, name := range names {
		switch name {
		case "free":
			a.free = true
		case "channel":
			a.channel = true
		default:
			a.references |= bits[name]
		}
	}
	return a
}

func (a *application) addReference(p *profile.Reference, bit uint32) {
	a.add(&element{id: p.ID, path: a.name + "/" + p.Name, reference: &reference{Reference: *p, bit: bit}})
}

func (a *application) addFile(prefix string, p *profile.File, read access) {
	e := &element{id: p.ID, path: prefix + p.Name, opaque: p.Kind == profile.Opaque}
	if p.Kind == profile.Transparent || p.Kind == profile.Record {
		e.file = newFile(p, read)
	}
	a.add(e)
}

func newFile(p *profile.File, read access) *file {
	f := &file{
		record:  p.Kind == profile.Record,
		size:    p.Size,
		elastic: p.Elastic,
		read:    read,
		write:   slices.Contains(p.Write, "channel"),
		made:    p.Made,
	}
	f.content = bytes.Repeat([]byte{0xFF}, p.Size)
	if f.record {
		f.records = [][]byte{f.content}
	} else if !f.elastic {
		f.limit = p.Size
	}
	return f
}

func (a *application) addKey(p *profile.Key, use access) error {
	k := &key{Key: *p, path: a.name + "/" + p.Name, use: use}
	var err error
	if k.kind, err = kindOf(p.Type); err != nil {
		return fmt.Errorf("cannot build key %s: %w", k.path, err)
	}
	a.keys = append(a.keys, k)
	if p.Default {
		a.fallback = k
	}
	if p.ID != 0 {
		a.add(&element{id: p.ID, path: k.path, key: k})
	}
	return nil
}

// add puts e where SELECT and short identifiers find it.
func (a *application) add(e *element) {
	a.elements = append(a.elements, e)
	if sfi := e.id.SFI(); sfi != 0 {
		a.short[sfi] = e
	}
}

// byID finds an EF by its two-byte identifier; nil when there is none.
func (a *application) byID(id profile.FileID) *element {
	for _, e := range a.elements {
		if e.id == id {
			return e
		}
	}
	return nil
}

// keyByRef finds the key whose EF has this short identifier, or for 0 the default key.
func (a *application) keyByRef(ref byte) *key {
	if ref == 0 {
		return a.fallback
	}
	if int(ref) < len(a.short) && a.short[ref] != nil {
		return a.short[ref].key
	}
	return nil
}

func (a *application) objectByTag(tag profile.FileID) *object {
	for _, o := range a.objects {
		if o.Tag == tag {
			return o
		}
	}
	return nil
}

// fixedAnswer is what the profile says an AP answers to a command that it never
// carries out.
func (a *application) fixedAnswer(cmd apdu.Command) (apdu.SW, bool) {
	if len(a.answers) == 0 {
		return 0, false
	}
	header := [4]byte{cmd.CLA, cmd.INS, cmd.P1, cmd.P2}
	for _, w := range a.answers {
		if bytes.HasPrefix(header[:], w.Command) {
			return apdu.SW(w.SW[0])<<8 | apdu.SW(w.SW[1]), true
		}
	}
	return 0, false
}
