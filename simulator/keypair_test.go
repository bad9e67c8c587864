package simulator

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/apdu/tlv"
)

func TestAKeyIsGeneratedWhereThePoolIsEmpty(t *testing.T) {
	c := blank(t)
	c.pool = func() *rsa.PrivateKey { return nil }
	want(t, c, selectAP(aidJPKI), "9000")
	s := openChannel(t, c, scp03.LevelFull)
	answer := bytes.Clone(send(t, s, generate(0x17)))
	n, _ := tlv.Find(answer, tagPublicKey, tagPublicModulus)
	e, _ := tlv.Find(answer, tagPublicKey, tagPublicExp)
	if len(n) != 256 || !bytes.Equal(e, []byte{1, 0, 1}) {
		t.Fatalf("public key %X", answer)
	}
	if k := keyOf(t, c, "jpki/auth-key"); k.N.Cmp(new(big.Int).SetBytes(n)) != 0 {
		t.Error("the card keeps another key than it answered")
	}
	c.pool = nil
	if again := send(t, s, generate(0x17)); bytes.Equal(again, answer) {
		t.Error("the second key is the first")
	}
}

func TestAPoolKeyOfAnotherSizeIsRefused(t *testing.T) {
	small, err := rsa.GenerateKey(nil, 1024)
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.KeyPool = func() *rsa.PrivateKey { return small }
	if _, err := NewBlank(o); err == nil {
		t.Error("a card was made with a key of 1024 bits")
	}
}

// importing is a generation whose holder keys may be brought in.
func importing(t *testing.T) *profile.Card {
	t.Helper()
	p, err := profile.Load(DefaultProfile)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.App("jpki").Keys {
		p.App("jpki").Keys[i].Import = true
	}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = profile.Parse(b); err != nil {
		t.Fatal(err)
	}
	return p
}

// crt is 7F48 with the parts of a key; a part in but is replaced.
func crt(k *rsa.PrivateKey, but map[tlv.Tag][]byte) []byte {
	k.Precompute()
	parts := []struct {
		tag   tlv.Tag
		value *big.Int
	}{
		{tagP, k.Primes[0]}, {tagQ, k.Primes[1]}, {tagQInv, k.Precomputed.Qinv},
		{tagDP, k.Precomputed.Dp}, {tagDQ, k.Precomputed.Dq}, {tagN, k.N},
	}
	var inner []byte
	for _, p := range parts {
		value, changed := but[p.tag]
		if !changed {
			value = p.value.Bytes()
		}
		inner = tlv.Append(inner, p.tag, value)
	}
	return tlv.Append(nil, tagPrivateKey, inner)
}

func TestKeyImportWhereTheProfileAllowsIt(t *testing.T) {
	o := options()
	o.Profile = importing(t)
	key := testKeys()[0]
	named := append([]byte{0xB6, 3, 0x84, 1, 0x17}, crt(key, nil)...)
	tests := []struct {
		name   string
		choose string
		data   []byte
		want   apdu.SW
	}{
		{"named", "", named, apdu.SWOK},
		{"current file", "00A4020C020017", crt(key, nil), apdu.SWOK},
		{"current file is no key", "00A4020C020018", crt(key, nil), apdu.SWCommandIncompatible},
		{"none", "", crt(key, nil), apdu.SWNoCurrentEF},
		{"a key that is not there", "", append([]byte{0xB6, 3, 0x84, 1, 0x0A}, crt(key, nil)...), apdu.SWReferenceDataNotFound},
		{"no parts", "00A4020C020017", []byte{0x7F, 0x48, 0}, apdu.SWWrongData},
		{"no template", "00A4020C020017", []byte{0x92, 1, 1}, apdu.SWWrongData},
		{"another modulus", "00A4020C020017", crt(key, map[tlv.Tag][]byte{tagN: testKeys()[1].N.Bytes()}), apdu.SWWrongData},
		{"another exponent", "00A4020C020017", crt(key, map[tlv.Tag][]byte{tagDP: key.Primes[0].Bytes()}), apdu.SWWrongData},
		{"no coefficient", "00A4020C020017", crt(key, map[tlv.Tag][]byte{tagQInv: nil}), apdu.SWWrongData},
		{"a prime that is none", "00A4020C020017", crt(key, map[tlv.Tag][]byte{tagP: bytes.Repeat([]byte{0xFF}, 128)}), apdu.SWWrongData},
		{"equal primes", "00A4020C020017", crt(key, map[tlv.Tag][]byte{tagP: key.Primes[1].Bytes()}), apdu.SWWrongData},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newBlank(t, o)
			want(t, c, selectAP(aidJPKI), "9000")
			s := openChannel(t, c, scp03.LevelFull)
			if tt.choose != "" {
				want(t, c, tt.choose, "9000")
			}
			refuse(t, s, apdu.Command{INS: apdu.INSPutDataBERTLV, P1: 0x3F, P2: 0xFF, Data: tt.data}, tt.want)
			has := find(c, "jpki/auth-key").key.private != nil
			if has != (tt.want == apdu.SWOK) {
				t.Fatalf("key on the card: %v", has)
			}
			if has && keyOf(t, c, "jpki/auth-key").N.Cmp(key.N) != 0 {
				t.Error("another key is on the card")
			}
		})
	}
}

func TestAnUnknownKeyTypeIsRefused(t *testing.T) {
	for _, kind := range []string{"EC-P384", "RSA-many"} {
		o := options()
		o.Profile = importing(t)
		o.Profile.App("jpki").Keys[0].Type = kind
		if _, err := NewBlank(o); err == nil {
			t.Errorf("a card with a key of type %q was made", kind)
		}
	}
}
