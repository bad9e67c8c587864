package acceptance

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"jukicard/pki"
	"jukicard/simulator"
	"jukicard/simulator/people"
)

// issued is one person's card with all that is known about it.
type issued struct {
	person      string
	order       application
	pins        pins
	dir         string // of order.json, photo.jpg, pins.json and what follows
	state       string // the card
	receipt     string
	env         map[string]string // what --env wrote
	environment string            // the file
}

// application is the part of order.json that tests compare cards with.
type application struct {
	ID       string `json:"id"`
	Product  string `json:"product"`
	Resident struct {
		Name, Address, Birth, Sex string
		MyNumber                  string `json:"my_number"`
		ResidentCode              string `json:"resident_code"`
		Nationality               string
	} `json:"resident"`
	Municipality struct{ Code string } `json:"municipality"`
	SecurityCode string                `json:"security_code"`
}

// pins is pins.json.
type pins struct{ Signature, Authentication, Resident, Text string }

// The desk is one daemon with one reader, at which everybody's card is issued.
var desk struct {
	sync.Mutex
	daemon *daemon
	cards  map[string]func() (*issued, error)
}

// issue gives a person's card, issued once for all tests.
func issue(t testing.TB, person string) *issued {
	t.Helper()
	needReaders(t)
	desk.Lock()
	f, ok := desk.cards[person]
	if !ok {
		f = sync.OnceValues(func() (*issued, error) { return issueAtDesk(person) })
		if desk.cards == nil {
			desk.cards = map[string]func() (*issued, error){}
		}
		desk.cards[person] = f
	}
	desk.Unlock()
	c, err := f()
	if err != nil {
		t.Fatalf("cannot issue %s: %v", person, err)
	}
	return c
}

// deskDaemon starts the desk's daemon on first use; desk is locked.
func deskDaemon() (*daemon, error) {
	var err error
	if desk.daemon == nil {
		desk.daemon, err = startDaemon(filepath.Join(scratch, "desk"), readers.Reader(deskSlot), true, "")
	}
	return desk.daemon, err
}

func closeDesk() error {
	desk.Lock()
	defer desk.Unlock()
	if desk.daemon == nil {
		return nil
	}
	return desk.daemon.stop()
}

// issueAtDesk writes the order, puts a blank card into the desk's reader, has it
// issued and takes it out again.
func issueAtDesk(person string) (*issued, error) {
	desk.Lock()
	defer desk.Unlock()
	d, err := deskDaemon()
	if err != nil {
		return nil, err
	}
	c, err := ordered(person)
	if err != nil {
		return nil, err
	}
	card, err := simulator.NewBlank(simulator.Options{LabKey: simulator.LabTestKey, Master: simulator.LabTestKey, StateFile: c.state})
	if err != nil {
		return nil, err
	}
	s := &seat{slot: deskSlot, reader: readers.Reader(deskSlot), card: card}
	remove, err := s.insert()
	defer func() { _ = remove() }()
	if err != nil {
		return nil, err
	}
	cmd := d.cardctl("issue", filepath.Join(c.dir, "order.json"), "--pins", filepath.Join(c.dir, "pins.json"),
		"--receipt", c.receipt, "--env", c.environment)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cardctl issue: %w: %s", err, out)
	}
	c.env, err = readEnv(c.environment)
	return c, err
}

// ordered writes a person's order and reads back what tests compare with.
func ordered(person string) (*issued, error) {
	p, err := people.Get(person, time.Time{})
	if err != nil {
		return nil, err
	}
	c := &issued{person: person, dir: filepath.Join(scratch, person)}
	c.state, c.receipt, c.environment = filepath.Join(c.dir, "card.state"), filepath.Join(c.dir, "receipt.cose"), filepath.Join(c.dir, "card.env")
	if err := people.Write(c.dir, p); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(p.Order, &c.order); err != nil {
		return nil, err
	}
	return c, json.Unmarshal(p.PINs, &c.pins)
}

// certificate reads a PEM file that --env names.
func (c *issued) certificate(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	b, err := os.ReadFile(c.pem(t, name))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		t.Fatalf("%s is not PEM", name)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return cert
}

// pem is the path of a PEM file that --env names.
func (c *issued) pem(t testing.TB, name string) string {
	t.Helper()
	if c.env[name] == "" {
		t.Fatalf("%s: %s names no %s", c.person, c.environment, name)
	}
	return c.env[name]
}

// deskHierarchy is what the desk's configuration makes of the embedded authority.
func deskHierarchy() pki.Hierarchy {
	h := pki.Lab()
	h.Organization = "cardd laboratory"
	return h
}
