package simulator

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"testing"

	"jukicard/apdu/tlv"
)

// terminal is the other end of the text application's secure messaging, written from
// the fact sheet's description alone.
type terminal struct {
	t     *testing.T
	card  *Card
	block cipher.Block
	n     uint32
}

func seed() []byte { return bytes.Repeat([]byte{0x77}, 32) }

// textKey reads the key that session keys are delivered under.
func textKey(t *testing.T, c *Card) *rsa.PublicKey {
	t.Helper()
	file := bytes.Clone(c.Process(mustHex("00B08600000000")))
	e, _ := tlv.Find(file, 0xA1, 0x90)
	n, ok := tlv.Find(file, 0xA1, 0x91)
	if !ok {
		t.Fatalf("session key file %X", file)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
}

func deliver(t *testing.T, c *Card, message []byte) string {
	t.Helper()
	enciphered, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, textKey(t, c), message, nil)
	if err != nil {
		t.Fatal(err)
	}
	return say(c, fmt.Sprintf("80AE0000000100%X", enciphered))
}

func message(seed []byte) []byte { return append([]byte{0xA0, 0x22, 0x80, 0x20}, seed...) }

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	c := newIssued(t, "standard")
	want(t, c, selectAP(aidText), "9000")
	want(t, c, verifyAPDU(0x11, textPIN), "9000")
	if got := deliver(t, c, message(seed())); got != "9000" {
		t.Fatalf("SET SESSION KEY: %s", got)
	}
	block, err := aes.NewCipher(seed()[:16])
	if err != nil {
		t.Fatal(err)
	}
	return &terminal{t: t, card: c, block: block}
}

func (m *terminal) iv() []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[8:], uint64(m.n))
	out := make([]byte, 16)
	m.block.Encrypt(out, b[:])
	return out
}

func (m *terminal) cryptogram(data []byte) []byte {
	m.n++
	b := append(bytes.Clone(data), 0x80)
	for len(b)%16 != 0 {
		b = append(b, 0)
	}
	cipher.NewCBCEncrypter(m.block, m.iv()).CryptBlocks(b, b)
	return tlv.Append(nil, 0x86, []byte{1}, b)
}

func (m *terminal) send(header string, data []byte) string {
	return say(m.card, fmt.Sprintf("%s%02X%X", header, len(data), data))
}

// read sends READ BINARY and gives the plain answer.
func (m *terminal) read(header string, le uint16) []byte {
	m.t.Helper()
	m.n++
	answer := mustHex(say(m.card, fmt.Sprintf("%s0000059603%06X0000", header, le)))
	if !bytes.HasSuffix(answer, []byte{0x90, 0}) {
		m.t.Fatalf("answer %X", answer)
	}
	ct, ok := tlv.Find(answer[:len(answer)-2], 0x86)
	if !ok || ct[0] != 1 || len(ct)%16 != 1 {
		m.t.Fatalf("answer %X", answer)
	}
	plain := make([]byte, len(ct)-1)
	cipher.NewCBCDecrypter(m.block, m.iv()).CryptBlocks(plain, ct[1:])
	plain = bytes.TrimRight(plain, "\x00")
	return plain[:len(plain)-1]
}

func TestTextSessionReadsAndVerifies(t *testing.T) {
	m := openTerminal(t)
	if got := m.send("08A4020C", m.cryptogram([]byte{0, 1})); got != "9000" {
		t.Fatalf("SELECT: %s", got)
	}
	_, number, err := m.card.profile.File("text/number")
	if err != nil {
		t.Fatal(err)
	}
	want := content(number)
	if got := m.read("08B00000", 0); !bytes.Equal(got, want) {
		t.Errorf("whole file %X, want %X", got, want)
	}
	if got := m.read("08B00003", 12); string(got) != numberA {
		t.Errorf("number %q", got)
	}
	if got := m.send("08200094", m.cryptogram([]byte(numberA))); got != "9000" {
		t.Errorf("VERIFY: %s", got)
	}
	if got := m.send("08200094", m.cryptogram([]byte("000000000000"))); got != "63C9" {
		t.Errorf("wrong VERIFY: %s", got)
	}
	if got := m.send("08200092", m.cryptogram([]byte("0000"))); got != "6984" {
		t.Errorf("VERIFY of the blocked reference: %s", got)
	}
	if got := m.read("08B08400", 0); len(got) != 568 { // the counter went on through refusals
		t.Errorf("certificate of %d bytes", len(got))
	}
}

