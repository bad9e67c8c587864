package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeyStore(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"secret": 0o600, "open": 0o644, "module.so": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		name, text string
		code       string // empty: taken
		says       []string
	}{
		{"nothing", "", "", nil},
		{"a module", "[gp]\nkey_store = 'pkcs11'\n[gp.pkcs11]\nmodule = 'DIR/module.so'\ntoken = 'cards'\npin_file = 'DIR/secret'\n", "", nil},
		{"a sealed file by credential", "[gp]\nkey_store = 'file'\n[gp.file]\ncredential = 'DIR/secret'\n", "", nil},
		{"a sealed file by passphrase, with the authority's keys", "[gp]\nkey_store = 'file'\nauthority_keys = true\n[gp.file]\npassphrase_file = 'DIR/secret'\n", "", nil},
		{"an empty section", "[gp.file]\n", "", nil},
		{"no store", "[gp]\nkey_store = 'drawer'\n", CodeValue, []string{"gp.key_store", "none or file or pkcs11"}},
		{"a misspelt key", "[gp.pkcs11]\nslot = 'x'\n", CodeUnknownKey, []string{"gp.pkcs11.slot"}},
		{"a module without its token", "[gp]\nkey_store = 'pkcs11'\n[gp.pkcs11]\nmodule = 'DIR/module.so'\npin_file = 'DIR/secret'\n", CodeValue, []string{"gp.pkcs11.token", "is empty"}},
		{"a module that is not there", "[gp]\nkey_store = 'pkcs11'\n[gp.pkcs11]\nmodule = 'DIR/none.so'\ntoken = 'cards'\npin_file = 'DIR/secret'\n", CodeKeyFile, []string{"gp.pkcs11.module", "none.so"}},
		{"a PIN that others can read", "[gp]\nkey_store = 'pkcs11'\n[gp.pkcs11]\nmodule = 'DIR/module.so'\ntoken = 'cards'\npin_file = 'DIR/open'\n", CodeKeyFile, []string{"gp.pkcs11.pin_file", "others can read", "chmod 600"}},
		{"a passphrase that others can read", "[gp]\nkey_store = 'file'\n[gp.file]\npassphrase_file = 'DIR/open'\n", CodeKeyFile, []string{"gp.file.passphrase_file"}},
		{"two that unlock", "[gp]\nkey_store = 'file'\n[gp.file]\npassphrase_file = 'DIR/secret'\ncredential = 'DIR/secret'\n", CodeValue, []string{"exactly one"}},
		{"none that unlocks", "[gp]\nkey_store = 'file'\n", CodeValue, []string{"exactly one"}},
		{"a credential that is not there", "[gp]\nkey_store = 'file'\n[gp.file]\ncredential = 'DIR/none'\n", CodeKeyFile, []string{"gp.file.credential"}},
		{"a module for nobody", "[gp.pkcs11]\nmodule = 'DIR/module.so'\n", CodeValue, []string{"gp.pkcs11.module", `belongs to key_store = "pkcs11"`}},
		{"a master key beside a store", "[gp]\nmaster_key_file = 'DIR/secret'\nkey_store = 'file'\n[gp.file]\ncredential = 'DIR/secret'\n", CodeValue, []string{"gp.master_key_file", `belongs to key_store = "none"`}},
		{"the authority's keys in no store", "[gp]\nauthority_keys = true\n", CodeValue, []string{"gp.authority_keys", "no key store"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := load(write(t, strings.ReplaceAll(row.text, "DIR", dir)), nil, clerk)
			if row.code == "" {
				if err != nil || c.GP.TestKeys() != (c.GP.KeyStore == KeysNone) {
					t.Errorf("%+v, %v", c, err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Code != row.code {
				t.Fatalf("got %v, want %s", err, row.code)
			}
			for _, s := range row.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

// TestStorePathsAreAbsolute: they are taken from the folder of the file that names them.
func TestStorePathsAreAbsolute(t *testing.T) {
	path := write(t, "[gp]\nkey_store = 'file'\n[gp.file]\npath = 'store'\ncredential = 'secret'\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "secret"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(path, nil, clerk)
	if err != nil || c.GP.File != (GPFile{Path: filepath.Dir(path) + "/store", Credential: filepath.Dir(path) + "/secret"}) {
		t.Errorf("%+v, %v", c, err)
	}
}
