package vault

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"jukicard/apdu/secret"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
)

const canary = "CANARY77"

func pins(t *testing.T) order.PINs {
	t.Helper()
	p, err := order.ParsePINs([]byte(`{"signature":"` + canary + `","resident":"4826"}`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func shown(s secret.Bytes) string {
	var out string
	if err := s.Lend(func(b []byte) error { out = string(b); return nil }); err != nil {
		return err.Error()
	}
	return out
}

func TestPINsAreThereUntilDropped(t *testing.T) {
	var v PINs
	if v.Has("j1") {
		t.Error("an empty vault has PINs")
	}
	if err := v.Put("j1", pins(t)); err != nil {
		t.Fatal(err)
	}
	pin, ok := v.PIN("j1", juki.PINSignature)
	if !ok || shown(pin) != canary || !v.Has("j1") {
		t.Fatalf("the PIN is not there (%v)", ok)
	}
	for _, absent := range []struct {
		job   string
		class juki.PINClass
	}{{"j1", juki.PINText}, {"j2", juki.PINSignature}} {
		if _, ok := v.PIN(absent.job, absent.class); ok {
			t.Errorf("%s of job %s is there", absent.class, absent.job)
		}
	}
	v.Drop("j1")
	v.Drop("j1")
	if _, ok := v.PIN("j1", juki.PINSignature); ok || v.Has("j1") {
		t.Error("a dropped PIN is still there")
	}
	if shown(pin) != canary {
		t.Error("a copy in use was destroyed under its user")
	}
}

func TestWhatThePINsWereIsDestroyed(t *testing.T) {
	ends := map[string]func(v *PINs){
		"drop":    func(v *PINs) { v.Drop("j1") },
		"close":   func(v *PINs) { v.Close() },
		"put new": func(v *PINs) { _ = v.Put("j1", order.PINs{}) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			var v PINs
			p := pins(t)
			if err := v.Put("j1", p); err != nil {
				t.Fatal(err)
			}
			end(&v)
			for class, pin := range p {
				if err := pin.Lend(func([]byte) error { return nil }); !errors.Is(err, secret.ErrDestroyed) {
					t.Errorf("%s lives on", class)
				}
			}
		})
	}
}

func TestAnEmptySetIsASet(t *testing.T) {
	var v PINs
	if err := v.Put("face", order.PINs{}); err != nil || !v.Has("face") {
		t.Errorf("a card without holder PINs has no set (%v)", err)
	}
}

func TestAFullVaultRefusesAndDestroys(t *testing.T) {
	var v PINs
	for i := range jobsMax {
		if err := v.Put(fmt.Sprint(i), order.PINs{}); err != nil {
			t.Fatal(err)
		}
	}
	p := pins(t)
	if err := v.Put("one more", p); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	if shown(p[juki.PINSignature]) == canary {
		t.Error("refused PINs live on")
	}
	if err := v.Put("0", pins(t)); err != nil {
		t.Errorf("a job that is there cannot be given again: %v", err)
	}
}

func TestPINsInUseWhileTheyAreDropped(t *testing.T) {
	var v PINs
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 50 {
				job := fmt.Sprint(i % 3)
				if err := v.Put(job, pins(t)); err != nil {
					t.Error(err)
				}
				if pin, ok := v.PIN(job, juki.PINSignature); ok {
					if shown(pin) != canary {
						t.Error("a copy changed")
					}
					pin.Destroy()
				}
				v.Drop(job)
			}
		})
	}
	wg.Wait()
}

// holder keeps values where fmt may not call their methods.
type holder struct {
	inner any
	pins  *PINs
	seal  *Sealer
}

func TestNothingShowsSecrets(t *testing.T) {
	var v PINs
	if err := v.Put("j1", pins(t)); err != nil {
		t.Fatal(err)
	}
	s := sealer(t, t.TempDir())
	h := holder{inner: &v, pins: &v, seal: s}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{&v, h, &h, s, *s} {
			text := fmt.Sprintf(verb, value)
			if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s shows a PIN", verb)
			}
		}
	}
	for _, value := range []any{s, *s} {
		if got := fmt.Sprintf("%+v", value); got != "[sealer]" {
			t.Errorf("a sealer shows as %s", got)
		}
	}
	if got := v.String(); got != "PINs of 1 jobs" {
		t.Errorf("String is %q", got)
	}
}
