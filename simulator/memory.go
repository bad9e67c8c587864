package simulator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
)

// op names a kind of change to the non-volatile memory.
type op string

const (
	opWrite     op = "write"     // On a transparent file, Data at offset At
	opRecord    op = "record"    // On a record file, record At is Data
	opReference op = "reference" // On a reference, value Data, tries N
	opTries     op = "tries"     // On a reference, tries N
	opKey       op = "key"       // On a key, itself in key or PKCS #8 in Data
	opObject    op = "object"    // On a data object's tag, Data
	opLife      op = "life"      // life-cycle state N
	opSequence  op = "sequence"  // sequence counter N
	opPutKeys   op = "put-keys"  // version N, keys ENC MAC DEK in Data, in place of version At (0: added)
	opDropKeys  op = "drop-keys" // version N
	opNothing   op = ""          // no change took effect
)

// change is one indivisible change to the non-volatile memory, but that a write may
// be torn at any byte. A card is its changes applied in order to an empty one, so the
// state file is a list of them.
type change struct {
	Op   op     `json:"op"`
	On   string `json:"on,omitempty"`
	At   int    `json:"at,omitempty"`
	N    int    `json:"n,omitempty"`
	Data []byte `json:"data,omitempty"`

	// key spares a card that is in no file PKCS #8, which costs more than the rest
	// of an issue.
	key crypto.Signer
}

// encoded is the change as a file keeps it.
func (ch change) encoded() change {
	if ch.key == nil {
		return ch
	}
	der, err := x509.MarshalPKCS8PrivateKey(ch.key)
	if err != nil {
		panic(fmt.Sprintf("internal error: a key of %s does not encode: %v", ch.On, err))
	}
	ch.Data, ch.key = der, nil
	return ch
}

// keySet is one SCP03 key set of the domain.
type keySet struct {
	version byte
	keys    scp03.StaticKeys
}

// commit makes a change durable and then real. It is the only way from a command to
// the non-volatile memory. 6581 when it could not be kept.
func (c *Card) commit(ch change) apdu.SW {
	kept, err := c.store.keep(ch)
	if kept.Op != opNothing {
		if err := c.apply(kept); err != nil {
			return apdu.SWMemoryFailure
		}
	}
	if err != nil {
		return apdu.SWMemoryFailure
	}
	if c.store.full() {
		_ = c.Save() // the long file serves as well; the next change tries again
	}
	return apdu.SWOK
}

// apply carries a change out in memory. It fails only on a change that does not fit
// the profile, which a state file can hold but no command makes.
func (c *Card) apply(ch change) error {
	switch ch.Op {
	case opWrite, opRecord:
		return c.applyFile(ch)
	case opReference, opTries:
		return c.applyReference(ch)
	case opKey:
		return c.applyKey(ch)
	case opObject:
		return c.applyObject(ch)
	case opLife:
		c.life = byte(ch.N)
	case opSequence:
		c.sequence = uint32(ch.N)
	case opPutKeys, opDropKeys:
		return c.applyKeySet(ch)
	default:
		return fmt.Errorf("cannot apply change: operation %q is unknown", ch.Op)
	}
	return nil
}

func unfit(ch change) error {
	return fmt.Errorf("cannot apply change: %s on %q does not fit the profile", ch.Op, ch.On)
}

func (c *Card) applyFile(ch change) error {
	e := c.find(ch.On, func(e *element) bool { return e.file != nil })
	if e == nil || e.file.record != (ch.Op == opRecord) {
		return unfit(ch)
	}
	f := e.file
	f.written = true
	if f.record {
		if ch.At < 1 || ch.At > len(f.records) || len(ch.Data) > f.size {
			return unfit(ch)
		}
		f.records[ch.At-1] = slices.Clone(ch.Data)
		return nil
	}
	if ch.At < 0 || ch.At+len(ch.Data) > f.size {
		return unfit(ch)
	}
	f.put(ch.At, ch.Data)
	return nil
}

// put writes data at an offset. In an elastic file it is also the new end, and what
// was behind it is unwritten again.
func (f *file) put(at int, data []byte) {
	copy(f.content[at:], data)
	end := at + len(data)
	f.high = max(f.high, end)
	if f.elastic {
		for i := end; i < f.limit; i++ {
			f.content[i] = 0xFF
		}
		f.limit, f.high = end, end
	}
}

func (c *Card) applyReference(ch change) error {
	e := c.find(ch.On, func(e *element) bool { return e.reference != nil })
	if e == nil || ch.N < 0 || ch.N > e.reference.Tries {
		return unfit(ch)
	}
	e.reference.left = ch.N
	if ch.Op == opReference {
		clear(e.reference.value)
		e.reference.value = slices.Clone(ch.Data)
	}
	return nil
}

