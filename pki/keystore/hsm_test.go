//go:build cgo && !windows

package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/pkcs11"

	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
)

// everyObject gives all objects that a session sees, session objects too.
func everyObject(t *testing.T, h *HSM) (all []pkcs11.ObjectHandle) {
	t.Helper()
	err := h.main("look", func(s pkcs11.SessionHandle) error {
		return h.call("C_FindObjects", "look", func(c *pkcs11.Ctx) error {
			if err := c.FindObjectsInit(s, nil); err != nil {
				return err
			}
			var err error
			all, _, err = c.FindObjects(s, 100)
			return errors.Join(err, c.FindObjectsFinal(s))
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// said is the return value of a call.
func said(t *testing.T, h *HSM, f func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error) (rv pkcs11.Error) {
	t.Helper()
	h.alive.RLock()
	defer h.alive.RUnlock()
	err := f(h.m.ctx, h.session)
	if err != nil && !errors.As(err, &rv) {
		t.Fatal(err)
	}
	return rv
}

// TestNoKeyCanBeTakenOut tries every way that PKCS #11 knows, on every key there is
// while a card is open: masters, transport keys, a card's keys, signing keys.
func TestNoKeyCanBeTakenOut(t *testing.T) {
	h := newHSM(t)
	importMasters(t, h)
	if _, err := h.Generate(t.Context(), ID{Use: Transport, Label: "post"}, 32); err != nil {
		t.Fatal(err)
	}
	for _, a := range []Algorithm{RSA2048, P384} {
		if _, err := h.GenerateSigner(t.Context(), string(a), a); err != nil {
			t.Fatal(err)
		}
	}
	k := cardOf(t, h, 0x30, kddA).(*hsmCard)
	for _, usage := range []scp03.Usage{scp03.ENC, scp03.MAC, scp03.DEK} {
		if _, err := k.key(usage); err != nil {
			t.Fatal(err)
		}
	}
	made, err := h.Generate(t.Context(), master(0x33), 32)
	if err != nil {
		t.Fatal(err)
	}
	inside := 0
	tried := 0
	for _, o := range everyObject(t, h) {
		v, err := h.attributes(h.session, "look", o, pkcs11.CKA_CLASS)
		if err != nil {
			t.Fatal(err)
		}
		if class := ulong(v[0]); class != pkcs11.CKO_SECRET_KEY && class != pkcs11.CKO_PRIVATE_KEY {
			continue
		}
		tried++
		cannotBeTakenOut(t, h, k, o)
		if h.neverOutside(h.session, "look", o) == nil {
			inside++
		}
	}
	if tried != 3+1+2+3+1 {
		t.Errorf("%d keys were tried", tried)
	}
	if inside != 1+2+1 { // those the module made; an imported key and what is derived of it were outside once
		t.Errorf("%d keys never were outside, %v among them", inside, made)
	}
}

func cannotBeTakenOut(t *testing.T, h *HSM, k *hsmCard, o pkcs11.ObjectHandle) {
	t.Helper()
	v, err := h.attributes(h.session, "look", o, pkcs11.CKA_SENSITIVE, pkcs11.CKA_EXTRACTABLE, pkcs11.CKA_PRIVATE)
	if err != nil || v[0][0] != 1 || v[1][0] != 0 || v[2][0] != 1 {
		t.Errorf("object %d: sensitive, extractable, private are %v, %v", o, v, err)
	}
	for _, a := range []uint{pkcs11.CKA_VALUE, pkcs11.CKA_PRIVATE_EXPONENT, pkcs11.CKA_PRIME_1} {
		rv := said(t, h, func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error {
			_, err := c.GetAttributeValue(s, o, []*pkcs11.Attribute{pkcs11.NewAttribute(a, nil)})
			return err
		})
		if rv != pkcs11.CKR_ATTRIBUTE_SENSITIVE && rv != pkcs11.CKR_ATTRIBUTE_TYPE_INVALID || a == pkcs11.CKA_VALUE && rv == pkcs11.CKR_ATTRIBUTE_TYPE_INVALID && !isRSA(h, o) {
			t.Errorf("object %d: attribute %X is read with %v", o, a, rv)
		}
	}
	dek := k.keys[scp03.DEK]
	open := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true)}
	shown := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false)}
	for name, f := range map[string]func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error{
		"wrapped": func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error {
			_, err := c.WrapKey(k.session, []*pkcs11.Mechanism{cbc()}, dek, o)
			return err
		},
		"made extractable": func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error { return c.SetAttributeValue(s, o, open) },
		"made readable":    func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error { return c.SetAttributeValue(s, o, shown) },
		"copied extractable": func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error {
			_, err := c.CopyObject(s, o, open)
			return err
		},
		"copied readable": func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error {
			_, err := c.CopyObject(s, o, shown)
			return err
		},
		"renamed": func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error {
			if isToken(h, o) {
				return c.SetAttributeValue(s, o, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_ID, "other")})
			}
			return pkcs11.Error(pkcs11.CKR_ACTION_PROHIBITED)
		},
		"used to derive by anything but a master": func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error {
			v, err := h.attributes(s, "look", o, pkcs11.CKA_DERIVE, pkcs11.CKA_ID)
			if err != nil || v[0][0] == 1 && !strings.HasPrefix(string(v[1]), "master ") {
				return nil
			}
			return pkcs11.Error(pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED)
		},
		"used to decrypt": func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error {
			return c.DecryptInit(s, []*pkcs11.Mechanism{cbc()}, o)
		},
	} {
		if rv := said(t, h, f); rv == 0 {
			t.Errorf("object %d can be %s", o, name)
		}
	}
}

