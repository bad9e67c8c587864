package keystore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
)

// vectors is where scp03 keeps the published ones.
const vectors = "../../apdu/scp03/testdata/"

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recorded is openscp.json: whole sessions at level 33, values from the test data of
// Samsung/OpenSCP-Java (Apache-2.0).
type recorded struct {
	PlainCommands map[string]string `json:"plain_commands"`
	Vectors       []struct {
		AES           int
		Mode          string
		Enc, Mac, Dek string
		HostChallenge string `json:"host_challenge"`
		KeyVersion    string `json:"key_version"`
		Exchanges     []struct{ Name, Command, Response string }
	}
}

// testRecorded plays recorded sessions with their static keys inside the store: every
// command must be the one that was recorded.
func testRecorded(t *testing.T, r rig) {
	s, _ := r.open(t)
	text, err := os.ReadFile(vectors + "openscp.json")
	if err != nil {
		t.Fatal(err)
	}
	var file recorded
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) != 6 {
		t.Fatalf("%d sessions, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		keys := scp03.StaticKeys{Enc: secret.New(unhex(t, v.Enc)), Mac: secret.New(unhex(t, v.Mac)), Dek: secret.New(unhex(t, v.Dek))}
		held := r.static(t, s, keys)
		left := v.Exchanges
		wire := transport(func(command []byte) []byte {
			if len(left) == 0 || !bytes.Equal(command, unhex(t, left[0].Command)) {
				t.Fatalf("AES-%d %s: %X is not what was recorded", v.AES, v.Mode, command)
			}
			answer := unhex(t, left[0].Response)
			left = left[1:]
			return answer
		})
		cfg := scp03.Config{Find: scp03.Fixed(held), KeyVersion: unhex(t, v.KeyVersion)[0], Level: scp03.LevelFull, HostChallenge: unhex(t, v.HostChallenge), Mode: scp03.S8}
		if v.Mode == "S16" {
			cfg.Mode = scp03.S16
		}
		ch, err := scp03.Open(t.Context(), wire, cfg)
		if err != nil {
			t.Fatalf("AES-%d %s: %v", v.AES, v.Mode, err)
		}
		for len(left) > 0 {
			if _, err := ch.Transmit(t.Context(), unhex(t, file.PlainCommands[left[0].Name])); err != nil {
				t.Fatal(err)
			}
		}
		ch.Close()
	}
}

// transport answers by a function.
type transport func(command []byte) []byte

func (f transport) Transmit(_ context.Context, command []byte) ([]byte, error) {
	return f(command), nil
}

var _ apdu.Transport = transport(nil)

// testDerivations computes kdf.txt's derivations (NIST SP 800-108 in counter mode as
// Amendment D v1.1.2, 4.1.5 has it) with the key inside the store.
func testDerivations(t *testing.T, r rig) {
	s, _ := r.open(t)
	f, err := os.Open(vectors + "kdf.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		v := strings.Fields(lines.Text())
		if strings.HasPrefix(lines.Text(), "#") || len(v) != 4 {
			continue
		}
		n++
		constant := unhex(t, strings.Repeat("0", len(v[1])%2)+v[1])[0]
		key, input, want := secret.New(unhex(t, v[0])), unhex(t, v[2]), unhex(t, v[3])
		k := r.static(t, s, scp03.StaticKeys{Enc: key, Mac: key, Dek: key})
		var got []byte
		for i := byte(1); len(got) < len(want); i++ {
			block := append(make([]byte, 11), constant, 0, byte(8*len(want)>>8), byte(8*len(want)), i)
			mac, err := k.CMAC(t.Context(), scp03.MAC, append(block, input...))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, mac[:]...)
		}
		if !bytes.Equal(got[:len(want)], want) {
			t.Errorf("line %d: %X, want %X", n, got, want)
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}
	if n < 20 {
		t.Errorf("only %d derivations were found", n)
	}
}

// TestKeyUnwrap has the vectors of RFC 3394, section 4: 4.1, 4.2, 4.3, 4.5 and 4.6, of
// keys of 16, 24 and 32 bytes.
func TestKeyUnwrap(t *testing.T) {
	for name, row := range map[string]struct{ kek, plain, wrapped string }{
		"4.1": {"000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF", "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"},
		"4.2": {"000102030405060708090A0B0C0D0E0F1011121314151617", "00112233445566778899AABBCCDDEEFF", "96778B25AE6CA435F92B5B97C050AED2468AB8A17AD84E5D"},
		"4.3": {"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "00112233445566778899AABBCCDDEEFF", "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7"},
		"4.5": {"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "00112233445566778899AABBCCDDEEFF0001020304050607", "A8F9BC1612C68B3FF6E6F4FBE30E71E4769C8B80A32CB8958CD5D17D6B254DA1"},
		"4.6": {"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F", "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"},
	} {
		t.Run(name, func(t *testing.T) {
			plain, wrapped := unhex(t, row.plain), unhex(t, row.wrapped)
			key, err := unwrap(secret.New(unhex(t, row.kek)), Wrapped{Method: KeyWrap, Data: wrapped, Size: len(plain)})
			if err != nil || !key.Equal(secret.New(plain)) {
				t.Errorf("another key: %v", err)
			}
			for i := range wrapped {
				changed := bytes.Clone(wrapped)
				changed[i] ^= 0x10
				if _, err := unwrap(secret.New(unhex(t, row.kek)), Wrapped{Method: KeyWrap, Data: changed, Size: len(plain)}); err == nil {
					t.Fatalf("byte %d was changed and it opens", i)
				}
			}
		})
	}
}

// TestKCV compares check values with openssl's CMAC.
func TestKCV(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is absent; install the Debian package openssl")
	}
	for _, key := range []string{strings.Repeat("5C", 16), strings.Repeat("01C7", 12), strings.Repeat("9AF30042", 8)} {
		cmd := exec.Command(openssl, "mac", "-macopt", "hexkey:"+key, "-macopt", "cipher:AES-"+map[int]string{32: "128", 48: "192", 64: "256"}[len(key)]+"-CBC", "CMAC")
		cmd.Stdin = bytes.NewReader(make([]byte, 16))
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		got, err := KCVOf(secret.New(unhex(t, key)))
		if err != nil || got.String() != string(out[:10]) {
			t.Errorf("%v, openssl says %s: %v", got, out, err)
		}
	}
	if _, err := KCVOf(secret.New(make([]byte, 8))); err == nil {
		t.Error("a key of 8 bytes has a check value")
	}
}

func TestParseKCV(t *testing.T) {
	value := KCV{0xD8, 0x3A, 0xC6, 0x6B, 0x87}
	for text, want := range map[string]int{"D83AC6": 3, "d8 3a c6 6b": 4, "D83AC66B87": 5, "D83A": 0, "D83AC": 0, "": 0, "D83AC66B8700": 0, "xyz": 0} {
		got, n, err := ParseKCV(text)
		if n != want || (err == nil) != (want > 0) || want > 0 && !value.Matches(got, n) {
			t.Errorf("%q: %v, %d, %v", text, got, n, err)
		}
	}
	if value.Matches(KCV{0xD8, 0x3A, 0xC7}, 3) || value.Matches(value, 2) {
		t.Error("matches what it should not")
	}
}
