package simulator

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
)

// someKeys are keys of that many bytes, all of one value and unlike each other.
func someKeys(size int, fill byte) scp03.StaticKeys {
	key := func(i byte) secret.Bytes { return secret.New(bytes.Repeat([]byte{fill + i}, size)) }
	return scp03.StaticKeys{Enc: key(1), Mac: key(2), Dek: key(3)}
}

// tryChannel opens a channel with these keys of that version; 0 lets the card choose.
func tryChannel(c *Card, find scp03.KeyFinder, version byte) (*scp03.Session, error) {
	return scp03.Open(context.Background(), transport(c), scp03.Config{
		Find: find, KeyVersion: version, Mode: c.options.Mode(), Level: scp03.LevelFull, AID: c.app.aid,
	})
}

func TestTheIssuersKeysAreDiversified(t *testing.T) {
	c := blank(t)
	if _, err := tryChannel(c, scp03.Diversified(testMaster), 0x30); err != nil {
		t.Error(err)
	}
	want(t, c, selectAP(aidText), "9000")
	if _, err := tryChannel(c, scp03.Diversified(testMaster), 0x30); err != nil {
		t.Errorf("on an application: %v", err)
	}
	if _, err := tryChannel(c, scp03.Fixed(scp03.TestKeys()), 0x30); !errors.Is(err, scp03.ErrCryptogram) {
		t.Errorf("the test key opens the issuer's set: %v", err)
	}
	if _, err := tryChannel(c, scp03.Fixed(scp03.TestKeys()), 0); err != nil {
		t.Errorf("the default set is not the laboratory's: %v", err)
	}
}

func TestManyWrongKeysDoNotLoseTheCard(t *testing.T) {
	c := blank(t)
	for range 100 {
		if _, err := tryChannel(c, scp03.Fixed(someKeys(16, 9)), 1); !errors.Is(err, scp03.ErrCryptogram) {
			t.Fatal(err)
		}
		want(t, c, "848233001000000000000000000000000000000000", "6982")
	}
	if _, err := tryChannel(c, scp03.Fixed(scp03.TestKeys()), 1); err != nil {
		t.Error(err)
	}
}

