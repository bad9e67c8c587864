package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"jukicard/apdu/profile"
)

// CardError says that no plan can be made for this card: it is not in the state
// the order needs.
type CardError struct {
	Code   string // stable, see docs/FAILURES.md
	State  string // what the card shows
	Remedy string
}

// Error reads "cannot plan for this card: it is already issued; …".
func (e *CardError) Error() string {
	return fmt.Sprintf("cannot plan for this card: %s; %s", e.State, e.Remedy)
}

// Progress is what the journal adds to an observation when a job goes on.
type Progress struct {
	Ours bool            // the journal binds this card to this order
	Done map[string]bool // steps whose outcome is known and stays true
}

// Build compares what the order wants with what the card shows and gives the
// steps still to do. It is pure. The contents' lengths and the wire decide the
// exact cost of each step.
func Build(p *profile.Card, o Order, seen Observation, past Progress, w Wire) (*Plan, error) {
	product := p.Product(o.Product)
	if product == nil {
		return nil, fmt.Errorf("cannot plan: profile %s has no product %q", p.ID, o.Product)
	}
	if err := judge(p, seen, past); err != nil {
		return nil, err
	}
	past.Done = maps.Clone(past.Done) // a key made anew makes what hung on the old one undone
	b := &builder{p: p, product: product, o: o, seen: seen, past: past, w: w}
	out := &Plan{Version: 1, Profile: p.ID, Product: o.Product, Order: o.ID, Card: seen.Card, Extended: w.Extended}
	locked := seen.LifeCycle == p.Domain.Locked
	if !locked {
		for _, app := range b.apps() {
			b.app(app)
		}
		b.domain()
	}
	b.finish()
	if b.err != nil {
		return nil, b.err
	}
	out.Steps = b.steps
	if err := out.Check(); err != nil {
		panic("internal error: " + err.Error())
	}
	return out, nil
}

// judge refuses a card whose state the order cannot start from.
func judge(p *profile.Card, seen Observation, past Progress) error {
	switch {
	case !seen.Known:
		return &CardError{"CARD-UNKNOWN-STATE", "it does not tell its personalisation state", "put in a blank card of profile " + p.ID}
	case seen.LifeCycle == p.Domain.Locked && !past.Ours:
		return &CardError{"CARD-ISSUED", "it is already issued", "put in a blank card, or look at this one with: cardctl card show"}
	case seen.LifeCycle != p.Domain.Blank && seen.LifeCycle != p.Domain.Locked:
		return &CardError{"CARD-LIFECYCLE", fmt.Sprintf("its life-cycle state is %02X", seen.LifeCycle), "put it aside for destruction and take a blank card"}
	case len(seen.Objects) > 0 && !past.Ours:
		return &CardError{"CARD-HALF-MADE", fmt.Sprintf("%d objects are written already and no job of this station knows the card", len(seen.Objects)), "put in a blank card; this one belongs to another job or goes to destruction"}
	}
	return nil
}

type builder struct {
	p       *profile.Card
	product *profile.Product
	o       Order
	seen    Observation
	past    Progress
	w       Wire
	steps   []Step
	err     error
}

// apps orders the applications so that those with certificates come last: a card
// that fails before costs the authority nothing.
func (b *builder) apps() []*profile.Application {
	var plain, certified []*profile.Application
	for i := range b.p.Applications {
		a := &b.p.Applications[i]
		if slices.ContainsFunc(b.o.Keys, func(k KeyPair) bool { return within(k.On, a.Name) }) {
			certified = append(certified, a)
		} else {
			plain = append(plain, a)
		}
	}
	return append(plain, certified...)
}

func within(path, app string) bool { return strings.HasPrefix(path, app+"/") }

