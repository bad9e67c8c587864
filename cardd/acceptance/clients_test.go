package acceptance

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // a client signs SHA-1 digests
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestLiteralSequences sends what public clients send, byte by byte, to an issued
// card behind pcscd, and checks that each gets what it wants (card fact sheet, 4.2).
//
// A file in testdata/clients is one client. "== name" begins a session with a card
// just put in. "> …" is a command in hex, with {values} of the card, {=value} with Lc
// in front. "< …" is the answer: hex and {values} with the status word at the end,
// "[n] SW" for n bytes, "signature CERT SW" for a signature that verifies, a
// certificate's name for its bytes, "refused" for anything but success. "read …" is a
// client's way to read a file, see reading.
func TestLiteralSequences(t *testing.T) {
	names, err := filepath.Glob("testdata/clients/*.txt")
	if err != nil || len(names) != 14 {
		t.Fatalf("%d clients, %v", len(names), err)
	}
	c := issue(t, "adult")
	s := insertCopy(t, c)
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			p := &play{wire: connect(t, s), c: c, values: c.values(t)}
			for n, line := range strings.Split(string(must(os.ReadFile(name))), "\n") {
				p.where = fmt.Sprintf("%s:%d", filepath.Base(name), n+1)
				p.line(strings.TrimSpace(line))
			}
			if p.commands < 3 {
				t.Errorf("only %d commands were sent", p.commands)
			}
		})
	}
}

// play is one client at work.
type play struct {
	*wire
	c        *issued
	values   map[string][]byte
	where    string
	commands int
	data     []byte // of the last answer
	sw       string
}

// message is what the sequences sign.
var message = []byte("one message for all clients")

// values are the words that stand between braces.
func (c *issued) values(t *testing.T) map[string][]byte {
	t.Helper()
	d1, d256 := sha1.Sum(message), sha256.Sum256(message) //nolint:gosec // see above
	auth := c.certificate(t, "AUTH_CERT").Raw
	return map[string][]byte{
		"auth-pin": []byte(c.pins.Authentication), "sign-pin": []byte(c.pins.Signature), "text-pin": []byte(c.pins.Text),
		"number": []byte(c.order.Resident.MyNumber), "b": []byte(c.b(t)),
		"serial": []byte(c.env["CARD_ID"][1:]), "expiry": []byte(c.env["EXPIRY"]), "municipality": []byte(c.order.Municipality.Code),
		"digest": d256[:], "sha256": append(unhex(t, "3031300D060960864801650304020105000420"), d256[:]...),
		"sha1":              append(unhex(t, "3021300906052B0E03021A05000414"), d1[:]...),
		"length AUTH_CERT":  {byte(len(auth) >> 8), byte(len(auth))},
		"attributes length": {byte(c.attributesLength())},
	}
}

// attributesLength is that of the value of FF20: offsets, then name and address with
// their headers, eight digits of birth, one of sex.
func (c *issued) attributesLength() int {
	r := c.order.Resident
	return (3 + 8) + (3 + len(r.Name)) + (3 + len(r.Address)) + (3 + 8) + (3 + 1)
}

var braces = regexp.MustCompile(`\{(=?)([^}]+)\}`)

// expand puts values into a line of hex.
func (p *play) expand(text string) string {
	p.t.Helper()
	return braces.ReplaceAllStringFunc(text, func(word string) string {
		m := braces.FindStringSubmatch(word)
		v, ok := p.values[m[2]]
		if !ok {
			p.t.Fatalf("%s: nobody knows %s", p.where, word)
		}
		if m[1] != "" {
			return fmt.Sprintf("%02X%X", len(v), v)
		}
		return fmt.Sprintf("%X", v)
	})
}

// line carries out one line.
func (p *play) line(line string) {
	p.t.Helper()
	kind, rest, _ := strings.Cut(line, " ")
	switch kind {
	case "", "#":
	case "==":
		p.reset()
	case ">":
		p.data, p.sw = p.send(p.expand(rest))
		p.commands++
	case "<":
		p.answer(rest)
	case "read":
		p.read(rest)
	default:
		p.t.Fatalf("%s: %q is no line", p.where, kind)
	}
}

