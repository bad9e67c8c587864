package fault_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"fmt"
	"slices"
	"sync"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/simulator"
	"jukicard/simulator/fault"
)

// oneKey is every RSA key of these tests, so that a key generated twice is the same.
var oneKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(nil, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

var usual = sync.OnceValue(func() *profile.Card {
	p, err := profile.Load(simulator.DefaultProfile)
	if err != nil {
		panic(err)
	}
	return p
})

func options() simulator.Options { return simulator.Options{KeyPool: oneKey} }

var blankCard = sync.OnceValues(func() (*simulator.Card, error) {
	return simulator.NewBlank(simulator.Options{
		LabKey: simulator.LabTestKey, Master: simulator.LabTestKey, CardID: "0999000000000024", KeyPool: oneKey,
	})
})

// blank is a blank card of its own; all have one number.
func blank(t testing.TB) *simulator.Card {
	t.Helper()
	c, err := blankCard()
	if err != nil {
		t.Fatal(err)
	}
	return clone(t, c)
}

func clone(t testing.TB, c *simulator.Card) *simulator.Card {
	t.Helper()
	twin, err := c.Clone(options())
	if err != nil {
		t.Fatal(err)
	}
	return twin
}

// step is one thing to be written, the same however often it is done.
type step struct {
	name string
	on   []byte // AID; the domain when empty
	do   func(s *scp03.Session) error
}

// plain is a step of one command.
func plain(name string, on []byte, c apdu.Command) step {
	return step{name, on, func(s *scp03.Session) error { return exchange(s, c) }}
}

func exchange(t apdu.Transport, c apdu.Command) error {
	r, err := apdu.Send(context.Background(), t, c)
	if err != nil {
		return err
	}
	return r.Err(c, "")
}

// issue is all that is written on a card of the profile, application by application,
// the keys of the issuer changed and the card locked.
var issue = sync.OnceValue(func() []step {
	var steps []step
	for i := range usual().Applications {
		steps = append(steps, application(&usual().Applications[i])...)
	}
	put := func(tag byte, value string) step {
		return plain("PUT DATA", nil, apdu.Command{INS: apdu.INSPutData, P2: tag, Data: []byte(value)})
	}
	keys := step{"PUT KEY", nil, func(s *scp03.Session) error {
		return s.PutKeys(context.Background(), usual().Domain.KeyVersion, usual().Domain.KeyVersion, newKeys)
	}}
	lock := apdu.Command{CLA: 0x80, INS: apdu.INSSetStatus, P1: 0x80, P2: usual().Domain.Locked}
	return append(steps, put(0xF0, "99999"), put(0xF2, "20350217"), keys, plain("SET STATUS", nil, lock))
})

var newKeys = func() scp03.StaticKeys {
	k := secret.New(bytes.Repeat([]byte{0x77}, 16))
	return scp03.StaticKeys{Enc: k, Mac: k, Dek: k}
}()

func application(a *profile.Application) []step {
	var steps []step
	for i := range a.Files {
		if f := &a.Files[i]; len(f.Write) > 0 {
			steps = append(steps, writing(a.AID, f)...)
		}
	}
	for _, r := range a.PINs {
		if r.Class == "" {
			continue
		}
		value := bytes.Repeat([]byte("7"), r.MinLen)
		steps = append(steps, plain("RESET RETRY COUNTER on "+r.Name, a.AID,
			apdu.Command{INS: apdu.INSResetRetryCounter, P1: 2, P2: 0x80 | r.ID.SFI(), Data: value}))
	}
	for _, k := range a.Keys {
		if !k.Made {
			steps = append(steps, plain("GENERATE "+k.Name, a.AID,
				apdu.Command{INS: apdu.INSGenerateKeyPair, P1: 0x80, Data: []byte{0xB6, 3, 0x84, 1, k.ID.SFI()}, Ne: 256}))
		}
	}
	return steps
}

func writing(aid []byte, f *profile.File) []step {
	if f.Kind == profile.Record {
		return []step{plain("UPDATE RECORD on "+f.Name, aid,
			apdu.Command{INS: apdu.INSUpdateRecord, P1: 1, P2: f.ID.SFI()<<3 | 4, Data: []byte("9990000000000179999920350217")})}
	}
	data := bytes.Repeat([]byte{byte(f.ID), 0x5A}, min(f.Size, 600)/2+1)[:min(f.Size, 600)]
	const payload = 200 // room for the channel's padding and MAC in a short command
	var steps []step
	for at := 0; at < len(data); at += payload {
		chunk := data[at:min(at+payload, len(data))]
		steps = append(steps, step{fmt.Sprintf("UPDATE BINARY on %s at %d", f.Name, at), aid, func(s *scp03.Session) error {
			// By identifier each time: which file is current is lost with the session.
			if err := exchange(s, apdu.Command{INS: apdu.INSSelect, P1: 2, P2: 0x0C, Data: []byte{byte(f.ID >> 8), byte(f.ID)}}); err != nil {
				return err
			}
			return exchange(s, apdu.Command{INS: apdu.INSUpdateBinary, P1: byte(at >> 8), P2: byte(at), Data: chunk})
		}})
	}
	return steps
}

// host is who issues a card over a link that may fail: after anything unexpected it
// begins a new session and does the step again.
type host struct {
	card    simulator.ProcessingCard
	tapped  func(command, answer []byte)
	session *scp03.Session
	on      []byte
	tries   int
}

// repeats bounds a host's patience.
const repeats = 500

func (h *host) Transmit(_ context.Context, command []byte) ([]byte, error) {
	answer := bytes.Clone(h.card.Process(command))
	if h.tapped != nil {
		h.tapped(bytes.Clone(command), answer)
	}
	if len(answer) < 2 {
		return nil, fmt.Errorf("the link failed")
	}
	return answer, nil
}

func (h *host) issue(steps []step) error {
	for _, s := range steps {
		for err := h.try(s); err != nil; err = h.try(s) {
			h.session = nil
			h.card.PowerOff()
			if h.tries++; h.tries > repeats {
				return fmt.Errorf("%s: %w, and so %d times", s.name, err, repeats)
			}
		}
	}
	return nil
}

func (h *host) try(s step) error {
	if h.session == nil || !bytes.Equal(h.on, s.on) {
		if err := h.open(s.on); err != nil {
			h.session = nil
			return err
		}
	}
	return s.do(h.session)
}

// open selects an application and opens a channel on it. The host's challenge is always
// the same, and so is every byte on the wire.
func (h *host) open(aid []byte) (err error) {
	link := apdu.Wrap(h, apdu.GetResponse(apdu.Budget{}))
	if err := exchange(link, apdu.Command{INS: apdu.INSSelect, P1: 4, P2: 0x0C, Data: aid}); err != nil {
		return err
	}
	h.on = aid
	h.session, err = scp03.Open(context.Background(), link, scp03.Config{
		Find: scp03.Fixed(scp03.TestKeys()), Level: scp03.LevelFull, HostChallenge: make([]byte, 8),
	})
	return err
}

// exchanged is one command and its answer, as they are on the wire.
type exchanged struct{ command, answer []byte }

// tape is an issue without any fault.
var tape = sync.OnceValue(func() []exchanged {
	c, err := blankCard()
	if err != nil {
		panic(err)
	}
	if c, err = c.Clone(options()); err != nil {
		panic(err)
	}
	var all []exchanged
	h := host{card: c, tapped: func(command, answer []byte) { all = append(all, exchanged{command, answer}) }}
	if err := h.issue(issue()); err != nil {
		panic(err)
	}
	return all
})

// kept is what a card keeps, but for the counter that each session moves on.
func kept(c *simulator.Card) string {
	lines := bytes.SplitAfter(c.Snapshot(), []byte("\n"))
	return string(bytes.Join(slices.DeleteFunc(lines, func(line []byte) bool {
		return bytes.Contains(line, []byte(`"op":"sequence"`))
	}), nil))
}

// issued is what a card keeps that was issued without any fault.
var issued = sync.OnceValue(func() string {
	c, err := blankCard()
	if err != nil {
		panic(err)
	}
	if c, err = c.Clone(options()); err != nil {
		panic(err)
	}
	for _, e := range tape() {
		c.Process(e.command)
	}
	return kept(c)
})

// issueWith issues a blank card under a script.
func issueWith(t testing.TB, s fault.Script) (*fault.Card, *simulator.Card) {
	t.Helper()
	inner := blank(t)
	c := fault.Wrap(inner)
	c.Arm(s)
	h := host{card: c}
	if err := h.issue(issue()); err != nil {
		t.Fatalf("under\n%v: %v", s, err)
	}
	return c, inner
}
