package card

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/simulator"
)

// pool hands out three premade keys in turn: nothing here is about making them.
var pool = func() func() *rsa.PrivateKey {
	made := sync.OnceValue(func() (keys [3]*rsa.PrivateKey) {
		for i := range keys {
			var err error
			if keys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
				panic(err)
			}
		}
		return keys
	})
	n := 0
	return func() *rsa.PrivateKey {
		n++
		return made()[n%3]
	}
}()

func generation1(t testing.TB) *profile.Card {
	t.Helper()
	p, err := profile.Load("mynumber-1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wire is a simulated card and everything that was sent to it.
type wire struct {
	card *simulator.Card
	sent []apdu.Command // Data is nil
}

func (w *wire) Transmit(_ context.Context, b []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(b)
	if err != nil {
		return nil, err
	}
	if c.INS == apdu.INSVerify && len(c.Data) > 0 {
		c.Ne = -len(c.Data) // tells a presentation from a question
	}
	c.Data = nil
	w.sent = append(w.sent, c)
	return w.card.Process(b), nil
}

// count is how many commands of an instruction were sent.
func (w *wire) count(ins byte) int {
	n := 0
	for _, c := range w.sent {
		if c.INS == ins {
			n++
		}
	}
	return n
}

// presented is how many values were presented in the clear.
func (w *wire) presented() int {
	n := 0
	for _, c := range w.sent {
		if c.INS == apdu.INSVerify && c.Ne < 0 {
			n++
		}
	}
	return n
}

const cardNumber = "0999000000000017"

// blank is a session on a fresh card.
func blank(t testing.TB, o Options) (*Session, *wire) {
	t.Helper()
	c, err := simulator.NewBlank(simulator.Options{LabKey: simulator.LabTestKey, Master: master, KeyPool: pool, CardID: cardNumber})
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{card: c}
	return New(w, generation1(t), o), w
}

var master = secret.New(bytes.Repeat([]byte{0x5A}, 16))

// open opens the channel on an application.
func open(t testing.TB, s *Session, app string) {
	t.Helper()
	if err := s.Open(t.Context(), app, scp03.Diversified(master)); err != nil {
		t.Fatal(err)
	}
}

// values are what the tests set each reference to.
var values = map[string]string{
	"jpki/sign-pin": "ABC123", "jpki/auth-pin": "1234", "text/pin": "5678", "resident/pin": "9012", "common/pin": "3456",
	"text/reference-a": "999999999999", "text/reference-b": "55021720352285",
	"surface/reference-a": "999999999999", "surface/reference-b": "55021720352285", "surface/reference-birth": "550217",
}

// issued is a session on a card with something in every place, locked.
func issued(t testing.TB, o Options) (*Session, *wire) {
	t.Helper()
	s, w := blank(t, o)
	for _, a := range s.p.Applications {
		open(t, s, a.Name)
		for _, f := range a.Files {
			if len(f.Write) > 0 {
				must(t, s.Update(t.Context(), a.Name+"/"+f.Name, content(&f), 0, nil))
			}
		}
		for _, r := range a.PINs {
			if value := values[a.Name+"/"+r.Name]; value != "" {
				must(t, s.Set(t.Context(), a.Name+"/"+r.Name, secret.FromString(value)))
			}
		}
		for _, k := range a.Keys {
			if !k.Made {
				_, err := s.Generate(t.Context(), a.Name+"/"+k.Name)
				must(t, err)
			}
		}
	}
	open(t, s, Domain)
	must(t, s.PutData(t.Context(), "expiry", []byte("20350217")))
	must(t, s.Lock(t.Context()))
	s.Lost()
	w.card.PowerOff()
	w.sent = nil
	return s, w
}

// content is an object that fills most of its file.
func content(f *profile.File) []byte {
	switch {
	case f.Kind == profile.Record:
		return []byte("\x01\x1c9990000000000179999920350217")
	case f.Elastic:
		return object(1600 + int(f.ID))
	case f.Size < 256:
		return bytes.Repeat([]byte{byte(f.ID)}, f.Size)
	}
	return object(min(f.Size, 900))
}

// object is one DER object of n bytes in all, which looks like a certificate.
func object(n int) []byte {
	b := bytes.Repeat([]byte{0x5A}, n)
	copy(b, []byte{0x30, 0x82, byte((n - 4) >> 8), byte(n - 4)})
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// forms are the two length forms a session can be told to use.
var forms = map[string]Options{"short": {}, "extended": {Extended: true}}
