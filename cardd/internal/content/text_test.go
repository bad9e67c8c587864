package content

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"jukicard/pki"
)

// publicTestCard is EF 0002 of the public test card, as the card fact sheet, 2.2, has
// it from myna-card.
const publicTestCard = "ff2065" +
	"df2108000e002000590064" +
	"df220fe9bb92e6a190e38080e5b9b9e4b99f" +
	"df2336e69db1e4baace983bde6b885e780ace5b882e8a6b3e5b883e5ad90e58d97efbc91efbc92efbc8defbc97efbc8defbc92efbc90efbc92" +
	"df24083139383030323137" +
	"df250131"

// TestAttributesOfThePublicTestCard come out byte for byte.
func TestAttributesOfThePublicTestCard(t *testing.T) {
	want, err := hex.DecodeString(publicTestCard)
	if err != nil {
		t.Fatal(err)
	}
	if got := bytesOf(t, book(t, source(t, "standard")), "text/attributes"); !bytes.Equal(got, want) {
		t.Errorf("\n got %x\nwant %x", got, want)
	}
}

// TestAttributesLengthForms: the header is three bytes or five, every offset tells the
// truth in both, and a reader gets back what was put in.
func TestAttributesLengthForms(t *testing.T) {
	for _, row := range []struct {
		name, address string
		head          string // of the file
		inner         string // of the address
	}{
		{"short", "東京都", "ff20", "df2309"},
		{"127 bytes inside are short", strings.Repeat("x", 80), "ff207f", "df2350"},
		{"128 bytes inside are long", strings.Repeat("x", 81), "ff20820080", "df2351"},
		{"address of 128 bytes", strings.Repeat("x", 128), "ff208200b1", "df23820080"},
		{"address of 85 characters", strings.Repeat("字", 85), "ff20820130", "df238200ff"},
		{"address of 200 characters", strings.Repeat("字", 200), "ff20820289", "df23820258"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := source(t, "standard")
			s.Person.Address = row.address
			file := bytesOf(t, book(t, s), "text/attributes")
			if head := hex.EncodeToString(file); !strings.HasPrefix(head, row.head) || !strings.Contains(head, row.inner) {
				t.Errorf("want it to begin %s and to hold %s, got %s", row.head, row.inner, head)
			}
			in := inside(t, file, 0xFF20)
			offsetsAreTrue(t, file, in, 0xDF21, 0xDF22, 0xDF23, 0xDF24, 0xDF25)
			for tag, want := range map[int]string{0xDF22: s.Person.Name, 0xDF23: row.address, 0xDF24: "19800217", 0xDF25: "1"} {
				if got := string(in[tag].value); got != want {
					t.Errorf("%X holds %q, want %q", tag, got, want)
				}
			}
		})
	}
}

// offsetsAreTrue: the table names, in order, where each object begins in the file.
func offsetsAreTrue(t *testing.T, file []byte, in map[int]object, table int, tags ...int) {
	t.Helper()
	offsets := in[table].value
	if len(offsets) != 2*len(tags) {
		t.Fatalf("the table has %d bytes for %d objects", len(offsets), len(tags))
	}
	for i, tag := range tags {
		at := int(binary.BigEndian.Uint16(offsets[2*i:]))
		if o, _, err := take(file, at); err != nil || o.tag != tag || at != in[tag].at {
			t.Errorf("offset %d is %d: %X stands there, %X stands at %d (%v)", i, at, o.tag, tag, in[tag].at, err)
		}
	}
}

// TestTheSignatureOfTheTextAP covers the number with its filler and the attributes
// without their offsets.
func TestTheSignatureOfTheTextAP(t *testing.T) {
	b := book(t, source(t, "standard"))
	number, attributes := bytesOf(t, b, "text/number"), inside(t, bytesOf(t, b, "text/attributes"), 0xFF20)
	in := inside(t, bytesOf(t, b, "text/signature"), 0xFF30)
	if sum := sha256.Sum256(number); len(number) != 17 || !bytes.Equal(in[0xDF31].value, sum[:]) {
		t.Error("DF31 is not the digest of the 17 bytes of EF 0001")
	}
	var plain []byte
	for _, tag := range []int{0xDF22, 0xDF23, 0xDF24, 0xDF25} {
		plain = append(plain, attributes[tag].whole...)
	}
	if sum := sha256.Sum256(plain); !bytes.Equal(in[0xDF32].value, sum[:]) {
		t.Error("DF32 is not the digest of DF22 to DF25")
	}
	signed(t, pki.TextAP, append(bytes.Clone(in[0xDF31].whole), in[0xDF32].whole...), in[0xDF33].value)
}

// TestTheCertificateOfTheCardKey carries the card's key and a signature over it.
func TestTheCertificateOfTheCardKey(t *testing.T) {
	in := inside(t, bytesOf(t, book(t, source(t, "standard")), "text/card-key-cert"), 0xFF50)
	pub, err := pki.ParsePublicKeyObject(in[0xDF51].value)
	if err != nil || pub.N.Cmp(keys()[2].N) != 0 {
		t.Errorf("DF51 is not the card's key: %v", err)
	}
	signed(t, pki.TextAP, in[0xDF51].whole, in[0xDF52].value)
}

// TestAnAddressThatDoesNotFit names the remedy and nothing of the address.
func TestAnAddressThatDoesNotFit(t *testing.T) {
	s := source(t, "standard")
	s.Person.Address = strings.Repeat("東京都", 120)
	_, err := book(t, s).Bytes(t.Context(), "text/attributes")
	if err == nil || !strings.Contains(err.Error(), "1134 bytes and the file holds 1024; shorten the address") || strings.Contains(err.Error(), "東") {
		t.Errorf("got %v", err)
	}
}
