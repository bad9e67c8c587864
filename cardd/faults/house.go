package faults

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/order"
	"jukicard/pki"
	"jukicard/pki/softca"
	"jukicard/simulator/people"
)

// House is what offices share and what takes long to make: fonts, premade keys, an
// authority of its own, people with their orders. Any goroutine may use it.
type House struct {
	dir    string
	ca     *softca.Authority
	seals  *seals
	faces  *painter
	keys   *keyPool
	people map[string]*applicant
	opener *rsa.PrivateKey // of what is sealed for the surface application

	offices atomic.Int64 // opened so far; they are numbered

	mu     sync.Mutex
	models map[string]model
}

// OpenHouse makes a house in a folder of its own, in memory where the system has
// memory as a file system: nothing here must outlive the process.
func OpenHouse() (*House, error) {
	dir, err := os.MkdirTemp(quickDir(), "cardd-faults-")
	if err != nil {
		return nil, fmt.Errorf("cannot open a house: %w", err)
	}
	h := &House{dir: dir, keys: &keyPool{}, people: map[string]*applicant{}, models: map[string]model{}}
	if err := h.furnish(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open a house: %w", err), h.Close())
	}
	return h, nil
}

// quickDir is where files cost no disk; empty for the system's usual place.
func quickDir() string {
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err == nil && info.IsDir() {
		return shm
	}
	return ""
}

func (h *House) furnish() (err error) {
	if h.ca, err = softca.Open(filepath.Join(h.dir, "authority"), softca.Options{}); err != nil {
		return err
	}
	if h.opener, err = readKey(filepath.Join(h.dir, "authority", "surface-seal.key")); err != nil {
		return err
	}
	h.seals = &seals{Sealer: h.ca, made: map[[sha256.Size]byte][]byte{}}
	if h.faces, err = newPainter(); err != nil {
		return err
	}
	if err := h.keys.fill(); err != nil {
		return err
	}
	for _, name := range append(people.Names(), people.Upcoming()...) {
		if h.people[name], err = apply(filepath.Join(h.dir, "people", name), name); err != nil {
			return err
		}
	}
	return nil
}

// readKey reads a private key of the authority's folder.
func readKey(path string) (*rsa.PrivateKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("cannot read key %s: it is not PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("cannot use key %s: it is not RSA", path)
	}
	return key, nil
}

// Close gives everything up and removes the folder.
func (h *House) Close() error {
	var err error
	if h.ca != nil {
		err = h.ca.Close()
	}
	return errors.Join(err, os.RemoveAll(h.dir))
}

// People names everybody a card of today can be issued to.
func (h *House) People() []string { return people.Names() }

// applicant is an invented person as the daemon receives one, and in the form in which
// the judge knows what must be on the card.
type applicant struct {
	wire []byte // the order, photograph inside
	id   []byte // the order's number in it, quoted
	pins []byte // pins.json
	form form
	pin  map[string]string // pins.json read, by class

	profile *profile.Card // the generation that the order is for
	at      places        // on such a card
}

// form is what the judge needs of order.json.
type form struct {
	ID       string `json:"id"`
	Profile  string `json:"profile"`
	Product  string `json:"product"`
	Resident struct {
		Name         string `json:"name"`
		Address      string `json:"address"`
		Birth        string `json:"birth"`
		MyNumber     string `json:"my_number"`
		ResidentCode string `json:"resident_code"`
	} `json:"resident"`
	Municipality struct {
		Code string `json:"code"`
	} `json:"municipality"`
	Certificates struct {
		Signature      bool `json:"signature"`
		Authentication bool `json:"authentication"`
	} `json:"certificates"`
	SecurityCode string `json:"security_code"`
}

func apply(dir, name string) (*applicant, error) {
	p, err := people.Get(name, time.Time{})
	if err != nil {
		return nil, err
	}
	if p.Photo != nil {
		if p.Photo, err = quickPhoto(p.Photo); err != nil {
			return nil, err
		}
	}
	if err := people.Write(dir, p); err != nil {
		return nil, err
	}
	a := &applicant{pins: p.PINs}
	if a.wire, err = order.Inline(dir, p.Order); err != nil {
		return nil, err
	}
	if err := errors.Join(json.Unmarshal(p.Order, &a.form), json.Unmarshal(p.PINs, &a.pin)); err != nil {
		return nil, err
	}
	a.id, a.at = fmt.Appendf(nil, "%q", a.form.ID), placesOf[a.form.Profile]
	a.profile, err = profile.Shared(a.form.Profile)
	return a, err
}

// under is the person's order under a number of its own.
func (a *applicant) under(number string) []byte {
	return bytes.Replace(a.wire, a.id, fmt.Appendf(nil, "%q", number), 1)
}

// keyPool hands out premade RSA-2048 keys: to each of two lines of cards the maker's keys
// of that line, so that cards of a line differ only in their number, and to holders one
// after another, so that a card never makes the same key twice.
type keyPool struct {
	lines  [lines][makerKeys]*rsa.PrivateKey
	makers [lines]*ecdsa.PrivateKey // the same for cards whose keys are on P-384

	mu      sync.Mutex
	holders [holderKeys]*rsa.PrivateKey
	next    int
}

const (
	lines      = 2
	makerKeys  = 4  // a card has when it leaves its maker
	holderKeys = 12 // a card makes two, and some again after a fault
)

func (p *keyPool) fill() error {
	var all sync.WaitGroup
	var errs [3][holderKeys]error
	for n, keys := range [][]*rsa.PrivateKey{p.lines[0][:], p.lines[1][:], p.holders[:]} {
		for i := range keys {
			all.Go(func() { keys[i], errs[n][i] = rsa.GenerateKey(nil, 2048) })
		}
	}
	var points [lines]error
	for i := range p.makers {
		p.makers[i], points[i] = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	all.Wait()
	return errors.Join(append(points[:], slices.Concat(errs[0][:], errs[1][:], errs[2][:])...)...)
}

// of is the supply of one card.
func (p *keyPool) of(line int) func() *rsa.PrivateKey {
	taken := 0
	return func() *rsa.PrivateKey {
		if taken++; taken <= makerKeys {
			return p.lines[line][taken-1]
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.next++
		return p.holders[p.next%holderKeys]
	}
}

// points is the supply of a card whose keys are on P-384: the maker's one is premade, so
// that cards of a line differ only in their number; the holder's cost next to nothing.
func (p *keyPool) points(line int) func() *ecdsa.PrivateKey {
	taken := false
	return func() *ecdsa.PrivateKey {
		if taken {
			return nil
		}
		taken = true
		return p.makers[line]
	}
}

// seals is the house's sealer, which remembers: the same message has the same seal
// (PKCS #1 v1.5 is deterministic), and cards of one person with premade keys hold the
// same messages.
type seals struct {
	pki.Sealer
	mu   sync.Mutex
	made map[[sha256.Size]byte][]byte
}

// sealsMax bounds what is remembered.
const sealsMax = 4096

// Seal signs what was not signed before.
func (s *seals) Seal(ctx context.Context, on pki.Sealing, digestInfo []byte) ([]byte, error) {
	key := sha256.Sum256(append([]byte(on), digestInfo...))
	s.mu.Lock()
	made, ok := s.made[key]
	s.mu.Unlock()
	if ok {
		return bytes.Clone(made), nil
	}
	made, err := s.Sealer.Seal(ctx, on, digestInfo)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.made) < sealsMax {
		s.made[key] = bytes.Clone(made)
	}
	return made, nil
}