func TestTextSessionLetsPlainCommandsPass(t *testing.T) {
	m := openTerminal(t)
	want(t, m.card, "00B0810003", "FF100C9000")
	if got := m.read("08B08100", 3); !bytes.Equal(got, []byte{0xFF, 0x10, 0x0C}) {
		t.Errorf("read %X", got)
	}
}

func TestTextSessionEndsWithItsErrors(t *testing.T) {
	tests := []struct {
		name string
		send func(m *terminal) string
		want string
	}{
		{"cryptogram on READ BINARY", func(m *terminal) string { return m.send("08B08100", m.cryptogram(nil)) }, "6988"},
		{"length on VERIFY", func(m *terminal) string { return m.send("08200094", mustHex("9603000010")) }, "6988"},
		{"two objects", func(m *terminal) string {
			c := m.cryptogram([]byte("1234"))
			return m.send("08200091", append(c, c...))
		}, "6988"},
		{"another tag", func(m *terminal) string {
			c := m.cryptogram([]byte("1234"))
			c[0] = 0x87
			return m.send("08200091", c)
		}, "6988"},
		{"another padding indicator", func(m *terminal) string {
			c := m.cryptogram([]byte("1234"))
			c[2] = 2
			return m.send("08200091", c)
		}, "6988"},
		{"a counter out of step", func(m *terminal) string {
			m.n++
			return m.send("08200091", m.cryptogram([]byte("1234")))
		}, "6988"},
		{"no whole blocks", func(m *terminal) string { return m.send("08200091", mustHex("860501AABBCCDD")) }, "6988"},
		{"no data", func(m *terminal) string { return say(m.card, "08200091") }, "6988"},
		{"a header with checksum", func(m *terminal) string { return m.send("0CB08100", mustHex("9603000010")) }, "6987"},
		{"another command", func(m *terminal) string { return m.send("08840000", mustHex("9603000010")) }, "6988"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := openTerminal(t)
			if got := tt.send(m); got != tt.want {
				t.Fatalf("answer %s, want %s", got, tt.want)
			}
			if got := m.send("08B08100", mustHex("9603000010")); got != "69FC" {
				t.Errorf("afterwards %s, want 69FC", got)
			}
			want(t, m.card, "00200091", "63C3")
		})
	}
}

func TestTextSessionEndsWithSelection(t *testing.T) {
	m := openTerminal(t)
	want(t, m.card, selectAP(aidText), "9000")
	if got := m.send("08B08400", mustHex("9603000010")); got != "69FC" {
		t.Errorf("answer %s, want 69FC", got)
	}
}

func TestSetSessionKeyRefuses(t *testing.T) {
	c := newIssued(t, "standard")
	want(t, c, selectAP(aidText), "9000")
	want(t, c, verifyAPDU(0x14, numberA), "9000")
	if got := deliver(t, c, message(seed())); got != "6982" {
		t.Errorf("after number A: %s, want 6982", got)
	}
	want(t, c, verifyAPDU(0x11, textPIN), "9000")
	for name, m := range map[string][]byte{
		"another tag":   append([]byte{0xA0, 0x22, 0x81, 0x20}, seed()...),
		"two keys":      append(append([]byte{0xA0, 0x44, 0x80, 0x20}, seed()...), append([]byte{0x81, 0x20}, seed()...)...),
		"a short seed":  append([]byte{0xA0, 0x12, 0x80, 0x10}, seed()[:16]...),
		"nothing":       nil,
		"a longer seed": append(message(seed()), 0),
	} {
		if got := deliver(t, c, m); got != "6A80" {
			t.Errorf("%s: %s, want 6A80", name, got)
		}
	}
	want(t, c, fmt.Sprintf("80AE0000000100%X", bytes.Repeat([]byte{0xFF}, 256)), "6F00")
	want(t, c, fmt.Sprintf("80AE0000000100%X", make([]byte, 256)), "6A80")
	want(t, c, "80AE000001FF", "6700")
}
