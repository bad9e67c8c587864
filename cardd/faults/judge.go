package faults

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"jukicard/apdu"
	"jukicard/apdu/tlv"
	"jukicard/pki"
	"jukicard/simulator"
)

// model is what the memory of a person's finished card holds, of a card of one line
// whose number is not looked at.
type model struct {
	chip chip
	card string // number of the card it was taken from
}

// certificate is where a purpose's certificate, key and PIN are on the card.
type certificate struct {
	purpose        pki.Purpose
	cert, key, pin string
}

var certificates = []certificate{
	{pki.Signature, "jpki/sign-cert", "jpki/sign-key", "jpki/sign-pin"},
	{pki.Authentication, "jpki/auth-cert", "jpki/auth-key", "jpki/auth-pin"},
}

func (a *applicant) wants(p pki.Purpose) bool {
	if p == pki.Signature {
		return a.form.Certificates.Signature
	}
	return a.form.Certificates.Authentication
}

// own are the entries in which two finished cards of one person and line differ. Each
// is judged by itself.
var own = []string{
	name("write", "jpki/sign-cert"), name("write", "jpki/auth-cert"), name("key", "jpki/sign-key"), name("key", "jpki/auth-key"),
	name("write", "surface/basic"), name("sequence", ""),
}

// makers are the entries that the maker wrote for this very card: what tells its number
// and what came by chance.
func (a *applicant) makers(key string) bool {
	return key == name("write", "text/basic") || strings.HasPrefix(key, "put-keys") || key == a.object("card-id")
}

// object is the entry of a data object of the issuer domain.
func (a *applicant) object(of string) string {
	tag, _ := a.profile.Object(of)
	return name("object", tag.String())
}

// issued says what is wrong with a card that is said to be issued: nil, if nothing is.
// before is its memory as it was blank.
func (h *House) issued(a *applicant, m model, card *simulator.Card, before chip, live map[pki.Purpose][]*x509.Certificate) []string {
	c, err := readChip(card)
	if err != nil {
		return []string{err.Error()}
	}
	wrong := c.differences(m.chip, func(key string) bool {
		return slices.Contains(own, key) || key == name("record", a.at.manufacture) || a.makers(key)
	})
	for key, e := range before {
		if a.makers(key) && !e.equal(c[key]) {
			wrong = append(wrong, key+" is not as the maker left it")
		}
	}
	wrong = append(wrong, m.numbered(a, c, card.ID())...)
	if err := h.sealedReference(a, c); err != nil {
		wrong = append(wrong, err.Error())
	}
	return append(append(wrong, c.certified(a, live)...), a.works(c, card)...)
}

// numbered judges the one file that tells the card's number.
func (m model) numbered(a *applicant, c chip, number string) []string {
	key := name("record", a.at.manufacture)
	want := bytes.Replace(m.chip[key].Data, []byte(m.card[1:]), []byte(number[1:]), 1)
	if got := c[key].Data; !bytes.Equal(got, want) {
		return []string{fmt.Sprintf("%s is %q, not %q", key, got, want)}
	}
	return nil
}

// sealedReference opens DF35 with the sealing key and holds it against 照合番号 as it is
// set on the card (card fact sheet, 2.3).
func (h *House) sealedReference(a *applicant, c chip) error {
	basic := c[name("write", a.at.basic)].Data
	if len(basic) < 256 {
		return fmt.Errorf("%s has %d bytes", a.at.basic, len(basic))
	}
	plain, err := rsa.DecryptOAEP(sha256.New(), nil, h.opener, basic[len(basic)-256:], nil)
	if err != nil || !bytes.Equal(plain, c[name("reference", a.at.reference)].Data) {
		return fmt.Errorf("the sealed 照合番号 in %s is not the one of the card (%v)", a.at.basic, err)
	}
	return nil
}

// certified judges the certificates: on the card is the one that the authority gave for
// this order and did not take back, and there is no other.
func (c chip) certified(a *applicant, live map[pki.Purpose][]*x509.Certificate) (wrong []string) {
	for _, w := range certificates {
		on, made := c[name("write", w.cert)].Data, live[w.purpose]
		switch {
		case !a.wants(w.purpose) && (len(on) > 0 || len(made) > 0):
			wrong = append(wrong, w.cert+" was not ordered")
		case !a.wants(w.purpose):
		case len(made) != 1:
			wrong = append(wrong, fmt.Sprintf("%d certificates for %s are valid", len(made), w.purpose))
		case !bytes.Equal(on, made[0].Raw):
			wrong = append(wrong, w.cert+" is not the certificate that is valid")
		}
	}
	return wrong
}