func (c *Card) applyKey(ch change) error {
	private := ch.key
	if private == nil {
		parsed, err := x509.ParsePKCS8PrivateKey(ch.Data)
		if err != nil {
			return fmt.Errorf("cannot apply change: key of %q: %v", ch.On, err)
		}
		var ok bool
		if private, ok = parsed.(crypto.Signer); !ok {
			return unfit(ch)
		}
	}
	for _, a := range c.apps {
		if a.messaging != nil && a.messaging.path == ch.On {
			k, ok := private.(*rsa.PrivateKey)
			if !ok {
				return unfit(ch)
			}
			a.messaging.private = k
			return nil
		}
		for _, k := range a.keys {
			if k.path == ch.On {
				return k.take(private, ch)
			}
		}
	}
	return unfit(ch)
}

// take puts a pair in place, of the kind that the profile says.
func (k *key) take(private crypto.Signer, ch change) error {
	_, isPoint := private.(*ecdsa.PrivateKey)
	_, isRSA := private.(*rsa.PrivateKey)
	if !isRSA && !isPoint || isPoint != (k.kind.bits == pointKind.bits) {
		return unfit(ch)
	}
	k.private = private
	return nil
}

func (c *Card) applyObject(ch change) error {
	for _, o := range c.domain.objects {
		if o.Tag.String() == ch.On {
			o.value = slices.Clone(ch.Data)
			return nil
		}
	}
	return unfit(ch)
}

func (c *Card) applyKeySet(ch change) error {
	same := func(version int) func(keySet) bool {
		return func(s keySet) bool { return int(s.version) == version }
	}
	if ch.Op == opDropKeys {
		c.sets = slices.DeleteFunc(c.sets, same(ch.N))
		return nil
	}
	n := len(ch.Data) / 3
	part := func(i int) secret.Bytes { return secret.New(ch.Data[i*n : (i+1)*n]) }
	set := keySet{version: byte(ch.N), keys: scp03.StaticKeys{Enc: part(0), Mac: part(1), Dek: part(2)}}
	if err := set.keys.Check(); err != nil {
		return unfit(ch)
	}
	if i := slices.IndexFunc(c.sets, same(ch.At)); i >= 0 {
		c.sets[i] = set
		return nil
	}
	c.sets = append(c.sets, set)
	return nil
}

// find is the EF of that path which also satisfies is: a file and a reference may
// have one name.
func (c *Card) find(path string, is func(*element) bool) *element {
	for _, a := range c.apps {
		for _, e := range a.elements {
			if e.path == path && is(e) {
				return e
			}
		}
	}
	return nil
}

// snapshot is memory as a file keeps it.
func (c *Card) snapshot() []change {
	changes := c.memory()
	for i, ch := range changes {
		changes[i] = ch.encoded()
	}
	return changes
}

// memory is the shortest list of changes that makes this card from an empty one.
func (c *Card) memory() []change {
	changes := []change{{Op: opLife, N: int(c.life)}, {Op: opSequence, N: int(c.sequence)}}
	for _, s := range c.sets {
		changes = append(changes, putKeysChange(0, s))
	}
	for _, o := range c.domain.objects {
		if o.value != nil {
			changes = append(changes, change{Op: opObject, On: o.Tag.String(), Data: o.value})
		}
	}
	for _, a := range c.apps {
		for _, e := range a.elements {
			changes = append(changes, e.snapshot()...)
		}
		for _, k := range a.keys {
			if k.private != nil {
				changes = append(changes, keyChange(k.path, k.private))
			}
		}
		if a.messaging != nil && a.messaging.private != nil {
			changes = append(changes, keyChange(a.messaging.path, a.messaging.private))
		}
	}
	return changes
}

func (e *element) snapshot() []change {
	switch {
	case e.reference != nil && e.reference.value != nil:
		r := e.reference
		return []change{{Op: opReference, On: e.path, N: r.left, Data: r.value}}
	case e.file == nil || !e.file.written:
		return nil
	case e.file.record:
		var changes []change
		for i, r := range e.file.records {
			changes = append(changes, change{Op: opRecord, On: e.path, At: i + 1, Data: r})
		}
		return changes
	}
	return []change{{Op: opWrite, On: e.path, Data: e.file.content[:e.file.high]}}
}

// putKeysChange puts a key set in place of version old.
func putKeysChange(old byte, s keySet) change {
	var data []byte
	for _, k := range []secret.Bytes{s.keys.Enc, s.keys.Mac, s.keys.Dek} {
		_ = k.Lend(func(b []byte) error { // key sets of a card are never destroyed
			data = append(data, b...)
			return nil
		})
	}
	return change{Op: opPutKeys, At: int(old), N: int(s.version), Data: data}
}

func keyChange(path string, private crypto.Signer) change {
	return change{Op: opKey, On: path, key: private}
}

// objectChange sets a data object of the domain.
func objectChange(tag profile.FileID, value []byte) change {
	return change{Op: opObject, On: tag.String(), Data: value}
}
