package cmp

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jukicard/apdu/secret"
	"jukicard/pki"
	"jukicard/pki/pkitest"
)

func opensslPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: apt-get install openssl")
	}
	return path
}

func writeFile(t *testing.T, path string, blocks ...*pem.Block) string {
	t.Helper()
	var text []byte
	for _, b := range blocks {
		text = append(text, pem.EncodeToMemory(b)...)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func certificateBlock(c *x509.Certificate) *pem.Block {
	return &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}
}

// TestOpenSSLServes has openssl's CMP server carry every form of request and protection.
func TestOpenSSLServes(t *testing.T) {
	opensslPath(t)
	tests := []struct {
		name   string
		scheme string
		form   Form
		args   []string
		says   string // an error; empty for a certificate
	}{
		{"ir, MAC, confirmed", "pbm", IR, nil, ""},
		{"ir, MAC, implicitly confirmed", "pbm", IR, []string{"-grant_implicitconf"}, ""},
		{"p10cr, MAC", "pbm", P10CR, nil, ""},
		{"ir, signatures", "signature", IR, nil, ""},
		{"p10cr, signatures, implicitly confirmed", "signature", P10CR, []string{"-grant_implicitconf"}, ""},
		{"ir after waiting", "pbm", IR, []string{"-poll_count", "2", "-check_after", "1"}, ""},
		{"p10cr after waiting, signatures", "signature", P10CR, []string{"-poll_count", "1", "-check_after", "1"}, ""},
		{"rejected", "pbm", IR, []string{"-pkistatus", "2", "-failure", "23", "-statusstring", "not today"}, `refuses: CMP status 2, notAuthorized, "not today"`},
		{"an error message", "signature", IR, []string{"-send_error", "-pkistatus", "2", "-failure", "19"}, `refuses: CMP status 2, badRequest, "error processing message"`},
		{"an unprotected error message", "pbm", IR, []string{"-send_error", "-send_unprotected", "-pkistatus", "2", "-failure", "19"}, "not protected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := openMock(t, tt.scheme, tt.form, tt.args)
			r := request(t, "job-1")
			cert, err := a.Certify(t.Context(), r)
			if tt.says != "" {
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("want %q, got %v", tt.says, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			ca, err := a.CA(t.Context(), pki.Signature)
			if err != nil {
				t.Fatal(err)
			}
			if err := pki.Lab().Judge(cert, r, ca); err != nil {
				t.Error(err)
			}
		})
	}
}

// openMock is a client before openssl's server.
func openMock(t *testing.T, scheme string, form Form, args []string) (*Authority, *pkitest.OpenSSLCMP) {
	t.Helper()
	issuer := pkitest.NewIssuer(t, pki.Lab(), today)
	client, server := sides(t, scheme)
	m := pkitest.NewOpenSSLCMP(t, issuer, append(args, protectionArgs(t, dir(t), server)...)...)
	o := &office{issuer: issuer, client: client, form: form, site: pkitest.NewSite(t, m, nil)}
	options := o.options(dir(t))
	options.Record.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	a, err := Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = a.Close()
		if t.Failed() {
			t.Logf("openssl says:\n%s", m.Said())
		}
	})
	return a, m
}

// protectionArgs tells openssl's server the other half of a protection.
func protectionArgs(t *testing.T, dir string, server Protection) []string {
	switch p := server.(type) {
	case Shared:
		args := []string{"-srv_ref", p.Reference}
		_ = p.Secret.LendString(func(s string) error { args = append(args, "-srv_secret", "pass:"+s); return nil })
		return args
	case Signed:
		key, err := x509.MarshalPKCS8PrivateKey(p.Key)
		if err != nil {
			t.Fatal(err)
		}
		return []string{
			"-srv_cert", writeFile(t, filepath.Join(dir, "server.pem"), certificateBlock(p.Chain[0])),
			"-srv_key", writeFile(t, filepath.Join(dir, "server.key"), &pem.Block{Type: "PRIVATE KEY", Bytes: key}),
			"-srv_trusted", writeFile(t, filepath.Join(dir, "client.pem"), certificateBlock(root(t, rootKey))),
		}
	}
	t.Fatal("no such protection")
	return nil
}