// works uses a copy of the card as its holder would: every PIN is right, and the keys
// sign what their certificates verify.
func (a *applicant) works(c chip, card *simulator.Card) []string {
	copied, err := card.Clone(simulator.Options{})
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	for _, app := range a.profile.Applications {
		if sw, _ := say(copied, apdu.Command{INS: apdu.INSSelect, P1: 0x04, P2: 0x0C, Data: app.AID}); sw != apdu.SWOK {
			return append(wrong, fmt.Sprintf("%s cannot be selected: %v", app.Name, sw))
		}
		for _, ref := range app.PINs {
			path := app.Name + "/" + ref.Name
			value := c[name("reference", path)].Data
			if ref.Class == "" || len(value) == 0 {
				continue
			}
			if sw, _ := say(copied, apdu.Command{INS: apdu.INSVerify, P2: 0x80 | ref.ID.SFI(), Data: value}); sw != apdu.SWOK {
				wrong = append(wrong, fmt.Sprintf("%s is refused: %v", path, sw))
			}
		}
		for _, w := range certificates {
			if a.wants(w.purpose) && strings.HasPrefix(w.key, app.Name+"/") {
				wrong = append(wrong, a.signs(copied, c, w)...)
			}
		}
	}
	return wrong
}

// signs has a key sign, its PIN just verified, where it has one.
func (a *applicant) signs(card *simulator.Card, c chip, w certificate) []string {
	if _, set := c[name("reference", w.pin)]; !set {
		return nil // a card without PINs is used in other ways (顔認証)
	}
	cert, err := x509.ParseCertificate(c[name("write", w.cert)].Data)
	if err != nil {
		return []string{w.cert + " is no certificate"}
	}
	_, key, err := a.profile.Key(w.key)
	if err != nil {
		return []string{err.Error()}
	}
	var sw apdu.SW
	ok := verifies(cert.PublicKey, w.key, func(data []byte) (sig []byte) {
		sw, sig = say(card, apdu.Command{CLA: 0x80, INS: apdu.INSSecurityOperation, P2: 0x80 | key.ID.SFI(), Data: data, Ne: 256})
		return sig
	})
	if sw != apdu.SWOK || !ok {
		return []string{fmt.Sprintf("%s does not sign what %s verifies (%v)", w.key, w.cert, sw)}
	}
	return nil
}

// verifies says whether a card signs a message as the key of its certificate wants it.
func verifies(pub crypto.PublicKey, message string, sign func(data []byte) []byte) bool {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		sum := sha256.Sum256([]byte(message))
		return rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum[:], sign(pki.DigestInfoSHA256(sum[:]))) == nil
	case *ecdsa.PublicKey:
		sum := sha512.Sum384([]byte(message))
		sig := sign(sum[:])
		return len(sig) == 96 && ecdsa.Verify(pub, sum[:], new(big.Int).SetBytes(sig[:48]), new(big.Int).SetBytes(sig[48:]))
	}
	return false
}

// tried is what somebody does who finds a card: one wrong value at every PIN that is set. It
// gives how many tries that cost.
func (a *applicant) tried(card *simulator.Card) int {
	before := card.TriesSpent()
	for _, app := range a.profile.Applications {
		if sw, _ := say(card, apdu.Command{INS: apdu.INSSelect, P1: 0x04, P2: 0x0C, Data: app.AID}); sw != apdu.SWOK {
			continue
		}
		for _, ref := range app.PINs { // whatever it answers: what counts is what it counts
			_, _ = say(card, apdu.Command{INS: apdu.INSVerify, P2: 0x80 | ref.ID.SFI(), Data: bytes.Repeat([]byte("0"), ref.MinLen)})
		}
	}
	card.PowerOff()
	return card.TriesSpent() - before
}

