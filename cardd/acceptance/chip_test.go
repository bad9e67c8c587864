package acceptance

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	_ "image/png" // judges the chip's pictures
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jukicard/pki"
	"jukicard/pki/softca"
)

// AIDs (card fact sheet, 1).
const (
	aidJPKI     = "D392F000260100000001"
	aidSurface  = "D3921000310001010402"
	aidText     = "D3921000310001010408"
	aidResident = "D3921000310001010401"
	aidCommon   = "D3921000310001010100"
	aidDomain   = "A0000001510000" // without the last byte: the first match is selected
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// app selects an application.
func (w *wire) app(aid string) {
	w.t.Helper()
	w.ok(fmt.Sprintf("00A4040C%02X%s", len(aid)/2, aid))
}

// verify presents reference data to the EF of that identifier.
func (w *wire) verify(sw, id, value string) {
	w.t.Helper()
	w.ok("00A4020C02" + id)
	w.want(sw, fmt.Sprintf("00200080%02X%X", len(value), value))
}

// left is how many tries an EF shows.
func (w *wire) left(id string) string {
	w.t.Helper()
	w.ok("00A4020C02" + id)
	_, sw := w.send("00200080")
	return sw
}

// file reads a whole EF in short commands until it ends.
func (w *wire) file(id string) (out []byte) {
	w.t.Helper()
	w.ok("00A4020C02" + id)
	for {
		b, sw := w.send(fmt.Sprintf("00B0%04X00", len(out)))
		if sw == "6B00" {
			return out
		}
		if sw != "9000" || len(b) == 0 {
			w.t.Fatalf("READ BINARY of %s at %d: %s, %d bytes", id, len(out), sw, len(b))
		}
		out = append(out, b...)
	}
}

// birth is the date in the form of the chip, and its era form: 和暦 YYMMDD.
func (c *issued) birth(t testing.TB) (chip, era string) {
	t.Helper()
	d, err := time.Parse(time.DateOnly, c.order.Resident.Birth)
	if err != nil {
		t.Fatal(err)
	}
	year := d.Year() - 2018 // 令和 from 2019-05-01
	switch chip = d.Format("20060102"); {
	case chip < "19261225":
		year = d.Year() - 1911
	case chip < "19890108":
		year = d.Year() - 1925
	case chip < "20190501":
		year = d.Year() - 1988
	}
	if c.order.Resident.Nationality == "foreign" && c.env["REFERENCE_B"] != "" {
		return chip, c.env["REFERENCE_B"][:6] // which years foreigners' cards hold is no matter of this test
	}
	return chip, fmt.Sprintf("%02d%s", year, d.Format("0102"))
}

// b is 照合番号B: birth in 和暦, the year of expiry, the security code.
func (c *issued) b(t testing.TB) string {
	t.Helper()
	_, era := c.birth(t)
	return era + c.env["EXPIRY"][:4] + c.order.SecurityCode
}

var sexes = map[string]string{"male": "1", "female": "2", "not_applicable": "9"}

// TestTextApplicationHoldsTheResident reads number and attributes of everybody by
// every reference that opens them, and no other.
func TestTextApplicationHoldsTheResident(t *testing.T) {
	for _, who := range everybody {
		t.Run(who.person, func(t *testing.T) {
			c := issue(t, who.person)
			w := connect(t, insertCopy(t, c))
			rows := []struct {
				name, id, value    string
				number, attributes string // status of READ BINARY
			}{
				{"nothing", "", "", "6982", "6982"},
				{"照合番号A", "0014", c.order.Resident.MyNumber, "9000", "6982"},
				{"照合番号B", "0015", c.b(t), "6982", "9000"},
				{"PIN", "0011", c.pins.Text, "9000", "9000"},
			}
			for _, row := range rows {
				if row.id == "0011" && row.value == "" {
					continue // the face-authentication card has none
				}
				w.reset()
				w.app(aidText)
				if row.id != "" {
					w.verify("9000", row.id, row.value)
				}
				for id, want := range map[string]string{"0001": row.number, "0002": row.attributes} {
					w.ok("00A4020C02" + id)
					w.want(want, "00B0000000")
				}
				if row.number == "9000" {
					w.numberIs(c)
				}
				if row.attributes == "9000" {
					w.attributesAre(c)
				}
			}
		})
	}
}

// numberIs compares EF 0001: 17 bytes, the last two filler.
func (w *wire) numberIs(c *issued) {
	w.t.Helper()
	if got, want := w.file("0001"), "\xFF\x10\x0C"+c.order.Resident.MyNumber+"\xFF\xFF"; string(got) != want {
		w.t.Errorf("number: %X", got)
	}
}

// attributesAre compares EF 0002 and its offsets.
func (w *wire) attributesAre(c *issued) {
	w.t.Helper()
	file := w.file("0002")
	_, inner := parts(w.t, file, "FF20")
	chip, _ := c.birth(w.t)
	want := []struct{ tag, value string }{
		{"DF22", c.order.Resident.Name}, {"DF23", c.order.Resident.Address}, {"DF24", chip}, {"DF25", sexes[c.order.Resident.Sex]},
	}
	if got := strings.Join(tags(inner), " "); got != "DF21 DF22 DF23 DF24 DF25" {
		w.t.Fatalf("objects %s", got)
	}
	offsets := of(w.t, inner, "DF21")
	for i, x := range want {
		if got := string(of(w.t, inner, x.tag)); got != x.value {
			w.t.Errorf("%s is %q, want %q", x.tag, got, x.value)
		}
		if at := int(binary.BigEndian.Uint16(offsets[2*i:])); at+2 > len(file) || !bytes.Equal(file[at:at+2], unhex(w.t, x.tag)) {
			w.t.Errorf("offset %d, %d, is not that of %s", i, at, x.tag)
		}
	}
}

// certified reads EF 0004 of the current application, checks it against the
// authority's root and gives the key that signs there.
func (w *wire) certified(root *rsa.PublicKey) *rsa.PublicKey {
	w.t.Helper()
	file := w.file("0004")
	outer, inner := parts(w.t, file, "7F21")
	if len(file) != 568 || len(outer.raw) != 568 || strings.Join(tags(inner), " ") != "5F4E 5F37" {
		w.t.Fatalf("%d bytes with %v", len(file), tags(inner))
	}
	body := of(w.t, inner, "5F4E")
	if err := verifyPKCS1(root, body, of(w.t, inner, "5F37")); err != nil {
		w.t.Errorf("the certificate is not signed by the authority: %v", err)
	}
	if len(body) != 297 || bytes.Equal(body[:16], body[16:32]) {
		w.t.Errorf("%d bytes, issuer %X, subject %X", len(body), body[:16], body[16:32])
	}
	return publicKey(w.t, body[32:])
}

func verifyPKCS1(k *rsa.PublicKey, message, signature []byte) error {
	sum := sha256.Sum256(message)
	return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], signature)
}

