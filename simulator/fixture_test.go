package simulator

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
)

// The identifiers below stand as literals on purpose: they are copied from the card
// fact sheet, not from the profile the card is built of.
const (
	aidJPKI     = "D392F000260100000001"
	aidSurface  = "D3921000310001010402"
	aidText     = "D3921000310001010408"
	aidResident = "D3921000310001010401"
	aidCommon   = "D3921000310001010100"
	aidDomain   = "A000000151000000"
)

const (
	authPIN  = "1234"
	signPIN  = "ABC123"
	textPIN  = "5678"
	jukiPIN  = "9012"
	numberA  = "999999999999"
	numberB  = "55021720352285"
	birthPIN = "550217"
)

// testKeys are the only RSA keys the tests generate, but where a test is about
// generating them.
var testKeys = sync.OnceValue(func() []*rsa.PrivateKey {
	keys := make([]*rsa.PrivateKey, 3)
	for i := range keys {
		var err error
		if keys[i], err = rsa.GenerateKey(nil, rsaBits); err != nil {
			panic(err)
		}
	}
	return keys
})

// pool hands the test keys out in turn.
func pool() func() *rsa.PrivateKey {
	n := 0
	return func() *rsa.PrivateKey {
		n++
		return testKeys()[n%len(testKeys())]
	}
}

// chance is a repeatable source of bytes.
func chance(seed uint64) *rand.ChaCha8 {
	var b [32]byte
	b[0], b[1] = byte(seed), byte(seed>>8)
	return rand.NewChaCha8(b)
}

var testMaster = secret.New(bytes.Repeat([]byte{0x5A}, 16))

func options() Options {
	return Options{LabKey: LabTestKey, Master: testMaster, Rand: chance(1), KeyPool: pool(), CardID: "0999000000000017"}
}

func newBlank(t testing.TB, o Options) *Card {
	t.Helper()
	c, err := NewBlank(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// transport is the host's view of a card, GET RESPONSE done for it.
func transport(c *Card) apdu.Transport {
	return apdu.Wrap(apdu.TransportFunc(func(_ context.Context, command []byte) ([]byte, error) {
		return bytes.Clone(c.Process(command)), nil
	}), apdu.GetResponse(apdu.Budget{}))
}

func mustHex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(fmt.Sprintf("%q: %v", s, err))
	}
	return b
}

// say sends hex and gives the answer in hex, upper case.
func say(c *Card, command string) string {
	return strings.ToUpper(hex.EncodeToString(c.Process(mustHex(command))))
}

// want sends hex and wants that answer in hex, spaces aside.
func want(t testing.TB, c *Card, command, answer string) {
	t.Helper()
	if got := say(c, command); got != strings.ReplaceAll(answer, " ", "") {
		t.Fatalf("%s\n got %s\nwant %s", command, got, answer)
	}
}

func selectAP(aid string) string {
	return fmt.Sprintf("00A4040C%02X%s", len(aid)/2, aid)
}

func verifyAPDU(sfi byte, pin string) string {
	return fmt.Sprintf("002000%02X%02X%X", 0x80|sfi, len(pin), pin)
}