// say sends a command to a card in the clear.
func say(card *simulator.Card, c apdu.Command) (apdu.SW, []byte) {
	b, err := c.Bytes()
	if err != nil {
		return 0, nil
	}
	answer := card.Process(b)
	n := len(answer) - 2
	return apdu.SW(answer[n])<<8 | apdu.SW(answer[n+1]), bytes.Clone(answer[:n])
}

// plausible holds a model against the person's form: what must be on the card in so many
// words. The seals are verified under the key that the card's own card-verifiable
// certificates certify.
func (a *applicant) plausible(c chip) (wrong []string) {
	want := func(key string, value []byte) {
		if !bytes.Equal(c[key].Data, value) {
			wrong = append(wrong, key+" is not what the form says")
		}
	}
	r := a.form.Resident
	filler := []byte{0xFF, 0xFF}
	want(name("write", a.at.number), append(tlv.Append(nil, 0xFF10, []byte(r.MyNumber)), filler...))
	want(name("write", a.at.code), append(tlv.Append(nil, 0xFF10, []byte(r.ResidentCode)), filler...))
	want(a.object("municipality"), []byte(a.form.Municipality.Code))
	for _, inside := range a.at.texts {
		got, ok := tlv.Find(inner(c[name("write", inside.path)].Data), inside.tag)
		if !ok || string(got) != inside.what(&a.form) {
			wrong = append(wrong, fmt.Sprintf("%s/%04X is not what the form says", inside.path, inside.tag))
		}
	}
	if c[name("life", "")].N != int(a.profile.Domain.Locked) {
		wrong = append(wrong, "the card is not locked")
	}
	return append(append(wrong, a.references(c)...), c.sealed(a.at.seals)...)
}

// inner is the value of the one object in a file.
func inner(file []byte) []byte {
	o, _, err := tlv.Next(file)
	if err != nil {
		return nil
	}
	return o.Value
}

// references judges which references are set, to what, and with how many tries.
func (a *applicant) references(c chip) (wrong []string) {
	birth := birthOf(&a.form)
	expiry := c[a.object("expiry")].Data
	values := map[string]string{
		"signature": a.pin["signature"], "authentication": a.pin["authentication"], "resident": a.pin["resident"], "text": a.pin["text"],
		"reference-a": a.form.Resident.MyNumber,
	}
	for _, app := range a.profile.Applications {
		for _, ref := range app.PINs {
			path := app.Name + "/" + ref.Name
			e, set := c[name("reference", path)]
			value, known := values[ref.Class]
			switch {
			case ref.Class == "" || known && value == "":
				if set && ref.Class != "" {
					wrong = append(wrong, path+" is set and was not wanted")
				}
			case !set || e.N != ref.Tries:
				wrong = append(wrong, fmt.Sprintf("%s is not set with all its tries", path))
			case known && string(e.Data) != value:
				wrong = append(wrong, path+" has another value")
			case ref.Class == "reference-b" && (len(e.Data) != 14 || len(expiry) != 8 ||
				string(e.Data[2:]) != birth[4:]+string(expiry[:4])+a.form.SecurityCode): // behind the year of birth, which is the era's
				wrong = append(wrong, path+" has another value")
			case ref.Class == "reference-6" && (len(expiry) != 8 || string(e.Data) != string(expiry[2:4])+a.form.SecurityCode):
				wrong = append(wrong, path+" has another value")
			}
		}
	}
	return wrong
}

// sealed verifies the signatures that stand behind the objects they are over.
func (c chip) sealed(seals []seal) (wrong []string) {
	for _, s := range seals {
		cv, err := pki.ParseCVCertificate(c[name("write", s.certificate)].Data)
		if err != nil {
			wrong = append(wrong, s.certificate+": "+err.Error())
			continue
		}
		over := inner(c[name("write", s.path)].Data)
		sig, ok := tlv.Find(over, s.signature)
		at := bytes.LastIndex(over, sig) - len(tlv.AppendLong(nil, s.signature, sig)) + len(sig)
		if !ok || at < 0 {
			wrong = append(wrong, s.path+" has no seal")
			continue
		}
		sum := sha256.Sum256(over[:at])
		if rsa.VerifyPKCS1v15(cv.PublicKey, crypto.SHA256, sum[:], sig) != nil {
			wrong = append(wrong, "the seal of "+s.path+" is not good")
		}
	}
	return wrong
}
