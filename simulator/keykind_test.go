package simulator

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha512"
	"crypto/x509"
	"math/big"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/apdu/tlv"
)

// nextOptions are those of a card of the draft.
func nextOptions(t testing.TB) Options {
	t.Helper()
	p, err := profile.Load("mynumber-2-draft")
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Profile, o.KeyPool = p, nil
	return o
}

// aidNext is the provisional AID of the draft's 認証AP.
const aidNext = "F04A554B493201"

// pointOf reads the answer to GENERATE ASYMMETRIC KEY PAIR.
func pointOf(t *testing.T, answer []byte) *ecdsa.PublicKey {
	t.Helper()
	if !bytes.HasPrefix(answer, mustHex("7F49638661 04")) || len(answer) != 102 {
		t.Fatalf("public key %X", answer)
	}
	point, _ := tlv.Find(answer, tagPublicKey, tagPublicPoint)
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), point)
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

func TestAKeyOnACurveIsMadeReadAndUsed(t *testing.T) {
	c := newBlank(t, nextOptions(t))
	want(t, c, selectAP(aidNext), "9000")
	s := openChannel(t, c, scp03.LevelFull)
	pub := pointOf(t, bytes.Clone(send(t, s, generate(0x17))))
	read := generate(0x17)
	read.P1 = readExisting
	if again := pointOf(t, bytes.Clone(send(t, s, read))); !again.Equal(pub) {
		t.Error("another key is read than was made")
	}
	digest := sha512.Sum384([]byte("next"))
	sign := apdu.Command{CLA: 0x80, INS: apdu.INSSecurityOperation, P2: 0x97, Data: digest[:], Ne: 96}
	plain := bytes.Clone(send(t, s, sign))
	if len(plain) != 96 || !ecdsa.Verify(pub, digest[:], new(big.Int).SetBytes(plain[:48]), new(big.Int).SetBytes(plain[48:])) {
		t.Errorf("signature %X", plain)
	}
	for name, row := range map[string]struct {
		p1   byte
		data []byte
		sw   apdu.SW
	}{
		"a byte short":      {0, digest[:47], apdu.SWConditionsNotSatisfied},
		"a byte long":       {0, append(digest[:], 0), apdu.SWConditionsNotSatisfied},
		"the card hashes":   {1, digest[:], apdu.SWIncorrectP1P2},
		"a prehash of RSA":  {2, digest[:32], apdu.SWIncorrectP1P2},
		"beyond the scheme": {6, digest[:], apdu.SWIncorrectP1P2},
	} {
		cmd := sign
		cmd.P1, cmd.Data = row.p1, row.data
		t.Run(name, func(t *testing.T) { refuse(t, s, cmd, row.sw) })
	}
}

func TestACurvesKeySurvivesTheFile(t *testing.T) {
	c := newBlank(t, nextOptions(t))
	want(t, c, selectAP(aidNext), "9000")
	s := openChannel(t, c, scp03.LevelFull)
	made := bytes.Clone(send(t, s, generate(0x1A)))
	o := nextOptions(t)
	copied, err := c.Clone(o)
	if err != nil {
		t.Fatal(err)
	}
	want(t, copied, selectAP(aidNext), "9000")
	s = openChannel(t, copied, scp03.LevelFull)
	read := generate(0x1A)
	read.P1 = readExisting
	if got := send(t, s, read); !bytes.Equal(got, made) {
		t.Error("the copy has another key")
	}
}

func TestAKeyOfAnotherKindDoesNotFit(t *testing.T) {
	c := newBlank(t, nextOptions(t))
	der, err := x509.MarshalPKCS8PrivateKey(testKeys()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := c.apply(change{Op: opKey, On: "jpki/auth-key", Data: der}); err == nil {
		t.Error("an RSA key was taken for one on P-384")
	}
	k, err := ecdsa.GenerateKey(elliptic.P384(), nil)
	if err != nil {
		t.Fatal(err)
	}
	first := blank(t)
	for _, path := range []string{"jpki/auth-key", "text/session-key"} {
		if err := first.apply(change{Op: opKey, On: path, key: k}); err == nil {
			t.Errorf("a key on P-384 was taken for %s", path)
		}
	}
}

func TestAKeyOnACurveIsNotImported(t *testing.T) {
	o := nextOptions(t)
	o.Profile.App("jpki").Keys[0].Import = true
	c := newBlank(t, o)
	want(t, c, selectAP(aidNext), "9000")
	s := openChannel(t, c, scp03.LevelFull)
	data := append([]byte{0xB6, 3, 0x84, 1, 0x17}, crt(testKeys()[0], nil)...)
	refuse(t, s, apdu.Command{INS: apdu.INSPutDataBERTLV, P1: 0x3F, P2: 0xFF, Data: data}, apdu.SWConditionsNotSatisfied)
}