func TestPutKeyAddsAndReplacesAndSurvives(t *testing.T) {
	tests := []struct {
		name     string
		old, new byte
		size     int
		left     []byte // versions there are afterwards, the default first
	}{
		{"add AES-128", 0, 0x31, 16, []byte{0x01, 0x30, 0x31}},
		{"add AES-192", 0, 0x31, 24, []byte{0x01, 0x30, 0x31}},
		{"add AES-256", 0, 0x31, 32, []byte{0x01, 0x30, 0x31}},
		{"replace in place", 0x30, 0x30, 16, []byte{0x01, 0x30}},
		{"replace by a new version", 0x01, 0x02, 16, []byte{0x02, 0x30}},
		{"replace the set in use", 0x01, 0x01, 32, []byte{0x01, 0x30}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options()
			o.StateFile = filepath.Join(t.TempDir(), "card.state")
			c := newBlank(t, o)
			s := openChannel(t, c, scp03.LevelFull)
			if err := s.PutKeys(t.Context(), tt.old, tt.new, someKeys(tt.size, 0x20)); err != nil {
				t.Fatal(err)
			}
			send(t, s, apdu.Command{CLA: 0x80, INS: apdu.INSGetData, P2: 0x66, Ne: 256}) // the channel goes on
			kept, err := Load(o.StateFile, o)
			if err != nil {
				t.Fatal(err)
			}
			var versions []byte
			for _, set := range kept.sets {
				versions = append(versions, set.version)
			}
			if !bytes.Equal(versions, tt.left) {
				t.Errorf("versions %X, want %X", versions, tt.left)
			}
			if _, err := tryChannel(kept, scp03.Fixed(someKeys(tt.size, 0x20)), tt.new); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPutKeyRefuses(t *testing.T) {
	good := putKeyData(t, 0x31)
	changed := func(at int, b byte) []byte {
		d := bytes.Clone(good)
		d[at] = b
		return d
	}
	tests := []struct {
		name   string
		p1, p2 byte
		data   []byte
		want   apdu.SW
	}{
		{"a version that is not there", 0x44, 0x81, good, apdu.SWReferenceDataNotFound},
		{"a single key", 0, 0x01, good, apdu.SWIncorrectP1P2},
		{"a version that is there already", 0, 0x81, changed(0, 0x30), apdu.SWWrongData},
		{"another's version", 0x01, 0x81, changed(0, 0x30), apdu.SWWrongData},
		{"version 0", 0, 0x81, changed(0, 0), apdu.SWWrongData},
		{"version 80", 0, 0x81, changed(0, 0x80), apdu.SWWrongData},
		{"a wrong check value", 0, 0x81, changed(len(good)-1, good[len(good)-1]^1), swCheckValue},
		{"a wrong key", 0, 0x81, changed(5, good[5]^1), swCheckValue},
		{"another type", 0, 0x81, changed(1, 0x80), apdu.SWWrongData},
		{"two keys", 0, 0x81, good[:1+2*(len(good)-1)/3], apdu.SWWrongData},
		{"nothing", 0, 0x81, nil, apdu.SWWrongData},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := blank(t)
			s := openChannel(t, c, scp03.LevelFull)
			refuse(t, s, apdu.Command{CLA: 0x80, INS: apdu.INSPutKey, P1: tt.p1, P2: tt.p2, Data: tt.data, Ne: 256}, tt.want)
			if len(c.sets) != 2 {
				t.Errorf("%d key sets, want 2", len(c.sets))
			}
		})
	}
}

func putKeyData(t *testing.T, version byte) []byte {
	t.Helper()
	wrapped, err := scp03.WrapKeys(t.Context(), scp03.TestKeys(), someKeys(16, 0x20))
	if err != nil {
		t.Fatal(err)
	}
	return scp03.PutKeyData(version, wrapped)
}

// pySim leaves out the length of the clear key, as the standard allows.
func TestPutKeyTakesBlocksWithoutLength(t *testing.T) {
	c := blank(t)
	s := openChannel(t, c, scp03.LevelCMAC)
	wrapped, err := scp03.WrapKeys(t.Context(), scp03.TestKeys(), someKeys(16, 0x20))
	if err != nil {
		t.Fatal(err)
	}
	data := []byte{0x31}
	for _, w := range wrapped {
		data = append(append(data, 0x88, 16), w.Ciphertext...)
		data = append(append(data, 3), w.CheckValue[:]...)
	}
	answer := send(t, s, apdu.Command{CLA: 0x80, INS: apdu.INSPutKey, P2: 0x81, Data: data, Ne: 256})
	if len(answer) != 10 || answer[0] != 0x31 {
		t.Errorf("answer %X, want the version and three check values", answer)
	}
	if _, err := tryChannel(c, scp03.Fixed(someKeys(16, 0x20)), 0x31); err != nil {
		t.Error(err)
	}
}

func TestKeysAreTheDomainsOnly(t *testing.T) {
	c := blank(t)
	want(t, c, selectAP(aidJPKI), "9000")
	s := openChannel(t, c, scp03.LevelFull)
	refuse(t, s, apdu.Command{CLA: 0x80, INS: apdu.INSPutKey, P2: 0x81, Data: putKeyData(t, 0x31)}, apdu.SWConditionsNotSatisfied)
	refuse(t, s, apdu.Command{CLA: 0x80, INS: apdu.INSDelete, Data: []byte{0xD2, 1, 1}}, apdu.SWConditionsNotSatisfied)
	refuse(t, s, apdu.Command{CLA: 0x80, INS: apdu.INSGetStatus, P1: 0x80, P2: 2, Data: []byte{0x4F, 0}}, apdu.SWConditionsNotSatisfied)
}

func TestS16OpensAndSaysSo(t *testing.T) {
	o := options()
	o.S16 = true
	c := newBlank(t, o)
	s := openChannel(t, c, scp03.LevelFull)
	send(t, s, apdu.Command{CLA: 0x80, INS: apdu.INSGetStatus, P1: 0x80, P2: 2, Data: []byte{0x4F, 0}, Ne: 256})
	data := send(t, s, apdu.Command{CLA: 0x80, INS: apdu.INSGetData, P2: 0x67, Ne: 256})
	if !bytes.Contains(data, []byte{0x81, 0x01, 0x71}) {
		t.Errorf("capabilities %X do not say i=71", data)
	}
	c.PowerOff()
	want(t, c, "8050000008000102030405060700", "6700")
}

func TestTheSequenceCounterNeverRepeatsAndEnds(t *testing.T) {
	c := blank(t)
	seen := map[string]bool{}
	for range 20 {
		answer := say(c, "8050000008000102030405060700")
		challenge := answer[2*13 : 2*21]
		if seen[challenge] {
			t.Fatalf("card challenge %s comes twice", challenge)
		}
		seen[challenge] = true
	}
	c.sequence = sequenceMax
	want(t, c, "8050000008000102030405060700", "6985")
}

// 256 bytes and their protection do not fit a short answer.
func TestAProtectedAnswerTooLongIsHandedOutInPieces(t *testing.T) {
	c := newIssued(t, "standard")
	want(t, c, selectAP(aidJPKI), "9000")
	var raw [][]byte
	link := apdu.TransportFunc(func(_ context.Context, command []byte) ([]byte, error) {
		answer := bytes.Clone(c.Process(command))
		raw = append(raw, answer)
		return answer, nil
	})
	s, err := scp03.Open(t.Context(), apdu.Wrap(link, apdu.GetResponse(apdu.Budget{})), scp03.Config{
		Find: scp03.Fixed(scp03.TestKeys()), Level: scp03.LevelFull,
	})
	if err != nil {
		t.Fatal(err)
	}
	raw = nil
	got := send(t, s, apdu.Command{INS: apdu.INSReadBinary, P1: 0x8A, Ne: 256})
	if !bytes.Equal(got, certificate(1610, 0x0A)[:256]) {
		t.Errorf("%d other bytes", len(got))
	}
	if len(raw) != 2 || len(raw[0]) != 258 || !bytes.HasSuffix(raw[0], []byte{0x61, 24}) || len(raw[1]) != 26 {
		t.Errorf("answers of %d pieces, want 256 bytes and 6118, then 24", len(raw))
	}
	raw = nil
	got = send(t, s, apdu.Command{INS: apdu.INSReadBinary, P1: 0x8A, Ne: 65536})
	if !bytes.Equal(got, certificate(1610, 0x0A)) || len(raw) != 1 {
		t.Errorf("extended: %d bytes in %d answers", len(got), len(raw))
	}
}

// javax.smartcardio and others repeat the class of the command in GET RESPONSE.
func TestGetResponseWithTheClassBefore(t *testing.T) {
	c := newIssued(t, "standard")
	want(t, c, selectAP(aidText), "9000")
	for _, cla := range []string{"00", "80", "04", "84"} {
		if got := say(c, "802A0000010110"); got[32:] != "61F0" {
			t.Fatal(got)
		}
		if got := say(c, cla+"C00000F0"); len(got) != 2*242 || got[480:] != "9000" {
			t.Errorf("CLA %s: %s", cla, got)
		}
	}
	want(t, c, "00A4040C08"+aidDomain, "9000")
	if got := say(c, "802A0000010110"); got != "6A86" {
		t.Error(got)
	}
	want(t, c, "00C0010010", "6985")
}

func TestGetResponseIsStrict(t *testing.T) {
	c := newIssued(t, "standard")
	want(t, c, selectAP(aidText), "9000")
	say(c, "802A0000010110")
	want(t, c, "00C0010010", "6A86")
	want(t, c, "00C00000", "6700")
	want(t, c, "00C0000001FF10", "6700")
	if got := say(c, "00C0000000"); len(got) != 2*242 {
		t.Errorf("what waited is gone: %s", got)
	}
}