// roots are the authority's public keys above the certificates on the chip.
func roots(t *testing.T) (text, surface *rsa.PublicKey) {
	t.Helper()
	a, err := softca.Open(filepath.Join(desk.daemon.state(), "authority"), softca.Options{Hierarchy: deskHierarchy()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	return must(a.CVRoot(pki.TextAP)), must(a.CVRoot(pki.SurfaceAP))
}

// TestTextSignaturesHold computes digests and signatures from nothing but bytes read.
func TestTextSignaturesHold(t *testing.T) {
	c := issue(t, "adult")
	root, _ := roots(t)
	w := connect(t, insertCopy(t, c))
	w.app(aidText)
	w.verify("9000", "0011", c.pins.Text)
	key := w.certified(root)
	file := w.file("0003")
	_, signature := parts(t, file, "FF30")
	if len(file) != 336 || strings.Join(tags(signature), " ") != "DF31 DF32 DF33" {
		t.Fatalf("%d bytes with %v", len(file), tags(signature))
	}
	number := sha256.Sum256(w.file("0001")) // the physical 17 bytes, filler included
	if !bytes.Equal(of(t, signature, "DF31"), number[:]) {
		t.Error("DF31 is not the digest of the number's file")
	}
	_, attributes := parts(t, w.file("0002"), "FF20")
	var signed []byte
	for _, o := range attributes[1:] { // from DF22 to the end
		signed = append(signed, o.raw...)
	}
	if sum := sha256.Sum256(signed); !bytes.Equal(of(t, signature, "DF32"), sum[:]) {
		t.Error("DF32 is not the digest of the attributes")
	}
	if err := verifyPKCS1(key, slices.Concat(signature[0].raw, signature[1].raw), of(t, signature, "DF33")); err != nil {
		t.Errorf("DF33: %v", err)
	}
	w.ownKey(key, "0007", "FF50", "DF51", "DF52")
}

// ownKey reads the public key that an application publishes, checks who signed it,
// and has the application sign with the private half, for which no PIN is needed.
func (w *wire) ownKey(signer *rsa.PublicKey, file, outer, keyTag, signatureTag string) {
	w.t.Helper()
	_, inner := parts(w.t, w.file(file), outer)
	last := len(inner) - 1
	var signed []byte
	for _, o := range inner[:last] {
		signed = append(signed, o.raw...)
	}
	if err := verifyPKCS1(signer, signed, of(w.t, inner, signatureTag)); err != nil {
		w.t.Errorf("%s %s: %v", file, signatureTag, err)
	}
	sum := sha256.Sum256([]byte("who are you"))
	info := "3031300D060960864801650304020105000420" + hex.EncodeToString(sum[:])
	signature := w.ok("802A000033" + info + "00")
	if err := verifyPKCS1(publicKey(w.t, of(w.t, inner, keyTag)), []byte("who are you"), signature); err != nil {
		w.t.Errorf("the key that %s publishes did not sign: %v", file, err)
	}
}

// TestSurfaceHoldsTheFace reads the face of everybody by 照合番号A and B.
func TestSurfaceHoldsTheFace(t *testing.T) {
	for _, who := range everybody {
		t.Run(who.person, func(t *testing.T) {
			c := issue(t, who.person)
			_, root := roots(t)
			w := connect(t, insertCopy(t, c))
			for _, by := range []struct{ id, value, number string }{{"0013", c.order.Resident.MyNumber, "9000"}, {"0012", c.b(t), "6982"}} {
				w.reset()
				w.app(aidSurface)
				w.ok("00A4020C020002")
				w.want("6982", "00B0000000")
				w.verify("9000", by.id, by.value)
				w.faceIs(c, root)
				w.ok("00A4020C020005")
				w.want(by.number, "00B0000000")
			}
			w.reset()
			w.app(aidSurface)
			w.verify("9000", "0013", c.order.Resident.MyNumber)
			w.numberPictured(root)
			w.birthIs(c, root)
		})
	}
}

// faceIs takes EF 0002 apart: who, pictures, photo, and the signature over 96 bytes
// of digests.
func (w *wire) faceIs(c *issued, root *rsa.PublicKey) {
	w.t.Helper()
	_, inner := parts(w.t, w.file("0002"), "FF20")
	if got := strings.Join(tags(inner), " "); got != "DF21 DF22 DF23 DF24 DF25 DF26 DF27 DF28 DF29 DF2A" {
		w.t.Fatalf("objects %s", got)
	}
	chip, _ := c.birth(w.t)
	for tag, want := range map[string]string{"DF22": chip, "DF23": sexes[c.order.Resident.Sex], "DF29": c.env["EXPIRY"]} {
		if got := string(of(w.t, inner, tag)); got != want {
			w.t.Errorf("%s is %q, want %q", tag, got, want)
		}
	}
	for tag, size := range map[string]string{"DF25": "", "DF26": "", "DF2A": "24x12"} {
		w.bilevel(tag, of(w.t, inner, tag), size)
	}
	w.photoIs(c, of(w.t, inner, "DF27"))
	var digests []byte
	for _, group := range [][]object{inner[1:4], inner[4:6], inner[6:7]} {
		var raw []byte
		for _, o := range group {
			raw = append(raw, o.raw...)
		}
		sum := sha256.Sum256(raw)
		digests = append(digests, sum[:]...)
	}
	got := recovered(w.certified(root), of(w.t, inner, "DF28"))
	info := append(unhex(w.t, "3071300D060960864801650304020105000460"), digests...)
	want := slices.Concat([]byte{0, 1}, bytes.Repeat([]byte{0xFF}, 256-3-len(info)), []byte{0}, info)
	if !bytes.Equal(got, want) {
		w.t.Errorf("DF28 signs %X", got)
	}
}

// bilevel wants a PNG of black and white, of a size where that is known.
func (w *wire) bilevel(tag string, b []byte, size string) {
	w.t.Helper()
	config, format, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil || format != "png" {
		w.t.Errorf("%s is no PNG: %s, %v", tag, format, err)
		return
	}
	if got := fmt.Sprintf("%dx%d", config.Width, config.Height); size != "" && got != size {
		w.t.Errorf("%s has %s pixels, want %s", tag, got, size)
	}
	if depth := b[24]; depth != 1 { // IHDR (ISO/IEC 15948, 11.2.2)
		w.t.Errorf("%s has %d bits a pixel", tag, depth)
	}
	m, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		w.t.Errorf("%s: %v", tag, err)
		return
	}
	colours := map[uint32]bool{}
	for y := range config.Height {
		for x := range config.Width {
			r, _, _, _ := m.At(x, y).RGBA()
			colours[r] = true
		}
	}
	if len(colours) != 2 {
		w.t.Errorf("%s shows %d colours: nothing is drawn", tag, len(colours))
	}
}

// photoIs has OpenJPEG's own program decode the photograph; an infant's card has none.
func (w *wire) photoIs(c *issued, jp2 []byte) {
	w.t.Helper()
	if c.order.Product == "infant" {
		if len(jp2) != 0 || c.env["PHOTO"] != "" {
			w.t.Errorf("a photo of %d bytes on an infant's card", len(jp2))
		}
		return
	}
	if kept := must(os.ReadFile(c.env["PHOTO"])); !bytes.Equal(jp2, kept) {
		w.t.Error("not the photo that cardctl wrote down")
	}
	dir := w.t.TempDir()
	from, to := filepath.Join(dir, "photo.jp2"), filepath.Join(dir, "photo.png")
	keep(w.t, from, jp2)
	output(w.t, foreign(w.t, "opj_decompress", "libopenjp2-tools"), "-i", from, "-o", to)
	f := must(os.Open(to))
	defer func() { _ = f.Close() }()
	m, _, err := image.Decode(f)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, grey := m.(*image.Gray); !grey || m.Bounds().Dx() < 100 || m.Bounds().Dy() <= m.Bounds().Dx() {
		w.t.Errorf("the photo is a %T of %v", m, m.Bounds())
	}
}

// numberPictured checks EF 0005, the picture of 個人番号.
func (w *wire) numberPictured(root *rsa.PublicKey) {
	w.t.Helper()
	_, inner := parts(w.t, w.file("0005"), "FF40")
	w.bilevel("DF41", of(w.t, inner, "DF41"), "72x12")
	w.ownKey(w.certified(root), "0005", "FF40", "DF42", "DF43")
}

// birthIs checks EF 0001, which the date of birth opens.
func (w *wire) birthIs(c *issued, root *rsa.PublicKey) {
	w.t.Helper()
	chip, era := c.birth(w.t)
	w.verify("9000", "0011", era)
	_, inner := parts(w.t, w.file("0001"), "FF10")
	if got := string(of(w.t, inner, "DF11")); got != chip {
		w.t.Errorf("birth is %q, want %q", got, chip)
	}
	w.ownKey(w.certified(root), "0001", "FF10", "DF12", "DF13")
}
