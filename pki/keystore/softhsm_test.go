//go:build cgo && !windows

package keystore

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"jukicard/apdu/secret"
)

// softHSM is where Debian's package puts the module.
const softHSM = "/usr/lib/softhsm/libsofthsm2.so"

const testPIN = "314159"

// newToken makes a SoftHSM token in a folder of its own. The module reads its
// configuration when it is initialised, so no store may be open.
func newToken(t testing.TB) HSMOptions {
	t.Helper()
	if _, err := os.Stat(softHSM); err != nil {
		t.Skip("SoftHSM is absent; install the Debian package softhsm2")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	text := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.(interface{ Setenv(key, value string) }).Setenv("SOFTHSM2_CONF", conf)
	label := "cardd " + filepath.Base(dir)
	out, err := exec.Command("softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "271828", "--pin", testPIN).CombinedOutput()
	if err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
	return HSMOptions{Module: softHSM, Token: label, PIN: secret.FromString(testPIN)}
}

func newHSM(t testing.TB) *HSM {
	t.Helper()
	h, err := openHSM(newToken(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}
