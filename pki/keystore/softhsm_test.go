//go:build cgo && !windows

package keystore

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/miekg/pkcs11"

	"jukicard/apdu/scp03"
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

func init() {
	rigs = append(rigs, rig{
		name: "hsm",
		open: func(t *testing.T) (whole, func() whole) {
			o := newToken(t)
			open := func() whole {
				h, err := openHSM(o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = h.Close() })
				return h
			}
			return open(), open
		},
		static: func(t *testing.T, s whole, keys scp03.StaticKeys) CardKeys { return sessionKeys(t, s.(*HSM), keys) },
	})
}

// sessionKeys makes static keys session objects of the module.
func sessionKeys(t *testing.T, h *HSM, keys scp03.StaticKeys) CardKeys {
	t.Helper()
	k := &hsmCard{h: h, wanted: "test", begun: h.begun, master: aesKey{size: keys.Size()}, keys: derived{}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(h.call("C_OpenSession", "test", func(c *pkcs11.Ctx) (err error) {
		k.session, err = c.OpenSession(h.slot, pkcs11.CKF_SERIAL_SESSION)
		return err
	}))
	for usage, key := range map[scp03.Usage]secret.Bytes{scp03.ENC: keys.Enc, scp03.MAC: keys.Mac, scp03.DEK: keys.Dek} {
		must(key.Lend(func(b []byte) error {
			template := append(closed(pkcs11.CKA_SIGN, pkcs11.CKA_ENCRYPT), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false), pkcs11.NewAttribute(pkcs11.CKA_VALUE, b))
			return h.call("C_CreateObject", "test", func(c *pkcs11.Ctx) (err error) {
				k.keys[usage], err = c.CreateObject(k.session, template)
				return err
			})
		}))
	}
	return k
}
