package kill

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/receipt"
	"jukicard/pki"
	"jukicard/pki/softca"
)

// sound is an issue that nobody disturbed: what every other must come to.
type sound struct {
	chip       chip
	front      [sha256.Size]byte // of the printed faces
	back       [sha256.Size]byte
	apdus      int
	boundaries int
	steps      map[string]bool // in the receipt
}

// finding is everything wrong with one case, by the zero it breaks.
type finding struct {
	wrong   []string // about the card, its receipt, its journal
	double  []string // certificates
	tries   int      // values presented that the card did not take
	printed int      // faces beyond the one
}

func (f *finding) fail(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

// judge looks at everything a finished case left behind. The daemon has ended.
func (o *office) judge(e *ending, want *sound) *finding {
	o.t.Helper()
	f, job := &finding{}, e.job
	_, f.tries, _ = o.card.counts()
	if job.State != journal.Done {
		f.fail("the job is %s: %s %s", job.State, job.Code, job.Reason)
		return f
	}
	c := read(o.t, o.card.Card)
	if want != nil {
		f.wrong = append(f.wrong, c.differences(want.chip)...)
	}
	issued := o.certificates(f, c)
	o.sealed(f, c)
	o.receipt(f, e, issued, want)
	o.faces(f, want)
	o.kept(f, job)
	return f
}

// purposes are where on the card the certificate and its key are.
var purposes = map[pki.Purpose]struct{ cert, key, ca string }{
	pki.Signature:      {"jpki/sign-cert", "jpki/sign-key", "jpki/sign-ca"},
	pki.Authentication: {"jpki/auth-cert", "jpki/auth-key", "jpki/auth-ca"},
}

// certificates holds the authority's register against the card: one live certificate
// a purpose, the one on the card, for the key on the card, under the CA on the card.
func (o *office) certificates(f *finding, c chip) map[string][]byte {
	o.t.Helper()
	on := map[string][]byte{}
	count := map[pki.Purpose]int{}
	for _, i := range o.register() {
		if !i.Revoked.IsZero() || !strings.HasPrefix(i.ID, wanted.id+"/") {
			f.fail("the authority has a certificate %q, revoked %v", i.ID, !i.Revoked.IsZero())
		}
		count[i.Purpose]++
		on[purposes[i.Purpose].cert] = i.DER
		if err := fits(i.DER, c, i.Purpose); err != nil {
			f.fail("%v", err)
		}
	}
	for p := range purposes {
		if count[p] > 1 {
			f.double = append(f.double, fmt.Sprintf("%d certificates for %s", count[p], p))
		} else if count[p] == 0 {
			f.fail("no certificate for %s", p)
		}
	}
	return on
}

// register is all that the authority ever certified or began to.
func (o *office) register() []softca.Issued {
	o.t.Helper()
	a, err := softca.Open(o.authority(), softca.Options{Hierarchy: hierarchy()})
	if err != nil {
		o.t.Fatal(err)
	}
	list, err := a.Certificates(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		o.t.Error(err)
	}
	return list
}

// fits says what is wrong between a certificate and the card.
func fits(der []byte, c chip, p pki.Purpose) error {
	where := purposes[p]
	if !bytes.Equal(c.file(where.cert), der) {
		return fmt.Errorf("%s is not the certificate that the authority has", where.cert)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	ca, err := x509.ParseCertificate(c.file(where.ca))
	if err != nil {
		return fmt.Errorf("%s: %w", where.ca, err)
	}
	if err := cert.CheckSignatureFrom(ca); err != nil {
		return fmt.Errorf("%s under %s: %w", where.cert, where.ca, err)
	}
	private, err := x509.ParsePKCS8PrivateKey(c.key(where.key))
	if err != nil {
		return fmt.Errorf("%s: %w", where.key, err)
	}
	if k, ok := private.(*rsa.PrivateKey); !ok || !k.PublicKey.Equal(cert.PublicKey) {
		return fmt.Errorf("%s is not of the key in %s", where.cert, where.key)
	}
	return nil
}

// sealed opens the 照合番号 in EF 0003 of the 券面 application, which is the last thing
// in it, and holds it against the one that is set (card fact sheet, 2.2, DF35).
func (o *office) sealed(f *finding, c chip) {
	o.t.Helper()
	b, err := os.ReadFile(filepath.Join(o.authority(), "surface-seal.key"))
	if err != nil {
		o.t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		o.t.Fatal(err)
	}
	basic := c.file("surface/basic")
	if len(basic) < 256 {
		f.fail("surface/basic has %d bytes", len(basic))
		return
	}
	plain, err := rsa.DecryptOAEP(sha256.New(), nil, private.(*rsa.PrivateKey), basic[len(basic)-256:], nil)
	if err != nil || !bytes.Equal(plain, c.reference("surface/reference-b")) {
		f.fail("surface/basic holds another 照合番号 than is set: %v", err)
	}
}

// receipt verifies the receipt under the station's key and holds it against the card.
func (o *office) receipt(f *finding, e *ending, issued map[string][]byte, want *sound) {
	o.t.Helper()
	st, err := o.statement(e.receipt)
	if err != nil {
		f.fail("receipt: %v", err)
		return
	}
	if st.Job != e.job.ID || st.Order != wanted.id || st.Card != o.card.ID() || len(st.Certificates) != len(purposes) {
		f.fail("the receipt is for job %s, order %s, card %s, with %d certificates", st.Job, st.Order, st.Card, len(st.Certificates))
	}
	for _, c := range st.Certificates {
		sum := sha256.Sum256(issued[c.On])
		if c.SHA256 != hex.EncodeToString(sum[:]) {
			f.fail("the receipt tells another certificate on %s", c.On)
		}
	}
	if want == nil {
		return
	}
	said := map[string]bool{}
	for _, s := range st.Steps {
		said[s.ID] = true
	}
	for step := range want.steps { // a doing whose outcome was lost is seen on the card instead
		if proof := strings.HasPrefix(step, "compare ") || strings.HasPrefix(step, "prove-pin ") || strings.HasPrefix(step, "confirm "); proof && !said[step] {
			f.fail("the receipt does not tell %s", step)
		}
	}
}

// statement verifies a receipt under the station's key.
func (o *office) statement(b []byte) (*receipt.Statement, error) {
	public, err := os.ReadFile(filepath.Join(o.state(), receipt.PublicFile))
	if err != nil {
		return nil, err
	}
	return receipt.Verify(b, public)
}

// faces counts what was printed and holds it against the undisturbed print.
func (o *office) faces(f *finding, want *sound) {
	o.t.Helper()
	dir := filepath.Join(o.state(), "faces")
	counter, err := os.ReadFile(filepath.Join(dir, "counter"))
	if err != nil || string(counter) != "1\n" {
		f.fail("the printer counts %q cards: %v", counter, err)
	}
	for _, side := range []string{"front", "back"} {
		printed, err := filepath.Glob(filepath.Join(dir, side+"-*.png"))
		if err != nil || len(printed) == 0 {
			f.fail("no %s was printed: %v", side, err)
			return
		}
		f.printed = max(f.printed, len(printed)-1)
	}
	if want == nil {
		return
	}
	if front, back := o.prints(); front != want.front || back != want.back {
		f.fail("the printed face is another")
	}
}

// prints are the digests of the two sides of the first card.
func (o *office) prints() (front, back [sha256.Size]byte) {
	o.t.Helper()
	for side, sum := range map[string]*[sha256.Size]byte{"front": &front, "back": &back} {
		b, err := os.ReadFile(filepath.Join(o.state(), "faces", side+"-00001.png"))
		if err != nil {
			o.t.Error(err)
		}
		*sum = sha256.Sum256(b)
	}
	return front, back
}

// kept opens the journal that the last life left.
func (o *office) kept(f *finding, job *client.Job) {
	o.t.Helper()
	j, err := journal.Open(o.t.Context(), o.journal())
	if err != nil {
		f.fail("%v", err)
		return
	}
	defer func() { _ = j.Close() }()
	if err := j.Verify(o.t.Context()); err != nil {
		f.fail("%v", err)
	}
	jobs, err := j.ByOrder(o.t.Context(), wanted.id)
	if err != nil || len(jobs) != 1 || jobs[0].ID != job.ID || jobs[0].State != journal.Done || jobs[0].CardID != o.card.ID() {
		f.fail("the journal has %d jobs of the order: %+v %v", len(jobs), jobs, err)
	}
	if _, err := j.Sealed(o.t.Context(), job.ID); err == nil {
		f.fail("the journal still has the order's data")
	}
}
