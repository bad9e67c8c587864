// Package plan says what has to be done to one card for one order: an ordered
// list of steps, as data.
//
// A plan is a difference. [Build] compares what an order wants with what the
// card shows and yields only the steps still to do, so that first issue,
// resuming a torn card and "is this card right?" are one mechanism; a finished
// card has an empty plan. A plan names secrets and personal data and holds none:
// contents appear as a length and a keyed digest. The executor can send only
// what the plan holds.
//
// The package is pure: it reads no clock, opens nothing and talks to nobody.
package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Op is what a step does.
type Op string

// The operations. Open selects an application and opens the issuer's channel;
// ReadKey learns a public key that is there, the maker's with its proof; Request
// has the card sign a certificate request; Certify asks the authority; Compare
// reads back and compares; SetPIN and ProvePIN set reference data and present it once; Put
// writes a data object of the issuer domain; Lock ends the issue and is
// irreversible; Confirm has the locked card tell its state in the channel; Print
// prints the face, or one entry on a card in use. Identify has a card in use tell its
// number; Note records an entry that was written on it by hand.
const (
	Open     Op = "open"
	ReadKey  Op = "read-key"
	Generate Op = "generate"
	Request  Op = "request"
	Certify  Op = "certify"
	Update   Op = "update"
	Compare  Op = "compare"
	SetPIN   Op = "set-pin"
	ProvePIN Op = "prove-pin"
	Put      Op = "put"
	Lock     Op = "lock"
	Confirm  Op = "confirm"
	Print    Op = "print"
	Identify Op = "identify"
	Note     Op = "note"
)

// Again says what doubt about a step means: the daemon died, or the link failed,
// after the command left and before the answer was journaled.
type Again string

// Safe: twice is once. Probe: the device can be asked whether it happened.
// Never: doubt spoils the card.
const (
	Safe  Again = "safe"
	Probe Again = "probe"
	Never Again = "never"
)

// Step is one thing to do.
type Step struct {
	ID           string `json:"id"`                // unique in the plan and stable over rebuilding: "update jpki/sign-cert"
	Op           Op     `json:"op"`                // what is done
	On           string `json:"on"`                // to what, in the profile's names: "jpki/sign-cert", or "jpki" for Open
	From         string `json:"from,omitempty"`    // ID of the step that content or request come from; the authority's word for Request
	Secret       string `json:"secret,omitempty"`  // name of the reference data: "pin:signature", "reference-a"
	Offset       int    `json:"offset,omitempty"`  // Update: first byte still to write
	Length       int    `json:"length,omitempty"`  // bytes of content as a whole
	Digest       string `json:"digest,omitempty"`  // keyed digest of the whole content, where it is known beforehand
	Again        Again  `json:"again"`             // what doubt means
	Session      bool   `json:"session,omitempty"` // lost with the card session, redone after it
	Irreversible bool   `json:"irreversible,omitempty"`
	Cost         Cost   `json:"cost"`
}

// Undoes are the IDs of steps whose earlier success says nothing any more once this
// one has been begun: a key made anew has another public half, and what is written
// anew must be compared anew.
func (s Step) Undoes() []string {
	switch s.Op {
	case Generate:
		return []string{stepID(ReadKey, s.On), stepID(Request, s.On)}
	case Update, Put:
		return []string{stepID(Compare, s.On)}
	case SetPIN:
		return []string{stepID(ProvePIN, s.On)}
	case Lock:
		return []string{stepID(Confirm, s.On)}
	}
	return nil
}

// Cost is what a step takes on the wire, exactly, for a card that answers as the
// profile says.
type Cost struct {
	APDUs    int `json:"apdus"`    // round trips
	Sent     int `json:"sent"`     // bytes of command APDUs, secured
	Received int `json:"received"` // bytes of response APDUs, secured
}

// Add sums two costs.
func (c Cost) Add(o Cost) Cost {
	return Cost{c.APDUs + o.APDUs, c.Sent + o.Sent, c.Received + o.Received}
}

// Plan is the difference between a card and an order.
type Plan struct {
	Version  int    `json:"version"`       // of this form, 1
	For      string `json:"for,omitempty"` // ForEndorsement; empty for an issue
	Profile  string `json:"profile"`
	Product  string `json:"product"`
	Order    string `json:"order"`
	Card     string `json:"card,omitempty"` // card identification number; empty for a plan made without a card
	Extended bool   `json:"extended"`       // extended length is used
	Steps    []Step `json:"steps"`
}

// Cost of the whole plan.
func (p *Plan) Cost() Cost {
	var sum Cost
	for _, s := range p.Steps {
		sum = sum.Add(s.Cost)
	}
	return sum
}