func isToken(h *HSM, o pkcs11.ObjectHandle) bool {
	v, err := h.attributes(h.session, "look", o, pkcs11.CKA_TOKEN)
	return err == nil && v[0][0] == 1
}

func isRSA(h *HSM, o pkcs11.ObjectHandle) bool {
	v, err := h.attributes(h.session, "look", o, pkcs11.CKA_KEY_TYPE)
	return err == nil && ulong(v[0]) == pkcs11.CKK_RSA
}

// TestKeysDoOneThing: a master that encrypted would give a card's keys away.
func TestKeysDoOneThing(t *testing.T) {
	h := newHSM(t)
	importMasters(t, h)
	k := cardOf(t, h, 0x30, kddA).(*hsmCard)
	mac, err := k.key(scp03.MAC)
	if err != nil {
		t.Fatal(err)
	}
	ecb := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_ECB, nil)}
	for name, f := range map[string]func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error{
		"a master encrypts":  func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error { return c.EncryptInit(s, ecb, k.master.object) },
		"a MAC key encrypts": func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error { return c.EncryptInit(k.session, ecb, mac) },
		"a MAC key wraps": func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error {
			_, err := c.WrapKey(k.session, []*pkcs11.Mechanism{cbc()}, mac, mac)
			return err
		},
		"a master is written": func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error {
			return c.SetAttributeValue(s, k.master.object, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, true)})
		},
	} {
		if rv := said(t, h, f); rv == 0 {
			t.Errorf("%s", name)
		}
	}
}