// app adds the steps of one application: keys and certificates, contents,
// reference data, then the proofs. Reference data stands behind the contents, so
// that a card without it is surely unfinished.
func (b *builder) app(a *profile.Application) {
	mark := len(b.steps)
	b.add(Step{Op: Open, On: a.Name, Session: true, Cost: b.w.open(len(a.AID))})
	b.madeKeys(a)
	for _, k := range b.o.Keys {
		if within(k.On, a.Name) && !b.omitted(k.On) {
			b.keyPair(k)
		}
	}
	contents := b.contents(b.o.Files, a.Name)
	for _, c := range contents {
		b.write(c)
	}
	b.references(a)
	for _, c := range contents {
		b.compare(c)
	}
	b.trim(mark)
}

// trim takes back an Open, and the keys read for nobody, when nothing that needs
// them follows.
func (b *builder) trim(mark int) {
	useful := slices.ContainsFunc(b.steps[mark:], func(s Step) bool { return s.Op != Open && s.Op != ReadKey })
	if !useful {
		b.steps = b.steps[:mark]
	}
}

// madeKeys reads the public halves of the maker's keys that contents depend on.
func (b *builder) madeKeys(a *profile.Application) {
	for _, k := range a.Keys {
		id := stepID(ReadKey, a.Name+"/"+k.Name)
		needed := slices.ContainsFunc(b.o.Files, func(c Content) bool { return c.After == id })
		if k.Made && needed {
			b.readKey(a.Name + "/" + k.Name)
		}
	}
}

func (b *builder) readKey(on string) {
	b.unlessDone(Step{Op: ReadKey, On: on, Cost: b.w.secure(keyTemplate, publicKey)})
}

// keyPair makes the key, or learns the public half of one that is there, has a
// request signed with it and certified.
func (b *builder) keyPair(k KeyPair) {
	request := stepID(Request, k.On)
	switch {
	case !b.present(k.On):
		for _, id := range []string{stepID(ReadKey, k.On), request, stepID(Compare, k.Cert)} {
			delete(b.past.Done, id) // what was known of an older key is worth nothing
		}
		b.add(Step{Op: Generate, On: k.On, Cost: b.w.secure(keyTemplate, publicKey)})
	case !b.past.Done[stepID(Generate, k.On)]:
		b.readKey(k.On)
	}
	b.unlessDone(Step{Op: Request, On: k.On, From: k.Purpose, Cost: b.w.secure(digestInfo, signature)})
	if !b.past.Done[stepID(Compare, k.Cert)] {
		b.add(Step{Op: Certify, On: k.Cert, From: request})
	}
}

// contents are those of one application, in the profile's order of files, without
// what the product never gets.
func (b *builder) contents(all []Content, app string) []Content {
	var mine []Content
	for _, c := range all {
		if within(c.On, app) && !b.omitted(c.On) {
			mine = append(mine, c)
		}
	}
	return mine
}

func (b *builder) write(c Content) {
	done := b.written(c)
	if done >= c.Length {
		return
	}
	cost := b.w.update(c.Length - done)
	if b.isRecord(c.On) {
		done, cost = 0, b.w.secure(c.Length, 0)
	}
	b.add(Step{Op: Update, On: c.On, From: c.After, Offset: done, Length: c.Length, Digest: c.Digest, Cost: cost})
}

// written is how many bytes of the content stand on the card. What is short of a
// whole chunk is written again: the last command before a tear may have been cut.
func (b *builder) written(c Content) int {
	state, ok := b.seen.Objects[c.On]
	switch {
	case !ok:
		return 0
	case b.isRecord(c.On):
		return c.Length * min(state.Value, 1)
	case state.Value >= c.Length:
		return c.Length
	}
	return state.Value / b.w.Chunk() * b.w.Chunk()
}

func (b *builder) isRecord(on string) bool {
	_, f, err := b.p.File(on)
	return err == nil && f.Kind == profile.Record
}

func (b *builder) compare(c Content) {
	cost := b.w.read(c.Length)
	if b.isRecord(c.On) {
		cost = b.w.secure(0, c.Length)
	}
	b.unlessDone(Step{Op: Compare, On: c.On, From: c.After, Length: c.Length, Digest: c.Digest, Cost: cost})
}