// openChannel opens SCP03 at full level with the laboratory's keys on what is selected.
func openChannel(t testing.TB, c *Card, level scp03.Level) *scp03.Session {
	t.Helper()
	s, err := scp03.Open(context.Background(), transport(c), scp03.Config{
		Find:  scp03.Fixed(scp03.TestKeys()),
		Mode:  c.options.Mode(),
		Level: level,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// send sends a plain command through a channel and wants 9000.
func send(t testing.TB, s apdu.Transport, c apdu.Command) []byte {
	t.Helper()
	r, err := apdu.Send(context.Background(), s, c)
	if err != nil {
		t.Fatalf("%v: %v", c, err)
	}
	if err := r.Err(c, ""); err != nil {
		t.Fatal(err)
	}
	return r.Data
}

// refuse sends a plain command through a channel and wants that status word.
func refuse(t testing.TB, s apdu.Transport, c apdu.Command, want apdu.SW) {
	t.Helper()
	r, err := apdu.Send(context.Background(), s, c)
	if err != nil {
		t.Fatalf("%v: %v", c, err)
	}
	if r.SW != want {
		t.Fatalf("%v: %v, want %v", c, r.SW, want)
	}
}

// certificate is so many bytes that begin like a certificate.
func certificate(size int, fill byte) []byte {
	b := bytes.Repeat([]byte{fill}, size)
	copy(b, []byte{0x30, 0x82, byte((size - 4) >> 8), byte(size - 4)})
	return b
}

// content is what the tests write into each file of an issued card.
func content(f *profile.File) []byte {
	switch {
	case f.Elastic:
		return certificate(1600+int(f.ID), byte(f.ID))
	case f.Name == "presence":
		return []byte{0x8F, 0x8F, 0x00}
	case f.Size == 17:
		return append(append([]byte{0xFF, 0x10, 0x0C}, numberA...), 0xFF, 0xFF)
	case f.Kind == profile.Record:
		return []byte("\x01\x1c9990000000000179999920350217")
	}
	return bytes.Repeat([]byte{byte(f.ID)}, min(f.Size, 600))
}

// value is what the tests set each reference to.
func value(r *profile.Reference) string {
	switch r.Class {
	case "signature":
		return signPIN
	case "authentication":
		return authPIN
	case "text":
		return textPIN
	case "resident":
		return jukiPIN
	case "reference-a":
		return numberA
	case "reference-b":
		return numberB
	case "birth":
		return birthPIN
	}
	return ""
}

// issue writes everything of a product through the channel, an AP at a time, and locks.
func issue(t testing.TB, c *Card, product *profile.Product) {
	t.Helper()
	for i := range c.profile.Applications {
		a := &c.profile.Applications[i]
		want(t, c, selectAP(a.AID.String()), "9000")
		s := openChannel(t, c, scp03.LevelFull)
		for j := range a.Files {
			if f := &a.Files[j]; len(f.Write) > 0 && !product.Omits(a.Name+"/"+f.Name) {
				writeFile(t, s, f)
			}
		}
		for j := range a.PINs {
			if r := &a.PINs[j]; r.Class != "" && !product.Omits(a.Name+"/"+r.Name) {
				send(t, s, apdu.Command{INS: apdu.INSResetRetryCounter, P1: 2, P2: 0x80 | r.ID.SFI(), Data: []byte(value(r))})
			}
		}
		for _, k := range a.Keys {
			if !k.Made && !product.Omits(a.Name+"/"+k.Name) {
				send(t, s, generate(k.ID.SFI()))
			}
		}
	}
	want(t, c, "00A4040C00", "9000")
	s := openChannel(t, c, scp03.LevelFull)
	send(t, s, apdu.Command{INS: apdu.INSPutData, P2: 0xF0, Data: []byte("99999")})
	send(t, s, apdu.Command{INS: apdu.INSPutData, P2: 0xF2, Data: []byte("20350217")})
	send(t, s, apdu.Command{CLA: 0x80, INS: apdu.INSSetStatus, P1: 0x80, P2: 0x0F})
	c.PowerOff()
}

func generate(ref byte) apdu.Command {
	return apdu.Command{INS: apdu.INSGenerateKeyPair, P1: 0x80, Data: []byte{0xB6, 3, 0x84, 1, ref}, Ne: 256}
}

func writeFile(t testing.TB, s *scp03.Session, f *profile.File) {
	t.Helper()
	data := content(f)
	if f.Kind == profile.Record {
		send(t, s, apdu.Command{INS: apdu.INSUpdateRecord, P1: 1, P2: f.ID.SFI()<<3 | 4, Data: data})
		return
	}
	for at := 0; at < len(data); {
		n := min(s.Payload(apdu.MaxShortData), len(data)-at)
		c := apdu.Command{INS: apdu.INSUpdateBinary, P1: byte(at >> 8), P2: byte(at), Data: data[at : at+n]}
		if at == 0 {
			c.P1, c.P2 = 0x80|f.ID.SFI(), 0
		}
		send(t, s, c)
		at += n
	}
}

// masters are cards made once, by name, to be copied.
var masters sync.Map

// copyOf is a card of its own like the one that make makes.
func copyOf(t testing.TB, name string, make func() *Card) *Card {
	t.Helper()
	master, ok := masters.Load(name)
	if !ok {
		master, _ = masters.LoadOrStore(name, make())
	}
	return clone(t, master.(*Card), options())
}

func clone(t testing.TB, c *Card, o Options) *Card {
	t.Helper()
	twin, err := c.Clone(o)
	if err != nil {
		t.Fatal(err)
	}
	return twin
}

// withoutKeys is the snapshot but for the RSA keys, which cost most to write down.
func withoutKeys(c *Card) []change {
	changes := []change{{Op: opLife, N: int(c.life)}}
	for _, s := range c.sets {
		changes = append(changes, putKeysChange(0, s))
	}
	for _, o := range c.domain.objects {
		if o.value != nil {
			changes = append(changes, objectChange(o.Tag, o.value))
		}
	}
	for _, a := range c.apps {
		for _, e := range a.elements {
			changes = append(changes, e.snapshot()...)
		}
	}
	return changes
}

// newIssued is a card of its own, issued as a product.
func newIssued(t testing.TB, product string) *Card {
	t.Helper()
	return copyOf(t, product, func() *Card {
		c := newBlank(t, options())
		p := c.profile.Product(product)
		if p == nil {
			t.Fatalf("no product %q", product)
		}
		issue(t, c, p)
		return c
	})
}

// blank is a blank card of its own.
func blank(t testing.TB) *Card {
	t.Helper()
	return copyOf(t, "blank", func() *Card { return newBlank(t, options()) })
}

// replay makes a card of changes.
func replay(t testing.TB, changes []change) *Card {
	t.Helper()
	c, err := newShell(options())
	if err != nil {
		t.Fatal(err)
	}
	for _, ch := range changes {
		if err := c.apply(ch); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
