package simulator

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"jukicard/reader/readertest"
	"jukicard/simulator/bed"
	"jukicard/simulator/vpcd"
)

const pkcs11Module = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"

// openSC is an issued card in a virtual reader of a private pcscd.
type openSC struct {
	t    *testing.T
	card *Card
	bed  *bed.Bed
	dir  string
}

func newOpenSC(t *testing.T) *openSC {
	t.Helper()
	if _, err := exec.LookPath("pkcs15-tool"); err != nil {
		t.Skip("OpenSC is not here: install opensc and opensc-pkcs11")
	}
	o := &openSC{t: t, card: newIssued(t, "standard"), bed: readertest.Bed(t, 1), dir: t.TempDir()}
	for _, path := range []string{"jpki/auth", "jpki/sign"} {
		k := find(o.card, path+"-key").key.private.(*rsa.PrivateKey)
		must(t, o.card.apply(change{Op: opWrite, On: path + "-cert", Data: selfSigned(t, k)}))
		must(t, o.card.apply(change{Op: opWrite, On: path + "-ca", Data: selfSigned(t, k)}))
	}
	ctx, cancel := context.WithCancel(context.Background())
	attached := make(chan struct{})
	var served sync.WaitGroup
	served.Go(func() {
		err := vpcd.Serve(ctx, o.bed.Addr(0), o.card, vpcd.Options{OnAttach: sync.OnceFunc(func() { close(attached) })})
		if err != nil {
			t.Errorf("virtual reader: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		served.Wait()
	})
	<-attached
	return o
}

func selfSigned(t *testing.T, k *rsa.PrivateKey) []byte {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "9999 invented"},
		NotBefore: now, NotAfter: now.AddDate(5, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(nil, template, template, &k.PublicKey, k)
	must(t, err)
	return der
}

// run runs a program at the bed and gives what it printed.
func (o *openSC) run(name string, args ...string) string {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), o.bed.Env()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		o.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func (o *openSC) contains(out string, wanted ...string) {
	o.t.Helper()
	for _, w := range wanted {
		if !strings.Contains(out, w) {
			o.t.Fatalf("output lacks %q:\n%s", w, out)
		}
	}
}

// TestOpenSC lets OpenSC, which nobody here wrote, use the card: recognition, PIN
// status, certificates, PIN, signatures with both keys.
func TestOpenSC(t *testing.T) {
	o := newOpenSC(t)
	o.contains(o.run("opensc-tool", "-n"), "jpki")
	o.contains(o.run("pkcs15-tool", "--dump"), "User Authentication PIN", "Digital Signature PIN",
		"Tries left     : 3", "Tries left     : 5", "ModLength      : 2048", "Path           : 000a")
	block, _ := pem.Decode([]byte(o.run("pkcs15-tool", "--read-certificate", "1")))
	if block == nil || !bytes.Equal(block.Bytes, find(o.card, "jpki/auth-cert").file.content[:len(block.Bytes)]) {
		t.Error("the authentication certificate reads otherwise")
	}
	o.run("pkcs15-tool", "--read-certificate", "2", "--auth-id", "2", "--verify-pin", "--pin", signPIN)
	o.sign("01", "JPKI (User Authentication PIN)", authPIN, "jpki/auth-key")
	o.sign("02", "JPKI (Digital Signature PIN)", signPIN, "jpki/sign-key")
	o.contains(o.run("pkcs15-tool", "--dump"), "Tries left     : 3", "Tries left     : 5")
}

func (o *openSC) sign(id, token, pin, path string) {
	o.t.Helper()
	message := []byte("plainly invented message")
	in, out := filepath.Join(o.dir, "in"), filepath.Join(o.dir, "out"+id)
	must(o.t, os.WriteFile(in, message, 0o600))
	o.run("pkcs11-tool", "--module", pkcs11Module, "--token-label", token, "--login", "--pin", pin,
		"--sign", "--mechanism", "SHA256-RSA-PKCS", "--id", id, "--input-file", in, "--output-file", out)
	signature, err := os.ReadFile(out)
	must(o.t, err)
	digest := sha256.Sum256(message)
	if err := rsa.VerifyPKCS1v15(keyOf(o.t, o.card, path), crypto.SHA256, digest[:], signature); err != nil {
		o.t.Errorf("signature %s: %v", id, err)
	}
}
