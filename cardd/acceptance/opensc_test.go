package acceptance

import (
	"crypto/rsa"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"jukicard/pki/softca"
)

var update = flag.Bool("update", false, "write testdata anew from what is seen; read it before it is committed")

// opensc are OpenSC's programs on one card.
type opensc struct {
	*testing.T
	*seat
	home   string // the programs' home, with their configuration
	module string // the PKCS #11 module
}

// newOpenSC configures OpenSC to see one reader alone and to cache nothing: it takes
// every card of this kind for the same one.
func newOpenSC(t *testing.T, s *seat) *opensc {
	t.Helper()
	o := &opensc{T: t, seat: s, home: t.TempDir()}
	o.module = file(t, "opensc-pkcs11", "/usr/lib/*/opensc-pkcs11.so")
	var others []string
	for i := range readers.Slots() {
		if i != s.slot {
			others = append(others, fmt.Sprintf("%q", readers.Reader(i)))
		}
	}
	keep(t, filepath.Join(o.home, "opensc.conf"), fmt.Appendf(nil,
		"app default {\n\tignored_readers = %s;\n\tframework pkcs15 {\n\t\tuse_file_caching = no;\n\t}\n}\n", strings.Join(others, ", ")))
	return o
}

// in is o for a subtest.
func (o *opensc) in(t *testing.T) *opensc {
	sub := *o
	sub.T = t
	return &sub
}

// command is a program with this card alone in its sight.
func (o *opensc) command(name, debian string, args ...string) *exec.Cmd {
	o.Helper()
	cmd := exec.CommandContext(o.Context(), foreign(o, name, debian), args...)
	cmd.Dir = o.home
	cmd.Env = append(os.Environ(), "HOME="+o.home, "OPENSC_CONF="+filepath.Join(o.home, "opensc.conf"), "PKCS11_MODULE_PATH="+o.module)
	return cmd
}

// run runs one of OpenSC's programs, which must succeed; what it prints on standard
// output comes back.
func (o *opensc) run(name string, args ...string) string {
	o.Helper()
	out, ok := o.try(name, args...)
	if !ok {
		o.Fatalf("%s %v: %s", name, args, out)
	}
	return out
}

// try is run for what may fail; then all that was said comes back.
func (o *opensc) try(name string, args ...string) (string, bool) {
	o.Helper()
	var said strings.Builder
	cmd := o.command(name, "opensc", args...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return string(out) + said.String(), false
	}
	return string(out), true
}

// pkcs11 is pkcs11-tool with the module.
func (o *opensc) pkcs11(args ...string) string {
	o.Helper()
	return o.run("pkcs11-tool", append([]string{"--module", o.module}, args...)...)
}

// key is one of the card's two, as OpenSC numbers them.
type key struct {
	name      string // of the PIN, as OpenSC calls the token
	id        string
	slot      string // --slot-index
	cert, ca  string // variables of --env
	pin       func(*issued) string
	pinFile   string // FIDs, for raw commands
	keyFile   string
	certFile  string
	tries     int
	wrong     string
	purpose   string // softca's
	publicCRT string // OpenSC's id of the CA certificate
}

var (
	authKey = key{
		name: "User Authentication PIN", id: "01", slot: "0", cert: "AUTH_CERT", ca: "AUTHCA_CERT", pin: func(c *issued) string { return c.pins.Authentication },
		pinFile: "0018", keyFile: "0017", certFile: "000A", tries: 3, wrong: "0000", purpose: "authentication", publicCRT: "03",
	}
	signKey = key{
		name: "Digital Signature PIN", id: "02", slot: "1", cert: "SIGN_CERT", ca: "SIGNCA_CERT", pin: func(c *issued) string { return c.pins.Signature },
		pinFile: "001B", keyFile: "001A", certFile: "0001", tries: 5, wrong: "WRONG0", purpose: "signature", publicCRT: "04",
	}
	bothKeys = []key{authKey, signKey}
)

// masks hide in a dump what differs from card to card.
var masks = regexp.MustCompile(`(Encoded serial : |MD:guid +: |subject: +DN: .*CN=|serial: +|Profile object )\S.*`)

// golden compares text with a file, or writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		keep(t, path, []byte(got))
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make it with -update", err)
	}
	if got != string(want) {
		t.Errorf("not as in %s:\n%s", path, got)
	}
}

func TestOpenSCDumpsEveryProduct(t *testing.T) {
	for _, who := range everybody {
		t.Run(who.person, func(t *testing.T) {
			o := newOpenSC(t, insertCopy(t, issue(t, who.person)))
			if got := strings.TrimSpace(o.run("opensc-tool", "--reader", o.reader, "--name")); got != "jpki" {
				t.Errorf("OpenSC takes the card for %q", got)
			}
			golden(t, "dump-"+who.shows+".txt", masks.ReplaceAllString(o.run("pkcs15-tool", "--reader", o.reader, "--dump"), "${1}…"))
			golden(t, "objects-"+who.shows+".txt", strings.ReplaceAll(masks.ReplaceAllString(o.pkcs11("-L", "-O"), "${1}…"), o.reader, "READER"))
		})
	}
}

