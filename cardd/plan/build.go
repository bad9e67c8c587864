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
	Ours    bool            // the journal binds this card to this order
	Done    map[string]bool // steps whose outcome is known and stays true, by their IDs
	Lengths map[string]int  // bytes of certificates that were issued, by name of file; they replace the order's estimate
	Rewrite map[string]bool // objects to be written anew whatever the card says of them: it said what is not so
}

// Build compares what the order wants with what the card shows and gives the
// steps still to do. It is pure. The contents' lengths and the wire decide the
// exact cost of each step.
//
// A card the order cannot start from is a *CardError; an order the profile cannot
// hold is a plain error.
func Build(p *profile.Card, o Order, seen Observation, past Progress, w Wire) (*Plan, error) {
	if o.Entry != nil {
		return endorse(p, o, seen, past, w)
	}
	product := p.Product(o.Product)
	if product == nil {
		return nil, fmt.Errorf("cannot plan: profile %s has no product %q", p.ID, o.Product)
	}
	o.Files = measured(o.Files, past.Lengths)
	if err := o.check(p); err != nil {
		return nil, fmt.Errorf("cannot plan: %w", err)
	}
	if err := judge(p, seen, past); err != nil {
		return nil, err
	}
	past.Done = maps.Clone(past.Done) // a step to be done again undoes what hangs on it
	b := &builder{p: p, product: product, o: o, seen: seen, past: past, w: w}
	if seen.LifeCycle == p.Domain.Locked {
		if missing := b.unproven(); missing != "" {
			return nil, &CardError{"CARD-LIFECYCLE", "it says that it is locked, and this job had not come to " + missing, "put it aside: it is another card, or somebody else wrote to it"}
		}
	} else {
		for _, app := range b.apps() {
			b.app(app)
		}
		b.domain()
	}
	b.finish()
	out := &Plan{Version: 1, Profile: p.ID, Product: o.Product, Order: o.ID, Card: seen.Card, Extended: w.Extended, Steps: b.steps}
	if err := out.Check(); err != nil {
		panic("internal error: " + err.Error())
	}
	return out, nil
}

// measured puts the real lengths of certificates in place of what was expected.
func measured(files []Content, lengths map[string]int) []Content {
	files = slices.Clone(files)
	for i := range files {
		if n, ok := lengths[files[i].On]; ok {
			files[i].Length = n
		}
	}
	return files
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
	b.open(a.Name, a.AID)
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
			b.readKey(a.Name+"/"+k.Name, b.w.sign(k.Algorithm()))
		}
	}
}

// readKey learns the public half of a key. The maker's signs something at once, which
// is its proof; one the card made signs a request later.
func (b *builder) readKey(on string, proof Cost) {
	b.unlessDone(Step{Op: ReadKey, On: on, Cost: b.w.keyPair(b.algorithm(on)).Add(proof)})
}

// algorithm is that of a key, which the order or the profile named.
func (b *builder) algorithm(on string) profile.Algorithm {
	_, key, err := b.p.Key(on)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return key.Algorithm()
}

// keyPair makes the key, or learns the public half of one that is there, has a
// request signed with it and certified. The authority is asked again, by the same
// request, until the certificate is on the card and compared: nobody else keeps it.
func (b *builder) keyPair(k KeyPair) {
	compared, request := stepID(Compare, k.Cert), stepID(Request, k.On)
	switch made := b.past.Done[stepID(Generate, k.On)]; {
	case !b.present(k.On) && !made:
		b.add(Step{Op: Generate, On: k.On, Cost: b.w.keyPair(b.algorithm(k.On))})
	case !b.present(k.On) || !made: // a key known to be made is never made anew: it may be certified
		b.readKey(k.On, Cost{})
	}
	if !b.past.Done[request] {
		delete(b.past.Done, compared) // another request is another certificate
		b.add(Step{Op: Request, On: k.On, From: k.Purpose, Cost: b.w.sign(b.algorithm(k.On))})
	}
	if !b.past.Done[compared] || b.lacks(k.Cert) {
		b.add(Step{Op: Certify, On: k.Cert, From: request})
	}
}

// lacks says whether a file is still to be written, whatever the journal knows of it.
func (b *builder) lacks(on string) bool {
	return slices.ContainsFunc(b.o.Files, func(c Content) bool { return c.On == on && b.written(c) < c.Length })
}

// contents are those of one application, in the order's own order, without what
// the product never gets.
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
	cost := b.w.update(done, c.Length)
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
	case !ok || b.past.Rewrite[c.On]:
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

