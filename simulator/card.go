// Package simulator is the other side of the wire: a My Number card in software,
// and a [Desk] with readers to put it in.
//
// The card answers as public clients have seen real cards answer (card fact sheet,
// 1 to 5 and 9), traps included, and signs with real RSA keys. How it is written is
// ours (docs/CARD-WRITING.md): SCP03 with the keys of its GlobalPlatform issuer
// domain, and inside that channel ISO/IEC 7816-4, -8 and -9. What is where on the
// card comes from apdu/profile: no application or file identifier stands here.
//
// What survives power-off goes through one door, commit, one change at a time, and
// with a state file each change is on disk before the card answers. What does not
// survive is in session and dies in PowerOff and Reset.
//
// Left out: logical channels, command chaining by CLA 10, loading of applications,
// radio and contact timing. Terminal authentication (80 A2) only ever refuses, for no
// terminal certificate is public.
package simulator

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"sync"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
)

// DefaultProfile is the generation a card is made of when Options names none.
const DefaultProfile = "mynumber-1"

// LabTestKey is 40 41 … 4F, the well-known GlobalPlatform test key that key managers
// try first. For laboratories: with Options.LabKey set to it anybody can write the card.
var LabTestKey = scp03.TestKeys().Enc

// Options say what card to make, or how to run a kept one.
type Options struct {
	// Profile is the generation; nil means DefaultProfile, or what the state file names.
	Profile *profile.Card
	// ATR overrides the profile's; Contactless takes its first contactless one.
	ATR         []byte
	Contactless bool
	// LabKey, 16, 24 or 32 bytes, makes a key set of the profile's laboratory version,
	// all three keys alike, which is then the default set. Empty: none.
	LabKey secret.Bytes
	// Master is the key from which the issuer's own set is diversified. Empty: none.
	Master secret.Bytes
	// CardID is the card identification number, 16 digits; random, beginning 0999,
	// when empty.
	CardID string
	// StateFile keeps the card; an existing file is replaced by NewBlank. Empty: the
	// card lives in memory only.
	StateFile string
	// Rand is where challenges and identifiers come from; crypto/rand when nil. RSA
	// keys never come from it, see KeyPool.
	Rand io.Reader
	// KeyPool, where set, supplies premade RSA-2048 keys for load tests; when it
	// gives nil a key is generated. Figures measured with it must say so.
	KeyPool func() *rsa.PrivateKey
	// PointPool is the same for keys on P-384.
	PointPool func() *ecdsa.PrivateKey
	// S16 makes the domain speak SCP03 with challenges and MACs of 16 bytes.
	S16 bool
}

// Card is one card. One goroutine at a time uses it: Process and the other methods
// take no lock. It is the profile's applications with their content, and a session.
type Card struct {
	profile *profile.Card
	atr     []byte
	rand    io.Reader
	pool    func() *rsa.PrivateKey
	points  func() *ecdsa.PrivateKey
	options scp03.Options // "i" of the domain

	domain *application
	apps   []*application // in the profile's order
	all    []*application // the domain, then apps: by application.index

	// Non-volatile; only apply changes these.
	id       string // 16 digits
	life     byte   // GlobalPlatform life-cycle state of the domain
	sequence uint32 // the last used by a card challenge, 24 bits
	sets     []keySet
	store    store

	refusal refusal // of the command at hand; none but in ProcessRefused
	spent   int     // wrong values presented; see TriesSpent

	session
}

// session is what power-off and reset erase.
type session struct {
	app      *application // never nil: the domain until an AP is selected
	ef       *element     // nil: none current
	verified uint32       // bits of app's references
	channel  scp03.CardSession
	opened   scp03.StaticKeys // of the set the channel was opened with
	secured  bool             // the command being carried out came through the channel
	text     textSession      // JICSAP secure messaging
	listed   int              // entries GET STATUS has handed out, for "next"

	out       []byte  // the answer; reused by the next Process
	wrapped   []byte  // scratch
	pending   []byte  // what GET RESPONSE will hand out
	pendingSW apdu.SW // and the status word at its end
}

// NewBlank makes a card as its maker delivers it (docs/CARD-WRITING.md, "A blank
// card"): the maker's keys are generated, everything else is unwritten. With
// Options.StateFile the state is on disk when it returns.
func NewBlank(o Options) (*Card, error) {
	c, err := newShell(o)
	if err != nil {
		return nil, fmt.Errorf("cannot make card: %w", err)
	}
	changes, err := c.manufacture(o)
	if err != nil {
		return nil, fmt.Errorf("cannot make card: %w", err)
	}
	for _, ch := range changes {
		if err := c.apply(ch); err != nil {
			return nil, fmt.Errorf("cannot make card: %w", err)
		}
	}
	if err := c.keepIn(o.StateFile); err != nil {
		return nil, fmt.Errorf("cannot make card: %w", err)
	}
	return c, nil
}

// newShell is a card with every EF of the profile and nothing in any.
func newShell(o Options) (*Card, error) {
	c := &Card{profile: o.Profile, rand: o.Rand, pool: o.KeyPool, points: o.PointPool, id: o.CardID, store: memoryOnly{}}
	if c.profile == nil {
		p, err := usualProfile()
		if err != nil {
			return nil, err
		}
		c.profile = p
	}
	if c.rand == nil {
		c.rand = rand.Reader
	}
	c.options = scp03.OptionPseudoRandom | scp03.OptionRMAC | scp03.OptionRENC
	if o.S16 {
		c.options |= scp03.OptionS16
	}
	c.atr = o.ATR
	if len(c.atr) == 0 {
		c.atr = firstATR(c.profile, o.Contactless)
	}
	c.life = c.profile.Domain.Blank
	if err := c.build(); err != nil {
		return nil, err
	}
	c.PowerOff()
	return c, nil
}

// usualProfile is read once: cards only look at it.
var usualProfile = sync.OnceValues(func() (*profile.Card, error) { return profile.Load(DefaultProfile) })

func firstATR(p *profile.Card, contactless bool) []byte {
	want := "contact"
	if contactless {
		want = "contactless"
	}
	for _, a := range p.ATRs {
		if a.Interface == want {
			return a.Bytes
		}
	}
	return nil
}

// ATR is the answer to reset; it must not be changed.
func (c *Card) ATR() []byte { return c.atr }

// ID is the card identification number, 16 digits.
func (c *Card) ID() string { return c.id }

// PowerOff takes the field or the supply away: selection, security status, channel
// and pending answers are gone.
func (c *Card) PowerOff() {
	clear(c.out[:cap(c.out)])
	clear(c.wrapped[:cap(c.wrapped)])
	clear(c.pending[:cap(c.pending)])
	c.channel.Reset()
	c.session = session{app: c.domain, out: c.out[:0], wrapped: c.wrapped[:0], pending: c.pending[:0]}
}

// Reset is a warm reset; it erases what PowerOff erases.
func (c *Card) Reset() { c.PowerOff() }

// Save rewrites the state file in its shortest form, atomically. It writes nothing when
// the file has that form already, or when there is no file. Nothing is lost
// without it: every change is in the file before the card answers.
func (c *Card) Save() error { return c.store.replace(c.header(), c.snapshot) }