// everybody are the people of whom at least one differs in each respect: products,
// certificates, PINs, characters.
// To a client of the JPKI application cards that show the same are alike.
var everybody = []struct{ person, shows string }{
	{"adult", "standard"}, {"under15", "no-signature"}, {"infant", "no-signature"}, {"face-auth", "no-pins"},
	{"foreigner", "standard"}, {"ivs", "standard"}, {"longaddress", "standard"}, {"opted-out", "no-certificates"},
}

func TestOpenSCReadsWhatTheAuthorityIssued(t *testing.T) {
	c := issue(t, "adult")
	o := newOpenSC(t, insertCopy(t, c))
	register := registered(t)
	for _, k := range bothKeys {
		t.Run(k.name, func(t *testing.T) {
			o := o.in(t)
			text := o.run("pkcs15-tool", "--reader", o.reader, "--read-certificate", k.id, "--auth-id", k.id, "--verify-pin", "--pin", k.pin(c))
			block, _ := pem.Decode([]byte(text))
			if block == nil {
				t.Fatalf("no certificate: %s", text)
			}
			if string(block.Bytes) != string(c.certificate(t, k.cert).Raw) {
				t.Error("not the certificate that cardctl wrote down")
			}
			if !register[string(block.Bytes)] {
				t.Error("the authority does not know this certificate")
			}
			ca := o.run("pkcs15-tool", "--reader", o.reader, "--read-certificate", k.publicCRT)
			if block, _ := pem.Decode([]byte(ca)); block == nil || string(block.Bytes) != string(c.certificate(t, k.ca).Raw) {
				t.Error("not the CA's certificate")
			}
			leaf := filepath.Join(o.home, k.id+".pem")
			keep(t, leaf, []byte(text))
			output(t, foreign(t, "openssl", "openssl"), "verify", "-x509_strict", "-CAfile", c.pem(t, k.ca), leaf)
		})
	}
}

// TestSignatureCertificateNeedsItsPIN reads it as a client that knows no PIN.
func TestSignatureCertificateNeedsItsPIN(t *testing.T) {
	o := newOpenSC(t, insertCopy(t, issue(t, "adult")))
	if said, ok := o.try("pkcs15-tool", "--reader", o.reader, "--read-certificate", signKey.id); ok {
		t.Errorf("read without PIN: %s", said)
	}
}