// compare reads a content back; a certificate's key then signs something new, which the
// certificate that was read must verify.
func (b *builder) compare(c Content) {
	cost := b.w.read(c.Length)
	if b.isRecord(c.On) {
		cost = b.w.secure(0, c.Length)
	}
	for _, k := range b.o.Keys {
		if k.Cert == c.On {
			cost = cost.Add(b.w.sign(b.algorithm(k.On)))
		}
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
		if !b.full(r.On) || b.past.Rewrite[r.On] {
			b.add(Step{Op: SetPIN, On: r.On, Secret: r.Secret, Length: n, Cost: b.w.secure(n, 0)})
		}
	}
	for _, r := range mine {
		n := b.secretLen(r)
		b.unlessDone(Step{Op: ProvePIN, On: r.On, Secret: r.Secret, Length: n, Cost: b.w.secure(n, 0)})
	}
}

// secretLen is the length to count with: the longest the rule allows within one
// block, so that a plan does not tell the length of anybody's PIN. All lengths of a
// PIN class cost the same on the wire, but for a 署名用 PIN of 16 characters, which
// takes a block more.
func (b *builder) secretLen(r ReferenceTo) int {
	_, ref, err := b.p.Reference(r.On)
	if err != nil {
		panic("internal error: " + err.Error()) // the order was checked
	}
	return min(ref.MaxLen, block-1)
}

// domain writes the issuer domain's data objects, compares them and locks.
func (b *builder) domain() {
	b.open(Domain, b.p.Domain.AID)
	for _, c := range b.o.Objects {
		if _, ok := b.seen.Objects[c.On]; !ok || b.past.Rewrite[c.On] {
			b.add(Step{Op: Put, On: c.On, Length: c.Length, Digest: c.Digest, Cost: b.w.secure(c.Length, 0)})
		}
	}
	for _, c := range b.o.Objects {
		b.unlessDone(Step{Op: Compare, On: c.On, Length: c.Length, Digest: c.Digest, Cost: b.w.secure(0, c.Length)})
	}
	b.add(Step{Op: Lock, On: Domain, Cost: b.w.secure(0, 0)})
}

// unproven is the first proof that stands in no journal; empty when all do. The lock
// comes behind every one of them, so that a card that says it is locked without them
// was not locked by this job: whatever it says then, it need not hold.
func (b *builder) unproven() string {
	for _, c := range slices.Concat(b.o.Files, b.o.Objects) {
		if id := stepID(Compare, c.On); !b.omitted(c.On) && !b.past.Done[id] {
			return id
		}
	}
	for _, r := range b.o.References {
		if id := stepID(ProvePIN, r.On); !b.omitted(r.On) && !b.past.Done[id] {
			return id
		}
	}
	return ""
}

// finish has the locked card confirmed and prints. A card is believed inside the
// channel only: what it tells in the clear anybody on the line can tell. Nor is a face
// printed but on a card that has proven itself since it was put in.
func (b *builder) finish() {
	confirm, print := stepID(Confirm, Domain), b.o.Print && !b.past.Done[stepID(Print, Face)]
	if print || !b.past.Done[confirm] {
		if b.seen.LifeCycle == b.p.Domain.Locked { // else the channel is open
			b.open(Domain, b.p.Domain.AID)
		}
		b.add(Step{Op: Confirm, On: Domain, Cost: b.confirmCost()})
	}
	if print {
		b.add(Step{Op: Print, On: Face})
	}
}

func (b *builder) open(on string, aid []byte) {
	b.add(Step{Op: Open, On: on, Cost: b.w.open(len(aid))})
}

// cardNumber is the length of the number of a card that is not there yet.
const cardNumber = 16

// confirmCost is GET DATA of the card's number and of its whole state: six bytes for
// every object the order put there.
func (b *builder) confirmCost() Cost {
	entries := len(b.o.Objects)
	for _, on := range b.o.onCard() {
		if !b.omitted(on) {
			entries++
		}
	}
	number := len(b.seen.Card)
	if number == 0 {
		number = cardNumber
	}
	return b.w.secure(0, number).Add(b.w.secure(0, 1+entries*stateEntry))
}

func (b *builder) omitted(path string) bool { return b.product.Omits(path) }

func (b *builder) present(on string) bool { return b.seen.Objects[on].State == StatePresent }

// full says whether a reference is set with all its tries. One that has lost a try was
// presented with another value than it holds, and is set anew before it is presented
// again.
func (b *builder) full(on string) bool {
	_, ref, err := b.p.Reference(on)
	return err == nil && b.present(on) && b.seen.Objects[on].Value >= ref.Tries
}

func (b *builder) unlessDone(s Step) {
	if !b.past.Done[stepID(s.Op, s.On)] {
		b.add(s)
	}
}

// add appends a step; what it undoes is to be done after it.
func (b *builder) add(s Step) {
	rule := rules[s.Op]
	s.ID, s.Again, s.Session, s.Irreversible = stepID(s.Op, s.On), rule.again, rule.session, rule.irreversible
	for _, id := range s.Undoes() {
		delete(b.past.Done, id)
	}
	b.steps = append(b.steps, s)
}

// stepID names a step so that it keeps its name when the plan is built again.
func stepID(op Op, on string) string { return string(op) + " " + on }

// StepID is the ID a step of that operation on that object has.
func StepID(op Op, on string) string { return stepID(op, on) }