// Digest is SHA-256 over the plan's JSON form: what an approver signs and what
// the journal is bound to.
func (p *Plan) Digest() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic("internal error: cannot encode plan: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Step finds a step by its ID.
func (p *Plan) Step(id string) (Step, bool) {
	i := slices.IndexFunc(p.Steps, func(s Step) bool { return s.ID == id })
	if i < 0 {
		return Step{}, false
	}
	return p.Steps[i], true
}

// Empty says that nothing is left to do: the card is as the order wants it.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// Parse reads the JSON form and checks it; unknown fields and anything behind it are
// refused.
func Parse(b []byte) (*Plan, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var p Plan
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("cannot parse plan: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("cannot parse plan: something stands behind it")
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return &p, nil
}

// StepsMax bounds a plan.
const StepsMax = 1024

// Check refuses a plan no executor may carry out: an unknown operation, an ID
// twice, a secured step outside an open channel, anything but Confirm and Print
// after the lock, a step that says of itself what its operation is not.
func (p *Plan) Check() error {
	if p.Version != 1 {
		return fmt.Errorf("cannot accept plan: version %d is not known, 1 is", p.Version)
	}
	if len(p.Steps) > StepsMax {
		return fmt.Errorf("cannot accept plan: it has %d steps, at most %d", len(p.Steps), StepsMax)
	}
	seen := map[string]bool{}
	open, locked := "", false
	if p.For != "" && p.For != ForEndorsement {
		return fmt.Errorf("cannot accept plan: what it is for, %q, is not known", p.For)
	}
	for _, s := range p.Steps {
		if seen[s.ID] {
			return fmt.Errorf("cannot accept plan: step %q stands twice", s.ID)
		}
		seen[s.ID] = true
		err := s.check(open, locked)
		if err == nil {
			err = s.belongs(p.For, seen)
		}
		if err != nil {
			return fmt.Errorf("cannot accept plan: step %q: %w", s.ID, err)
		}
		switch s.Op {
		case Open:
			open = s.On
		case Lock:
			locked = true
		}
	}
	return nil
}

// check judges one step behind the application that is open and the lock.
func (s Step) check(open string, locked bool) error {
	rule, ok := rules[s.Op]
	if !ok {
		return fmt.Errorf("operation %q is not known", s.Op)
	}
	if s.On == "" || s.ID != stepID(s.Op, s.On) {
		return fmt.Errorf("the ID of %s on %q is %q", s.Op, s.On, stepID(s.Op, s.On))
	}
	if locked && !rule.afterLock {
		return fmt.Errorf("%s cannot follow the lock", s.Op)
	}
	if app, _, _ := strings.Cut(s.On, "/"); rule.channel && app != open {
		return fmt.Errorf("%s works on %q while the channel is open on %q", s.Op, s.On, open)
	}
	if s.Offset < 0 || s.Length < 0 || s.Offset > s.Length {
		return fmt.Errorf("offset %d lies outside %d bytes", s.Offset, s.Length)
	}
	return s.obeys(rule)
}

// obeys holds what a step says of itself against its operation.
func (s Step) obeys(rule rule) error {
	switch {
	case rule.secret != (s.Secret != ""):
		return fmt.Errorf("a secret is named where none belongs, or is missing")
	case s.Again != rule.again:
		return fmt.Errorf("doubt about %s means %q, not %q", s.Op, rule.again, s.Again)
	case s.Session != rule.session || s.Irreversible != rule.irreversible:
		return fmt.Errorf("session and irreversible are %t and %t for %s", rule.session, rule.irreversible, s.Op)
	case s.Offset != 0 && s.Op != Update:
		return fmt.Errorf("%s has no offset", s.Op)
	case s.Cost.APDUs < 0 || s.Cost.Sent < 0 || s.Cost.Received < 0:
		return fmt.Errorf("a cost is below zero")
	}
	return nil
}

// rule is what an operation needs and what doubt about it means.
type rule struct {
	channel      bool // needs the channel on its application
	secret       bool // names reference data
	session      bool // lost with the card session
	irreversible bool
	afterLock    bool
	again        Again
}

var rules = map[Op]rule{
	Open:     {again: Safe, session: true},
	ReadKey:  {channel: true, again: Safe},
	Generate: {channel: true, again: Probe},
	Request:  {channel: true, again: Safe},
	Certify:  {again: Safe},
	Update:   {channel: true, again: Safe},
	Compare:  {channel: true, again: Safe},
	SetPIN:   {channel: true, secret: true, again: Safe},
	ProvePIN: {channel: true, secret: true, again: Probe},
	Put:      {channel: true, again: Safe},
	Lock:     {channel: true, again: Probe, irreversible: true},
	Confirm:  {channel: true, again: Safe, afterLock: true},
	Print:    {again: Probe, irreversible: true, afterLock: true},
	Identify: {again: Safe, session: true},
	Note:     {again: Safe, irreversible: true},
}
