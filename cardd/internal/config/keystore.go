package config

import (
	"os"
	"slices"
	"strings"
)

// KeyStores that gp.key_store takes.
const (
	KeysNone   = "none"   // gp.master_key_file
	KeysFile   = "file"   // the sealed file of gp.file
	KeysPKCS11 = "pkcs11" // the hardware module of gp.pkcs11
)

// GP is the cards' GlobalPlatform issuer domain: where its master keys are.
type GP struct {
	MasterKeyFile string   `koanf:"master_key_file"` // absolute; empty: the well-known test key, which only laboratory cards hold
	KeyStore      string   `koanf:"key_store"`       // none, file or pkcs11
	AuthorityKeys bool     `koanf:"authority_keys"`  // the embedded authority's keys are in the key store too
	File          GPFile   `koanf:"file"`
	PKCS11        GPPKCS11 `koanf:"pkcs11"`
}

// GPFile is the embedded key store.
type GPFile struct {
	Path           string `koanf:"path"`            // absolute
	Credential     string `koanf:"credential"`      // absolute; or empty
	PassphraseFile string `koanf:"passphrase_file"` // absolute; or empty
}

// GPPKCS11 is a token of a hardware module.
type GPPKCS11 struct {
	Module  string `koanf:"module"` // absolute
	Token   string `koanf:"token"`
	PINFile string `koanf:"pin_file"` // absolute
}

// TestKeys says whether the well-known test key is in use.
func (g GP) TestKeys() bool { return g.KeyStore == KeysNone && g.MasterKeyFile == "" }

// storePaths are keys of this section whose value is a file.
var storePaths = []string{"gp.file.path", "gp.file.credential", "gp.file.passphrase_file", "gp.pkcs11.module", "gp.pkcs11.pin_file"}

// check holds the section together: what belongs to the store that is named is there,
// and nothing that belongs to another, which somebody may believe to be in force.
func (g GP) check(refuse func(code, key, rule, remedy string)) {
	if rule, remedy := keyFileFault(g.MasterKeyFile); rule != "" {
		refuse(CodeKeyFile, "gp.master_key_file", rule, remedy)
	}
	stores := []string{KeysNone, KeysFile, KeysPKCS11}
	if !slices.Contains(stores, g.KeyStore) {
		refuse(CodeValue, "gp.key_store", "the value is none of those it takes", "write "+strings.Join(stores, " or "))
		return
	}
	for _, f := range []struct {
		key, value, store string
		needed            bool
	}{
		{"gp.master_key_file", g.MasterKeyFile, KeysNone, false},
		{"gp.file.credential", g.File.Credential, KeysFile, false},
		{"gp.file.passphrase_file", g.File.PassphraseFile, KeysFile, false},
		{"gp.pkcs11.module", g.PKCS11.Module, KeysPKCS11, true},
		{"gp.pkcs11.token", g.PKCS11.Token, KeysPKCS11, true},
		{"gp.pkcs11.pin_file", g.PKCS11.PINFile, KeysPKCS11, true},
	} {
		switch {
		case f.value != "" && f.store != g.KeyStore:
			refuse(CodeValue, f.key, "it belongs to key_store = \""+f.store+"\", and that is \""+g.KeyStore+"\"", "leave it out, or name that store")
		case f.value == "" && f.needed && f.store == g.KeyStore:
			refuse(CodeValue, f.key, "it is empty, and gp.key_store is "+g.KeyStore, "name it")
		}
	}
	if g.AuthorityKeys && g.KeyStore == KeysNone {
		refuse(CodeValue, "gp.authority_keys", "there is no key store", "name one with gp.key_store, or leave it out")
	}
	g.checkFiles(refuse)
}

// checkFiles looks at the files that unlock. A machine credential is judged where it is
// used: systemd's have a mode of their own.
func (g GP) checkFiles(refuse func(code, key, rule, remedy string)) {
	if f := g.File; g.KeyStore == KeysFile && (f.Credential == "") == (f.PassphraseFile == "") {
		refuse(CodeValue, "gp.file.credential", "a sealed file is unlocked by this or by gp.file.passphrase_file", "name exactly one of the two")
	}
	for _, f := range []struct{ key, path string }{{"gp.file.passphrase_file", g.File.PassphraseFile}, {"gp.pkcs11.pin_file", g.PKCS11.PINFile}} {
		if rule, remedy := keyFileFault(f.path); rule != "" {
			refuse(CodeKeyFile, f.key, rule, remedy)
		}
	}
	for _, f := range []struct{ key, path string }{{"gp.file.credential", g.File.Credential}, {"gp.pkcs11.module", g.PKCS11.Module}} {
		if f.path == "" {
			continue
		}
		if info, err := os.Stat(f.path); err != nil || !info.Mode().IsRegular() {
			refuse(CodeKeyFile, f.key, "there is no file "+f.path, "install it, or name another")
		}
	}
}
