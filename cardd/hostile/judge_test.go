package hostile

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"jukicard/apdu/tlv"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/plan"
	"jukicard/simulator"
)

// holding is what a card really holds, read from its memory and not over the wire.
type holding struct {
	life       int
	files      map[string][]byte // by the profile's name; of a record file the first record
	objects    map[string][]byte // of the domain, by tag
	references map[string]held
	keys       map[string]*rsa.PrivateKey
}

type held struct {
	value string
	tries int
}

// holdingOf reads a snapshot, the form in which the simulator keeps a card.
func holdingOf(c *simulator.Card) (holding, error) {
	h := holding{files: map[string][]byte{}, objects: map[string][]byte{}, references: map[string]held{}, keys: map[string]*rsa.PrivateKey{}}
	for line := range bytes.Lines(c.Snapshot()) {
		var ch struct {
			Op, On string
			At, N  int
			Data   []byte
		}
		if err := json.Unmarshal(line, &ch); err != nil {
			return h, err
		}
		switch ch.Op {
		case "life":
			h.life = ch.N
		case "write":
			h.files[ch.On] = ch.Data
		case "record":
			if ch.At == 1 {
				h.files[ch.On] = ch.Data
			}
		case "object":
			h.objects[ch.On] = ch.Data
		case "reference":
			h.references[ch.On] = held{string(ch.Data), ch.N}
		case "key":
			key, err := x509.ParsePKCS8PrivateKey(ch.Data)
			if err != nil {
				return h, err
			}
			h.keys[ch.On] = key.(*rsa.PrivateKey)
		}
	}
	return h, nil
}

// pattern is an undisturbed issue of the same order: what must be on a card.
type pattern struct {
	compared   map[string]plan.Step // the Compare steps of its plan, by what they are on
	references map[string]held
	life       int
}

// sealedKey is the one field of a sealed order that the judge needs: the key of the
// plan's digests.
type sealedKey struct {
	DigestKey []byte `cbor:"2,keyasint"`
}

// digestKey opens a job's sealed order.
func (f *floor) digestKey(ctx context.Context, job string) ([]byte, error) {
	sealed, err := f.journal.Sealed(ctx, job)
	if err != nil {
		return nil, err
	}
	plain, err := f.sealer.Open(job, sealed)
	if err != nil {
		return nil, err
	}
	var m sealedKey
	err = cbor.Unmarshal(plain, &m)
	return m.DigestKey, err
}

// firstPlan is the first plan that a job adopted.
func firstPlan(records []issue.Record) *plan.Plan {
	for _, r := range records {
		if r.Kind == issue.Planned && r.Plan != nil {
			return r.Plan
		}
	}
	return nil
}

func compares(p *plan.Plan) map[string]plan.Step {
	steps := map[string]plan.Step{}
	for _, s := range p.Steps {
		if s.Op == plan.Compare {
			steps[s.On] = s
		}
	}
	return steps
}

// judge says what is wrong with a card whose job is done. It asks nobody who could have
// been fooled: the card's memory is looked at, and its contents are held against the
// digests of the job's plan.
type judge struct {
	want  pattern
	plan  *plan.Plan
	key   []byte
	certs map[string][]byte // the authority's, by purpose
	card  holding
	wrong []string
}

func (j *judge) say(format string, args ...any) {
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
}

// content judges what is written.
func (j *judge) content() {
	mine := compares(j.plan)
	if !slices.Equal(slices.Sorted(maps.Keys(mine)), slices.Sorted(maps.Keys(j.want.compared))) {
		j.say("the plan compares %d contents, %d are wanted", len(mine), len(j.want.compared))
	}
	for on, s := range mine {
		got, ok := j.card.files[on]
		if tag, is := objectTags[on]; is {
			got, ok = j.card.objects[tag]
		}
		switch {
		case !ok:
			j.say("%s is not written", on)
		case s.Digest != "" && len(got) < s.Length:
			j.say("%s has %d bytes, %d are wanted", on, len(got), s.Length)
		case s.Digest != "" && plan.Digest(j.key, got[:s.Length]) != s.Digest:
			j.say("%s holds something else", on)
		}
	}
}

// objectTags are the data objects an order writes, by their names in plans.
var objectTags = map[string]string{"domain/municipality": "00F0", "domain/expiry": "00F2"}

// cardKeys judges the contents that tell the public half of the maker's key.
func (j *judge) cardKeys() {
	key := j.card.keys["surface/card-key"]
	for on, path := range map[string][]tlv.Tag{"surface/birth": {0xFF10, 0xDF12}, "surface/face": {0xFF20, 0xDF24}, "surface/number": {0xFF40, 0xDF42}} {
		told, ok := tlv.Find(j.card.files[on], path...)
		if !ok || !bytes.Contains(told, key.N.Bytes()) {
			j.say("%s tells a key that the card has not got", on)
		}
	}
}

// certificates judges that the card holds its authority's certificates of its own keys.
func (j *judge) certificates() {
	for purpose, on := range map[string]string{"signature": "jpki/sign", "authentication": "jpki/auth"} {
		der := j.card.files[on+"-cert"]
		if !bytes.Equal(der, j.certs[purpose]) {
			j.say("%s-cert is not the authority's", on)
			continue
		}
		cert, err := x509.ParseCertificate(der)
		key := j.card.keys[on+"-key"]
		if err != nil || key == nil || !key.PublicKey.Equal(cert.PublicKey) {
			j.say("%s-cert is not of the card's key", on)
		}
	}
}

// secrets judges what the holder's PINs do: each is set, and no try is spent.
func (j *judge) secrets() {
	if !maps.Equal(j.card.references, j.want.references) {
		for on, want := range j.want.references {
			if got := j.card.references[on]; got != want {
				j.say("%s has %d tries, or another value, or is not set", on, got.tries)
			}
		}
		if len(j.card.references) != len(j.want.references) {
			j.say("%d references are set, %d are wanted", len(j.card.references), len(j.want.references))
		}
	}
}

func (j *judge) locked() {
	if j.card.life != j.want.life {
		j.say("the card's life-cycle state is %02X, wanted %02X", j.card.life, j.want.life)
	}
}

// verdict is all that is wrong; a card that lies about its own PINs and its own lock is
// not judged by them.
func (j *judge) verdict(liar bool) []string {
	j.content()
	j.cardKeys()
	j.certificates()
	if !liar {
		j.secrets()
		j.locked()
	}
	return j.wrong
}