// Revocation: openssl's server compares issuer and serial number with its certificate's.
func TestOpenSSLRevokes(t *testing.T) {
	opensslPath(t)
	a, m := openMock(t, "pbm", IR, nil)
	cert, err := a.Certify(t.Context(), request(t, "job-1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Revoke(t.Context(), cert.SerialNumber, pki.AffiliationChanged); err != nil {
		t.Error(err)
	}
	if !strings.Contains(m.Said(), "RR") {
		t.Error("openssl saw no rr")
	}
}

// TestOpenSSLAsks has openssl's client speak with our test server, so that what that server
// says, and with it what the other tests show, is CMP to somebody else too.
func TestOpenSSLAsks(t *testing.T) {
	path := opensslPath(t)
	for _, tt := range []struct {
		name   string
		scheme string
		set    func(o *office)
		args   []string
		says   string
		fails  bool
	}{
		{"a certificate", "pbm", func(*office) {}, nil, "received PKICONF", false},
		{"after polling", "pbm", func(o *office) { o.polls, o.after = 2, 1 }, nil, "received POLLREP", false},
		{"by signatures", "signature", func(o *office) { o.implicit = true }, []string{"-implicit_confirm"}, "received IP", false},
		{"a refusal", "pbm", func(o *office) { o.always = nil }, nil, "notAuthorized", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, dir := newOffice(t, tt.scheme, IR, false), dir(t)
			ca := o.issuer.CAs()[0]
			purpose := pki.Signature
			if strings.Contains(ca.Subject.String(), "authentication") {
				purpose = pki.Authentication
			}
			template, err := pki.Lab().CertTemplate(pkitest.Request(t, "job-1", purpose, pkitest.NewCard(t, 0), today), ca)
			if err != nil {
				t.Fatal(err)
			}
			if o.always, err = o.issuer.Issue(template); err != nil {
				t.Fatal(err)
			}
			tt.set(o)
			cmd := exec.CommandContext(t.Context(), path, append(append([]string{
				"cmp", "-config", "", "-cmd", "ir", "-server", o.site.Address(), "-path", "pkix/", "-popo", "0", "-certout", filepath.Join(dir, "out.pem"),
				"-subject", "/C=JP/CN=x", "-recipient", "/CN=ca.invalid", "-verbosity", "7", "-unprotected_errors", "-ignore_keyusage",
			}, tt.args...), askArgs(t, dir, o)...)...)
			out, err := cmd.CombinedOutput()
			if (err != nil) != tt.fails || !strings.Contains(string(out), tt.says) {
				t.Errorf("want %q, got %v:\n%s\nthe server: %v", tt.says, err, out, o.refused)
			}
		})
	}
}

// askArgs are a key to certify, and our half of the protection.
func askArgs(t *testing.T, dir string, o *office) []string {
	key := func(n int) string {
		der, err := x509.MarshalPKCS8PrivateKey(pkitest.NewCard(t, n).PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		return writeFile(t, filepath.Join(dir, fmt.Sprintf("%d.key", n)), &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	args := []string{"-newkey", key(0), "-issuer", name(o.issuer.CAs()[0])}
	switch p := o.client.(type) {
	case Shared:
		args = append(args, "-ref", p.Reference)
		_ = p.Secret.LendString(func(s string) error { args = append(args, "-secret", "pass:"+s); return nil })
	case Signed:
		args = append(args, "-cert", writeFile(t, filepath.Join(dir, "cert.pem"), certificateBlock(p.Chain[0])), "-key", key(clientKey),
			"-trusted", writeFile(t, filepath.Join(dir, "trusted.pem"), certificateBlock(root(t, rootKey))))
	}
	return args
}

// name is a subject as openssl takes it.
func name(c *x509.Certificate) string {
	var b strings.Builder
	for _, a := range c.Subject.Names {
		fmt.Fprintf(&b, "/%s=%v", map[string]string{"2.5.4.6": "C", "2.5.4.10": "O", "2.5.4.11": "OU"}[a.Type.String()], a.Value)
	}
	return b.String()
}

// PBMAC1, of which openssl's CMP knows nothing, computed by its parts.
func TestOpenSSLComputesPBMAC1(t *testing.T) {
	path := opensslPath(t)
	run := func(args ...string) string {
		out, err := exec.Command(path, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.ToLower(strings.NewReplacer(":", "", "\n", "").Replace(string(out)))
	}
	s := settings{scheme: oidPBMAC1, salt: []byte("salt salt"), rounds: 1234, length: 32, owf: oidHMACSHA256, mac: oidHMACSHA256}
	got, err := s.compute(secret.FromString("correct horse"), []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	key := run("kdf", "-keylen", "32", "-kdfopt", "digest:SHA256", "-kdfopt", "pass:correct horse", "-kdfopt", fmt.Sprintf("hexsalt:%x", s.salt), "-kdfopt", "iter:1234", "PBKDF2")
	file := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if want := run("mac", "-digest", "SHA256", "-macopt", "hexkey:"+key, "-in", file, "HMAC"); want != fmt.Sprintf("%x", got) {
		t.Errorf("want %s, got %x", want, got)
	}
}