// answer compares what came back.
func (p *play) answer(want string) {
	p.t.Helper()
	if want == "refused" {
		if p.sw == "9000" || p.sw[:2] == "61" {
			p.t.Errorf("%s: answered %s", p.where, p.sw)
		}
		return
	}
	word, sw, two := strings.Cut(want, " ")
	if key, rest, ok := strings.Cut(sw, " "); ok && word == "signature" {
		p.signed(key)
		word, sw, two = "", rest, false
		want = rest
		p.data = nil
	}
	switch {
	case two && word[0] == '[':
		if n, err := strconv.Atoi(strings.Trim(word, "[]")); err != nil || len(p.data) != n {
			p.t.Errorf("%s: %d bytes, want %s", p.where, len(p.data), word)
		}
		want = sw
		p.data = nil
	case two && strings.HasSuffix(word, "_CERT"):
		p.is(word, p.data)
		want = sw
		p.data = nil
	}
	if got := fmt.Sprintf("%X%s", p.data, p.sw); got != p.expand(want) {
		p.t.Errorf("%s: answered %s, want %s", p.where, got, p.expand(want))
	}
}

// signed verifies the answer as a signature over the message.
func (p *play) signed(cert string) {
	p.t.Helper()
	key := p.c.certificate(p.t, cert).PublicKey.(*rsa.PublicKey)
	d1, d256 := sha1.Sum(message), sha256.Sum256(message) //nolint:gosec // see above
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, d256[:], p.data) != nil && rsa.VerifyPKCS1v15(key, crypto.SHA1, d1[:], p.data) != nil {
		p.t.Errorf("%s: %d bytes are no signature of the key in %s", p.where, len(p.data), cert)
	}
}

// reading is how a client reads a file: a header of so many bytes to learn the
// length, then from where and by which pieces. The last piece is exact, or whole
// and cut to length, or there is none and the client reads on until 6B00.
type reading struct {
	header, from, chunk int
	last, is            string
}

func (p *play) read(spec string) {
	p.t.Helper()
	var r reading
	if _, err := fmt.Sscanf(spec, "header=%d from=%d chunk=%d last=%s is=%s", &r.header, &r.from, &r.chunk, &r.last, &r.is); err != nil {
		p.t.Fatalf("%s: %v", p.where, err)
	}
	var file []byte
	total := 1 << 15
	if r.header > 0 {
		file = p.piece(0, r.header)
		total = length(p.t, file)
	}
	for file = file[:r.from]; len(file) < total; {
		n := r.chunk
		if r.last == "exact" {
			n = min(n, total-len(file))
		}
		b := p.piece(len(file), n)
		if b == nil && r.last == "6B00" {
			break
		}
		if b == nil {
			p.t.Fatalf("%s: %s at %d of %d", p.where, p.sw, len(file), total)
		}
		file = append(file, b...)
	}
	p.is(r.is, file[:min(len(file), total)])
}

// piece reads at most n bytes; nil where the card says anything but 9000.
func (p *play) piece(at, n int) []byte {
	p.t.Helper()
	p.commands++
	p.data, p.sw = p.send(fmt.Sprintf("00B0%04X%02X", at, byte(n)))
	if p.sw != "9000" {
		return nil
	}
	return p.data
}

// length is that of the whole BER object that begins with these bytes.
func length(t testing.TB, header []byte) int {
	t.Helper()
	at := 1
	if header[0]&0x1F == 0x1F {
		at = 2
	}
	n, more := int(header[at]), 0
	if n > 0x7F {
		more, n = n&0x7F, 0
	}
	for _, b := range header[at+1 : at+1+more] {
		n = n<<8 | int(b)
	}
	return at + 1 + more + n
}

// is compares what was read with what it should be: a certificate, the attributes, a
// file of so many bytes, or just one whole object.
func (p *play) is(what string, b []byte) {
	p.t.Helper()
	switch what {
	case "attributes":
		if _, inner := parts(p.t, b, "FF20"); string(of(p.t, inner, "DF22")) != p.c.order.Resident.Name {
			p.t.Errorf("%s: another name", p.where)
		}
	case "ber":
		if o, rest, err := first(b); err != nil || len(rest) != 0 {
			p.t.Errorf("%s: %v, %d bytes behind %s", p.where, err, len(rest), o.tag)
		}
	case "336", "568":
		if strconv.Itoa(len(b)) != what {
			p.t.Errorf("%s: %d bytes, want %s", p.where, len(b), what)
		}
	default:
		if !bytes.Equal(b, p.c.certificate(p.t, what).Raw) {
			p.t.Errorf("%s: %d bytes that are not %s: %s…", p.where, len(b), what, hex.EncodeToString(b[:min(len(b), 8)]))
		}
	}
}
