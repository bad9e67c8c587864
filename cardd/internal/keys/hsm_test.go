//go:build cgo && !windows

package keys

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/failure"
	"jukicard/pki/keystore"
)

// softHSM is where Debian's package puts the module.
const softHSM = "/usr/lib/softhsm/libsofthsm2.so"

// token makes a SoftHSM token of PIN 314159, and a PIN file that says otherwise.
func token(t *testing.T) (c config.GPPKCS11, dir string) {
	t.Helper()
	if _, err := os.Stat(softHSM); err != nil {
		t.Skip("SoftHSM is absent; install the Debian package softhsm2")
	}
	dir = t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	write(t, conf, fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", dir))
	t.Setenv("SOFTHSM2_CONF", conf)
	if out, err := exec.Command("softhsm2-util", "--init-token", "--free", "--label", "cards", "--so-pin", "271828", "--pin", "314159").CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
	c = config.GPPKCS11{Module: softHSM, Token: "cards", PINFile: filepath.Join(dir, "pin")}
	write(t, c.PINFile, "999999\n")
	return c, dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// loggedIn clears the token's own mark of a wrong try, as a module has that never shows
// one: what is left is what this package remembers.
func loggedIn(t *testing.T) {
	t.Helper()
	out, err := exec.Command("pkcs11-tool", "--module", softHSM, "--token-label", "cards", "--login", "--pin", "314159", "--list-objects").CombinedOutput()
	if err != nil {
		t.Fatalf("pkcs11-tool: %v\n%s; install the Debian package opensc", err, out)
	}
}

// TestWrongPINIsPresentedOnceByAnyProcess, also to a token that does not tell of wrong
// tries: until the PIN file is written anew, however often a service is started.
func TestWrongPINIsPresentedOnceByAnyProcess(t *testing.T) {
	c, dir := token(t)
	g := config.GP{KeyStore: config.KeysPKCS11, PKCS11: c}
	state := filepath.Join(dir, "state")
	if _, err := Open(g, state); failure.CodeOf(err) != failure.KeysUnlock || !errors.Is(err, keystore.ErrUnlock) {
		t.Fatalf("%v", err)
	}
	loggedIn(t)
	for range 3 {
		_, err := Open(g, state)
		if failure.CodeOf(err) != failure.KeysUnlock || errors.Is(err, keystore.ErrUnlock) || !strings.Contains(err.Error(), "not presented again") {
			t.Errorf("%v", err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(state, refusedFile)); err != nil || strings.Contains(string(b), "999999") {
		t.Errorf("%s, %v", b, err)
	}
	write(t, c.PINFile, "314159\n")
	later := time.Now().Add(time.Second) // a file system may keep whole ticks only
	if err := os.Chtimes(c.PINFile, later, later); err != nil {
		t.Fatal(err)
	}
	s, err := Open(g, state)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	write(t, filepath.Join(state, refusedFile), "torn")
	if _, err := Open(g, state); err == nil || !strings.Contains(err.Error(), "cannot tell") {
		t.Errorf("%v", err)
	}
}
