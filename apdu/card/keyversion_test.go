package card

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/simulator"
)

// nextMaster is that of the next version.
var nextMaster = secret.New(bytes.Repeat([]byte{0x5E}, 32))

// byVersion finds keys as a store with two masters does.
func byVersion(t testing.TB, p byte) scp03.KeyFinder {
	return func(ctx context.Context, version byte, kdd [10]byte) (scp03.Keys, error) {
		switch version {
		case p:
			return scp03.Diversified(master)(ctx, version, kdd)
		case p + 1:
			return scp03.Diversified(nextMaster)(ctx, version, kdd)
		}
		t.Errorf("keys of version %02X are asked for", version)
		return nil, errors.New("no such keys")
	}
}

// TestKeysAreChanged adds a set, proves it, drops the old one: from then on Open finds
// the new one by itself, and asks the card once.
func TestKeysAreChanged(t *testing.T) {
	s, w := fieldCard(t)
	old := s.Profile().Domain.KeyVersion
	find := byVersion(t, old)
	must(t, s.Open(t.Context(), Domain, find))
	put(t, s, find, old+1)
	if v, err := s.KeyVersions(t.Context()); err != nil || !bytes.Equal(v, []byte{old, old + 1}) {
		t.Errorf("%X, %v", v, err)
	}
	must(t, s.Open(t.Context(), Domain, find)) // both stand: the profile's is used
	must(t, s.OpenVersion(t.Context(), Domain, old+1, find))
	must(t, s.DeleteKeys(t.Context(), old))
	if v, err := s.KeyVersions(t.Context()); err != nil || !bytes.Equal(v, []byte{old + 1}) {
		t.Errorf("%X, %v", v, err)
	}

	later := New(w, s.Profile(), Options{})
	must(t, later.Open(t.Context(), "jpki", find))
	w.sent = nil
	must(t, later.Open(t.Context(), "text", find))
	if later.Selected() != "text" || !later.Secured() || len(w.sent) != 3 {
		t.Errorf("%q, %t, %d commands", later.Selected(), later.Secured(), len(w.sent))
	}
}

// fieldCard is a fresh card without the laboratory's keys.
func fieldCard(t *testing.T) (*Session, *wire) {
	t.Helper()
	c, err := simulator.NewBlank(simulator.Options{Master: master, KeyPool: pool, CardID: cardNumber})
	must(t, err)
	w := &wire{card: c}
	return New(w, generation1(t), Options{}), w
}

// put adds a version, wrapped in memory.
func put(t *testing.T, s *Session, find scp03.KeyFinder, version byte) {
	t.Helper()
	kdd := s.channel.Info().Diversification
	under, err := find(t.Context(), s.channel.Info().KeyVersion, kdd)
	must(t, err)
	next, err := find(t.Context(), version, kdd)
	must(t, err)
	wrapped, err := scp03.WrapKeys(t.Context(), under, next.(scp03.StaticKeys))
	must(t, err)
	must(t, s.PutKeys(t.Context(), version, wrapped))
}

func TestKeysAreChangedInTheChannelOnly(t *testing.T) {
	s, w := blank(t, Options{})
	open(t, s, "jpki")
	w.sent = nil
	for name, err := range map[string]error{"PUT KEY": s.PutKeys(t.Context(), 0x31, [3]scp03.WrappedKey{}), "DELETE": s.DeleteKeys(t.Context(), 0x30)} {
		if !errors.Is(err, ErrNoChannel) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(w.sent) != 0 {
		t.Errorf("%d commands were sent", len(w.sent))
	}
}

// TestOpenGivesTheRefusal: a card with the laboratory's keys
// alone is not opened with them unasked.
func TestOpenGivesTheRefusal(t *testing.T) {
	s, w := fieldCard(t)
	other := *s.Profile()
	other.Domain.KeyVersion, other.Domain.LabVersion = 0x22, s.Profile().Domain.KeyVersion
	later := New(w, &other, Options{})
	err := later.Open(t.Context(), "jpki", byVersion(t, 0x22))
	if !errors.Is(err, apdu.SWReferenceDataNotFound) || later.Secured() {
		t.Errorf("%v", err)
	}
}

func TestParseKeyVersions(t *testing.T) {
	for name, row := range map[string]struct{ text, want, says string }{
		"one set":           {"E012C00401308810C00402308810C00403308810", "30", ""},
		"two sets":          {"E00CC00401018810C00401308810", "0130", ""},
		"a set in between":  {"E012C00401308810C00401318810C00402308810", "3031", ""},
		"longer entries":    {"E008C0060130FF880010", "30", ""},
		"no template":       {"C00401308810", "", "no key information template"},
		"nothing":           {"", "", "no key information template"},
		"an empty template": {"E000", "", "lists no key"},
		"another entry":     {"E006C10401308810", "", "no key information"},
		"a short entry":     {"E003C00101", "", "no key information"},
		"a cut entry":       {"E004C0040130", "", "cannot read key versions"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseKeyVersions(unhex(t, row.text))
			if !bytes.Equal(got, unhex(t, row.want)) || (err == nil) != (row.says == "") || err != nil && !strings.Contains(err.Error(), row.says) {
				t.Errorf("%X, %v", got, err)
			}
		})
	}
}

func FuzzKeyVersions(f *testing.F) {
	f.Add([]byte{0xE0, 6, 0xC0, 4, 1, 0x30, 0x88, 0x10})
	f.Fuzz(func(t *testing.T, b []byte) {
		versions, err := parseKeyVersions(b)
		if (err == nil) != (len(versions) > 0) || len(versions) > 256 {
			t.Errorf("%X: %X, %v", b, versions, err)
		}
	})
}