// registered are the certificates that the desk's authority has issued, in DER.
func registered(t *testing.T) map[string]bool {
	t.Helper()
	a, err := softca.Open(filepath.Join(desk.daemon.state(), "authority"), softca.Options{Hierarchy: deskHierarchy()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	all, err := a.Certificates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, one := range all {
		out[string(one.DER)] = true
	}
	return out
}

func TestOpenSCSignsWithBothKeys(t *testing.T) {
	c := issue(t, "adult")
	o := newOpenSC(t, insertCopy(t, c))
	data := filepath.Join(o.home, "data")
	keep(t, data, draw(t, 5000))
	for _, k := range bothKeys {
		public := filepath.Join(o.home, k.id+".pub")
		keep(t, public, []byte(output(t, foreign(t, "openssl", "openssl"), "x509", "-in", c.pem(t, k.cert), "-pubkey", "-noout")))
		for _, m := range []struct{ mechanism, digest string }{
			{"SHA256-RSA-PKCS", "sha256"}, {"SHA384-RSA-PKCS", "sha384"}, {"SHA512-RSA-PKCS", "sha512"}, {"SHA1-RSA-PKCS", "sha1"},
		} {
			t.Run(k.name+" "+m.mechanism, func(t *testing.T) {
				o := o.in(t)
				signature := o.sign(k, c, m.mechanism, data)
				output(t, foreign(t, "openssl", "openssl"), "dgst", "-"+m.digest, "-verify", public, "-signature", signature, data)
			})
		}
		t.Run(k.name+" RSA-PKCS", func(t *testing.T) {
			o := o.in(t)
			info := filepath.Join(o.home, "info")
			keep(t, info, append([]byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), draw(t, 32)...))
			signature := o.sign(k, c, "RSA-PKCS", info)
			got := output(t, foreign(t, "openssl", "openssl"), "pkeyutl", "-verifyrecover", "-pubin", "-inkey", public, "-in", signature)
			if got != string(must(os.ReadFile(info))) {
				t.Errorf("signed %X", got)
			}
		})
	}
}

// sign has pkcs11-tool sign a file and gives the signature's.
func (o *opensc) sign(k key, c *issued, mechanism, data string) (signature string) {
	o.Helper()
	signature = filepath.Join(o.home, "signature")
	o.pkcs11("--slot-index", k.slot, "--login", "--pin", k.pin(c), "--sign", "--mechanism", mechanism, "--id", k.id, "--input-file", data, "--output-file", signature)
	return signature
}

// TestPKCS15CryptSigns uses OpenSC's own layer, below PKCS #11.
func TestPKCS15CryptSigns(t *testing.T) {
	c := issue(t, "adult")
	o := newOpenSC(t, insertCopy(t, c))
	digest := filepath.Join(o.home, "digest")
	keep(t, digest, draw(t, 32))
	for _, k := range bothKeys {
		t.Run(k.name, func(t *testing.T) {
			o := o.in(t)
			public, signature := filepath.Join(o.home, "pub"), filepath.Join(o.home, "signature")
			keep(t, public, []byte(output(t, foreign(t, "openssl", "openssl"), "x509", "-in", c.pem(t, k.cert), "-pubkey", "-noout")))
			o.run("pkcs15-crypt", "--reader", o.reader, "--key", k.id, "--pin", k.pin(c), "--sign", "--pkcs1", "--sha-256", "--input", digest, "--output", signature)
			output(t, foreign(t, "openssl", "openssl"), "pkeyutl", "-verify", "-pubin", "-inkey", public, "-sigfile", signature, "-in", digest, "-pkeyopt", "digest:sha256")
		})
	}
}

// tokenURL is how p11tool and the engine name a key and its token.
func (k key) tokenURL() string {
	return "pkcs11:token=JPKI%20%28" + strings.ReplaceAll(k.name, " ", "%20") + "%29"
}

func TestGnuTLSListsAndSigns(t *testing.T) {
	c := issue(t, "adult")
	o := newOpenSC(t, insertCopy(t, c))
	for _, k := range bothKeys {
		t.Run(k.name, func(t *testing.T) {
			o := o.in(t)
			list := o.command("p11tool", "gnutls-bin", "--provider", o.module, "--login", "--list-all", k.tokenURL())
			list.Env = append(list.Env, "GNUTLS_PIN="+k.pin(c))
			said, err := list.CombinedOutput()
			if err != nil || !strings.Contains(string(said), "Private key (RSA-2048)") || !strings.Contains(string(said), "X.509 Certificate (RSA-2048)") {
				t.Fatalf("%v: %s", err, said)
			}
			sign := o.command("p11tool", "gnutls-bin", "--provider", o.module, "--login", "--test-sign", k.tokenURL()+";id=%"+k.id+";type=private?pin-value="+k.pin(c))
			said, err = sign.CombinedOutput()
			if err != nil || strings.Count(string(said), "... ok") != 3 {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
}

// TestCMSWithTheCardsKey signs a message as S/MIME programs do, by OpenSSL's engine
// for PKCS #11 and by GnuTLS, and has openssl verify it against the CA.
func TestCMSWithTheCardsKey(t *testing.T) {
	c := issue(t, "adult")
	o := newOpenSC(t, insertCopy(t, c))
	file(t, "libengine-pkcs11-openssl", "/usr/lib/*/engines-3/pkcs11.so")
	message, signed := filepath.Join(o.home, "message"), filepath.Join(o.home, "signed.p7m")
	keep(t, message, []byte("転出届\r\n"))
	for _, k := range bothKeys {
		url := k.tokenURL() + ";id=%" + k.id + ";type=private"
		by := map[string]func(o *opensc) *exec.Cmd{
			"openssl": func(o *opensc) *exec.Cmd {
				// It asks for the PIN of a key with user consent a second time, and reads
				// the answer from a terminal, which script makes.
				line := quoted("openssl", "cms", "-sign", "-binary", "-nodetach", "-md", "sha256", "-engine", "pkcs11", "-keyform", "engine",
					"-inkey", url+"?pin-value="+k.pin(c), "-signer", c.pem(o, k.cert), "-in", message, "-out", signed, "-outform", "DER")
				cmd := o.command("script", "bsdutils", "--quiet", "--return", "--command", line, "/dev/null")
				cmd.Stdin = strings.NewReader(k.pin(c) + "\n")
				return cmd
			},
			"gnutls": func(o *opensc) *exec.Cmd {
				cmd := o.command("certtool", "gnutls-bin", "--provider", o.module, "--p7-sign", "--hash", "SHA256", "--outder",
					"--load-privkey", url, "--load-certificate", c.pem(o, k.cert), "--infile", message, "--outfile", signed)
				cmd.Env = append(cmd.Env, "GNUTLS_PIN="+k.pin(c))
				return cmd
			},
		}
		for _, name := range sortedKeys(by) {
			t.Run(name+" "+k.name, func(t *testing.T) {
				o := o.in(t)
				if said, err := by[name](o).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, said)
				}
				got, err := o.command("openssl", "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signed, "-CAfile", c.pem(o, k.ca), "-purpose", "any").Output()
				if err != nil || string(got) != "転出届\r\n" {
					t.Errorf("%v: %q", err, got)
				}
			})
		}
	}
}

// quoted is a command line for the shell.
func quoted(words ...string) string {
	for i, w := range words {
		words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}

// TestSSHReadsTheAuthenticationKey: OpenSSH takes keys from the same module.
func TestSSHReadsTheAuthenticationKey(t *testing.T) {
	c := issue(t, "adult")
	o := newOpenSC(t, insertCopy(t, c))
	said, err := o.command("ssh-keygen", "openssh-client", "-D", o.module).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	public := c.certificate(t, authKey.cert).PublicKey.(*rsa.PublicKey)
	if want := sshKey(public); !strings.Contains(string(said), want) {
		t.Errorf("ssh sees %s, and not %s", said, want)
	}
}