// references sets what is not set and proves each once.
func (b *builder) references(a *profile.Application) {
	var mine []ReferenceTo
	for _, r := range b.o.References {
		if within(r.On, a.Name) && !b.omitted(r.On) {
			mine = append(mine, r)
		}
	}
	for _, r := range mine {
		n := b.secretLen(r)
		if state := b.seen.Objects[r.On]; state.State != StatePresent {
			b.add(Step{Op: SetPIN, On: r.On, Secret: r.Secret, Length: n, Cost: b.w.secure(n, 0)})
			delete(b.past.Done, stepID(ProvePIN, r.On))
		}
	}
	for _, r := range mine {
		n := b.secretLen(r)
		b.unlessDone(Step{Op: ProvePIN, On: r.On, Secret: r.Secret, Length: n, Cost: b.w.secure(n, 0)})
	}
}

// secretLen is the length to count with: the longest the rule allows, so that a
// plan does not tell the length of anybody's PIN. All lengths of a PIN class
// but the boundary 15 to 16 cost the same on the wire.
func (b *builder) secretLen(r ReferenceTo) int {
	_, ref, err := b.p.Reference(r.On)
	if err != nil {
		b.fail(err)
		return 0
	}
	return min(ref.MaxLen, block-1)
}

// domain writes the issuer domain's data objects, compares them and locks.
func (b *builder) domain() {
	b.add(Step{Op: Open, On: Domain, Session: true, Cost: b.w.open(len(b.p.Domain.AID))})
	for _, c := range b.o.Objects {
		if _, ok := b.seen.Objects[c.On]; !ok {
			b.add(Step{Op: Put, On: c.On, Length: c.Length, Digest: c.Digest, Cost: b.w.secure(c.Length, 0)})
		}
	}
	for _, c := range b.o.Objects {
		b.unlessDone(Step{Op: Compare, On: c.On, Length: c.Length, Digest: c.Digest, Cost: b.w.secure(0, c.Length)})
	}
	b.add(Step{Op: Lock, On: Domain, Irreversible: true, Cost: b.w.secure(0, 0)})
}

// finish looks at the locked card and prints.
func (b *builder) finish() {
	b.unlessDone(Step{Op: Confirm, On: Domain, Cost: b.confirmCost()})
	if b.o.Print {
		b.unlessDone(Step{Op: Print, On: Face, Irreversible: true})
	}
}

// confirmCost is SELECT of the domain and GET DATA of its whole state: six bytes
// for every object the order put there.
func (b *builder) confirmCost() Cost {
	entries := len(b.o.Objects) + 2*len(b.o.Keys) + len(b.o.References)
	for _, c := range b.o.Files {
		if !slices.ContainsFunc(b.o.Keys, func(k KeyPair) bool { return k.Cert == c.On }) && !b.omitted(c.On) {
			entries++
		}
	}
	return Cost{APDUs: 2, Sent: selectHead + len(b.p.Domain.AID) + 5, Received: 2 + 1 + entries*stateEntry + 2}
}

func (b *builder) omitted(path string) bool { return b.product.Omits(path) }

func (b *builder) present(on string) bool { return b.seen.Objects[on].State == StatePresent }

func (b *builder) unlessDone(s Step) {
	if !b.past.Done[stepID(s.Op, s.On)] {
		b.add(s)
	}
}

func (b *builder) add(s Step) {
	s.ID = stepID(s.Op, s.On)
	s.Again = rules[s.Op].again
	b.steps = append(b.steps, s)
}

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// stepID names a step so that it keeps its name when the plan is built again.
func stepID(op Op, on string) string { return string(op) + " " + on }

// StepID is the ID a step of that operation on that object has.
func StepID(op Op, on string) string { return stepID(op, on) }