// TestSessionObjectsGo counts objects: what a card had is gone with it.
func TestSessionObjectsGo(t *testing.T) {
	h := newHSM(t)
	importMasters(t, h)
	before := len(everyObject(t, h))
	k := cardOf(t, h, 0x30, kddA)
	if _, err := k.(Successor).Successor(t.Context(), 0x31); err != nil {
		t.Fatal(err)
	}
	if _, err := k.CMAC(t.Context(), scp03.MAC, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if during := len(everyObject(t, h)); during != before+2 { // MAC and DEK; the wrapped ones are gone already
		t.Errorf("%d objects while a card is open, %d before", during, before)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if after := len(everyObject(t, h)); after != before {
		t.Errorf("%d objects, %d before", after, before)
	}
}

// count counts calls of one name.
func count(h *HSM, call string) *int {
	n := new(int)
	h.before = func(name string) error {
		if name == call {
			*n++
		}
		return nil
	}
	return n
}

// TestWrongPINIsPresentedOnce, by this store and by the next.
func TestWrongPINIsPresentedOnce(t *testing.T) {
	o := newToken(t)
	wrong := o
	wrong.PIN = secret.FromString("999999")
	if _, err := openHSM(wrong); !errors.Is(err, ErrUnlock) || strings.Contains(err.Error(), "999999") {
		t.Errorf("%v", err)
	}
	for range 2 {
		_, err := openHSM(o) // the right one: yet nobody knows that
		if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "log in once") {
			t.Errorf("%v", err)
		}
	}
	out, err := exec.Command("pkcs11-tool", "--module", softHSM, "--token-label", o.Token, "--login", "--pin", testPIN, "--list-objects").CombinedOutput()
	if err != nil {
		t.Fatalf("pkcs11-tool: %v\n%s; install the Debian package opensc", err, out)
	}
	h, err := openHSM(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	h.ready, h.o.PIN = false, wrong.PIN // the PIN was changed while the module was away
	logout(t, h)
	logins := count(h, "C_Login")
	for range 3 {
		if _, err := h.List(t.Context()); !errors.Is(err, ErrUnlock) {
			t.Errorf("%v", err)
		}
	}
	if *logins != 1 {
		t.Errorf("%d logins with a wrong PIN", *logins)
	}
}

// TestNoTryIsSpentOnALockedToken: what the token says of its PIN is heeded before a login.
func TestNoTryIsSpentOnALockedToken(t *testing.T) {
	h := &HSM{}
	for name, row := range map[string]struct {
		flags uint
		kind  error
	}{
		"nothing wrong":       {pkcs11.CKF_TOKEN_INITIALIZED | pkcs11.CKF_USER_PIN_INITIALIZED | pkcs11.CKF_LOGIN_REQUIRED, nil},
		"locked":              {pkcs11.CKF_USER_PIN_LOCKED, ErrLocked},
		"its last try":        {pkcs11.CKF_USER_PIN_FINAL_TRY, ErrLocked},
		"a wrong one before":  {pkcs11.CKF_USER_PIN_COUNT_LOW, ErrLocked},
		"the officer's alone": {pkcs11.CKF_SO_PIN_LOCKED, nil},
	} {
		if err := h.tries("open", row.flags); !errors.Is(err, row.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRefusedLoginIsForGood: whatever the module says against the PIN, it is not presented
// a second time; what says nothing of the PIN may be asked again.
func TestRefusedLoginIsForGood(t *testing.T) {
	o := newToken(t)
	for rv, row := range map[pkcs11.Error]struct {
		kind   error
		logins int // in three uses
	}{
		pkcs11.CKR_PIN_INCORRECT: {ErrUnlock, 1}, pkcs11.CKR_PIN_INVALID: {ErrUnlock, 1}, pkcs11.CKR_PIN_LEN_RANGE: {ErrUnlock, 1},
		pkcs11.CKR_PIN_LOCKED: {ErrLocked, 1}, pkcs11.CKR_PIN_EXPIRED: {ErrLocked, 1}, pkcs11.CKR_USER_PIN_NOT_INITIALIZED: {ErrLocked, 1},
		pkcs11.CKR_DEVICE_REMOVED: {ErrGone, 3}, pkcs11.CKR_SESSION_COUNT: {ErrFull, 3},
	} {
		h, err := openHSM(o)
		if err != nil {
			t.Fatal(err)
		}
		h.ready = false
		logout(t, h)
		logins := 0
		h.before = func(name string) error {
			if name != "C_Login" {
				return nil
			}
			logins++
			return rv
		}
		for range 3 {
			if _, err := h.List(t.Context()); !errors.Is(err, row.kind) {
				t.Errorf("%v: %v", rv, err)
			}
		}
		if logins != row.logins {
			t.Errorf("%v: %d logins, want %d", rv, logins, row.logins)
		}
		h.before = nil
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSameLabelTwiceCostsNoTry: a PIN for one of two tokens is presented to neither.
func TestSameLabelTwiceCostsNoTry(t *testing.T) {
	o := newToken(t)
	out, err := exec.Command("softhsm2-util", "--init-token", "--free", "--label", o.Token, "--so-pin", "271828", "--pin", "111111").CombinedOutput()
	if err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
	for range 2 { // a spent try would make the second ErrLocked
		if _, err := openHSM(o); !errors.Is(err, ErrUnable) || !strings.Contains(err.Error(), "2 tokens") {
			t.Errorf("%v", err)
		}
	}
}

// endModule ends the library and begins it anew, as another user of it in this process
// may: the numbers of sessions and objects start again.
func endModule(t *testing.T, m *module) {
	t.Helper()
	if err := errors.Join(m.ctx.Finalize(), m.again()); err != nil {
		t.Fatal(err)
	}
}

// TestHandlesOfBeforeAreNotUsed: what a card and a store held when the module was ended
// has the number of another card's session now.
func TestHandlesOfBeforeAreNotUsed(t *testing.T) {
	h := newHSM(t)
	importMasters(t, h)
	old, err := h.Card(t.Context(), 0x30, kddA)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.CMAC(t.Context(), scp03.MAC, []byte("x")); err != nil {
		t.Fatal(err)
	}
	before := old.(*hsmCard).session
	endModule(t, h.m)
	var now CardKeys // the store notices by itself
	for n := 0; now == nil || now.(*hsmCard).session != before; n++ {
		if n == 20 {
			t.Fatalf("no session has the number %d again: the test proves nothing", before)
		}
		now = cardOf(t, h, 0x32, kddB)
	}
	want, _ := scp03.Diversify(masters()[0x32], kddB)
	sameKeys(t, now, want)
	if _, err := old.CMAC(t.Context(), scp03.MAC, []byte("x")); !errors.Is(err, ErrGone) {
		t.Errorf("keys of before: %v", err)
	}
	if err := old.Close(); err != nil {
		t.Error(err)
	}
	sameKeys(t, now, want) // its session is open still
}

// TestClosedStoreLeavesNothingInTheModule, which another store goes on using.
func TestClosedStoreLeavesNothingInTheModule(t *testing.T) {
	o := newToken(t)
	stay, err := openHSM(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stay.Close() }()
	importMasters(t, stay)
	before := len(everyObject(t, stay))
	h, err := openHSM(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, kdd := range [][10]byte{kddA, kddB} {
		k, err := h.Card(t.Context(), 0x30, kdd)
		if err == nil {
			_, err = k.CMAC(t.Context(), scp03.MAC, []byte("x"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if during := len(everyObject(t, stay)); during != before+2 {
		t.Errorf("%d objects while two cards are open, %d before", during, before)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if after := len(everyObject(t, stay)); after != before {
		t.Errorf("%d objects, %d before", after, before)
	}
}

// TestTwoMakersOfOneKey: PKCS #11 lets two programs make keys of one ID; whoever sees
// both takes its own back.
func TestTwoMakersOfOneKey(t *testing.T) {
	h := newHSM(t)
	put := func(s pkcs11.SessionHandle) (o pkcs11.ObjectHandle, err error) {
		err = h.call("C_CreateObject", "test", func(c *pkcs11.Ctx) error {
			template := append(onToken(kept(master(1), 16)), pkcs11.NewAttribute(pkcs11.CKA_VALUE, bytes.Repeat([]byte{7}, 16)))
			o, err = c.CreateObject(s, template)
			return err
		})
		return o, err
	}
	k, err := h.make(t.Context(), "test", master(1), 16, func(s pkcs11.SessionHandle) (pkcs11.ObjectHandle, error) {
		if _, err := put(s); err != nil { // the other program's
			return 0, err
		}
		return put(s)
	})
	if !errors.Is(err, ErrExists) || k != (Key{}) {
		t.Errorf("%v, %v", k, err)
	}
	if keys, err := h.List(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("%v, %v", keys, err)
	}
}

// TestPlantedMasterIsNotUsed: another program put a key there that can be taken out.
func TestPlantedMasterIsNotUsed(t *testing.T) {
	h := newHSM(t)
	rv := said(t, h, func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error {
		_, err := c.CreateObject(s, append(purposes(pkcs11.CKA_DERIVE, pkcs11.CKA_SIGN),
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true),
			pkcs11.NewAttribute(pkcs11.CKA_ID, master(0x30).objectID(128)), pkcs11.NewAttribute(pkcs11.CKA_LABEL, "planted"),
			pkcs11.NewAttribute(pkcs11.CKA_VALUE, make([]byte, 16))))
		return err
	})
	if rv != 0 {
		t.Fatal(rv)
	}
	if _, err := h.Card(t.Context(), 0x30, kddA); !errors.Is(err, ErrUnable) || !strings.Contains(err.Error(), "taken out") {
		t.Errorf("%v", err)
	}
}

func logout(t *testing.T, h *HSM) {
	t.Helper()
	if rv := said(t, h, func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error { return c.Logout(s) }); rv != 0 {
		t.Fatal(rv)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	o := newToken(t)
	other := filepath.Join(t.TempDir(), "libnone.so")
	text := filepath.Join(t.TempDir(), "text.so")
	if err := os.WriteFile(text, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		o    HSMOptions
		kind error
	}{
		"no such library":  {HSMOptions{other, o.Token, o.PIN}, ErrAbsent},
		"no library":       {HSMOptions{text, o.Token, o.PIN}, ErrAbsent},
		"no such token":    {HSMOptions{o.Module, "other", o.PIN}, ErrAbsent},
		"nothing named":    {HSMOptions{"", o.Token, o.PIN}, nil},
		"no token is told": {HSMOptions{o.Module, "", o.PIN}, nil},
		"no PIN":           {HSMOptions{o.Module, o.Token, secret.Bytes{}}, nil},
	} {
		s, err := OpenHSM(row.o)
		if err == nil || s != nil || row.kind != nil && !errors.Is(err, row.kind) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// TestModuleGoesAway at each call of a card's session in turn: the error says so,
// nothing is repeated, and the next card is served when the module is back.
func TestModuleGoesAway(t *testing.T) {
	h := newHSM(t)
	importMasters(t, h)
	session := func() error {
		k, err := h.Card(t.Context(), 0x30, kddA)
		if err != nil {
			return err
		}
		_, mac := k.CMAC(t.Context(), scp03.MAC, []byte("x"))
		_, next := k.(Successor).Successor(t.Context(), 0x31)
		return errors.Join(mac, next, k.Close())
	}
	if err := session(); err != nil {
		t.Fatal(err)
	}
	for _, rv := range []pkcs11.Error{pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_TOKEN_NOT_PRESENT} {
		for at := 1; ; at++ {
			n, hit := 0, false
			h.before = func(call string) error {
				n++
				if n == at && call != "C_CloseSession" {
					hit = true
					return rv
				}
				return nil
			}
			err := session()
			h.before = nil
			if n < at {
				break
			}
			if hit && !errors.Is(err, ErrGone) {
				t.Errorf("%v at call %d: %v", rv, at, err)
			}
			if err := session(); err != nil {
				t.Errorf("after %v at call %d: %v", rv, at, err)
			}
		}
	}
}

// TestTokenIsFull: a key that found no room leaves nothing, and its ID is free.
func TestTokenIsFull(t *testing.T) {
	h := newHSM(t)
	for call, f := range map[string]func() error{
		"C_GenerateKey":  func() error { return errOf(h.Generate(t.Context(), master(1), 16)) },
		"C_CreateObject": func() error { return errOf(h.Import(t.Context(), master(1), masters()[0x30])) },
	} {
		h.before = func(name string) error {
			if name == call {
				return pkcs11.Error(pkcs11.CKR_DEVICE_MEMORY)
			}
			return nil
		}
		if err := f(); !errors.Is(err, ErrFull) {
			t.Errorf("%s: %v", call, err)
		}
		h.before = nil
		if err := f(); err != nil {
			t.Errorf("%s: %v", call, err)
		}
		if err := h.Destroy(t.Context(), master(1)); err != nil {
			t.Error(err)
		}
	}
}

// TestKeyThatCouldBeTakenOutIsNotKept: a module that does not keep to its template.
func TestKeyThatCouldBeTakenOutIsNotKept(t *testing.T) {
	h := newHSM(t)
	wanted := "test"
	_, err := h.make(t.Context(), wanted, master(1), 16, func(s pkcs11.SessionHandle) (o pkcs11.ObjectHandle, err error) {
		template := append(purposes(pkcs11.CKA_SIGN), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
			pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true), pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 16))
		err = h.call("C_GenerateKey", wanted, func(c *pkcs11.Ctx) error {
			o, err = c.GenerateKey(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, template)
			return err
		})
		return o, err
	})
	if !errors.Is(err, ErrUnable) {
		t.Error(err)
	}
	if left := everyObject(t, h); len(left) != 0 {
		t.Errorf("%d objects are left", len(left))
	}
}

// TestForeignKeysAreLeftAlone: a token may serve others too.
func TestForeignKeysAreLeftAlone(t *testing.T) {
	h := newHSM(t)
	rv := said(t, h, func(c *pkcs11.Ctx, s pkcs11.SessionHandle) error {
		_, err := c.GenerateKey(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 16),
			pkcs11.NewAttribute(pkcs11.CKA_LABEL, "issuer domain"), pkcs11.NewAttribute(pkcs11.CKA_ID, "master 30"),
		})
		return err
	})
	if rv != 0 {
		t.Fatal(rv)
	}
	if keys, err := h.List(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("%v, %v", keys, err)
	}
}

func TestObjectIDs(t *testing.T) {
	for _, row := range []struct {
		id   ID
		bits int
		text string
	}{
		{master(0x30), 256, "master 256 30"},
		{ID{Use: Transport, Label: "from the ministry 2"}, 128, "transport 128 from the ministry 2"},
		{ID{Use: Signing, Label: "signature-ca"}, 0, "signing signature-ca"},
	} {
		id, bits, ok := parseObjectID(row.text, "issuer domain")
		if row.id.objectID(row.bits) != row.text || id != row.id || bits != row.bits || !ok {
			t.Errorf("%q: %v, %d, %t", row.text, id, bits, ok)
		}
	}
	for _, text := range []string{"", "master", "master 30", "master 256 3", "master 256 030", "master 256 00", "master 255 30", "master 256 80", "transport 128 ", "signing ", "other 128 x", "transport x"} {
		if id, _, ok := parseObjectID(text, "label"); ok {
			t.Errorf("%q is %v", text, id)
		}
	}
}

// TestFaultsAreKnown: each return value that a kind is made of names itself.
func TestFaultsAreKnown(t *testing.T) {
	for rv, kind := range kinds {
		err := fault("derive keys of master 30", fmt.Errorf("wrapped: %w", rv))
		var e *Error
		if !errors.Is(err, kind) || !errors.As(err, &e) || !strings.Contains(e.Error(), "CKR_") || !strings.HasPrefix(e.Error(), "cannot derive keys of master 30: ") {
			t.Errorf("%v: %v", rv, err)
		}
	}
	if other := errors.New("x"); fault("", other) != other || fault("", nil) != nil {
		t.Error("what PKCS #11 did not say is changed")
	}
}

// BenchmarkSession is a full SCP03 session set-up with each store, and one command.
func BenchmarkSession(b *testing.B) {
	u := Unlock{kind: byCredential, secret: secret.New(make([]byte, 32))}
	file, err := CreateFile(filepath.Join(b.TempDir(), "keys"), u)
	if err != nil {
		b.Fatal(err)
	}
	for name, s := range map[string]whole{"file": file, "hsm": newHSM(b)} {
		importMasters(b, s)
		for _, v := range []byte{0x30, 0x32} {
			l := line{newCard(b, masters()[0x30])}
			if v != 0x30 {
				continue
			}
			b.Run(name, func(b *testing.B) {
				for range b.N {
					ch, _, err := openSession(b, s, l, v)
					if err != nil {
						b.Fatal(err)
					}
					ch.Close()
				}
			})
		}
	}
}
