//go:build cgo && !windows

package keystore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/miekg/pkcs11"
)

// HSM is a token of a hardware module, reached by PKCS #11 v2.40. It needs
// CKM_AES_ECB_ENCRYPT_DATA, CKM_AES_CMAC and CKM_AES_CBC for cards.
//
// A wrong PIN is presented once and never again, not even by the next process: a token
// that reports a wrong try since the last right one is left alone until somebody has
// logged in by hand. A module that goes away is asked anew, with the PIN that it took
// before, at the next use.
type HSM struct {
	o HSMOptions

	alive sync.RWMutex // held to read during every call, to write by Close
	m     *module      // nil once closed

	mu      sync.Mutex // the main session's; taken before alive
	session pkcs11.SessionHandle
	slot    uint
	begun   uint64        // the module's, when session was opened
	ready   bool          // session is open and logged in
	refused error         // set for good when the PIN was refused
	found   map[ID]aesKey // by ID without a master's label

	open struct { // sessions of cards
		sync.Mutex
		cards map[*hsmCard]pkcs11.SessionHandle
	}

	before func(call string) error // set by tests: a fault before a call
}

var (
	_ Store     = (*HSM)(nil)
	_ Keeper    = (*HSM)(nil)
	_ Unwrapper = (*HSM)(nil)
	_ Signers   = (*HSM)(nil)
	_ Successor = (*hsmCard)(nil)
)

// OpenHSM loads the module, finds the token and logs in. ErrAbsent when there is no
// such library or token, ErrUnlock and ErrLocked as the PIN fares.
func OpenHSM(o HSMOptions) (Store, error) {
	h, err := openHSM(o)
	if err != nil {
		return nil, err // an interface around no store would not be nil
	}
	return h, nil
}

func openHSM(o HSMOptions) (*HSM, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	pin, err := copyOf(o.PIN)
	if err != nil {
		return nil, err
	}
	o.PIN = pin
	m, err := loadModule(o.Module)
	if err != nil {
		pin.Destroy()
		return nil, err
	}
	h := &HSM{o: o, m: m, found: map[ID]aesKey{}}
	h.open.cards = map[*hsmCard]pkcs11.SessionHandle{}
	err = h.main("open "+o.String(), func(pkcs11.SessionHandle) error { return nil })
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// call makes one call of the module.
func (h *HSM) call(name, wanted string, f func(c *pkcs11.Ctx) error) error {
	h.alive.RLock()
	defer h.alive.RUnlock()
	if h.m == nil {
		return &Error{Kind: ErrGone, Wanted: wanted, Detail: "the store was closed"}
	}
	if h.before != nil {
		if err := h.before(name); err != nil {
			return fault(wanted, err)
		}
	}
	return fault(wanted, f(h.m.ctx))
}

// main lends the main session, connecting where that is needed. After ErrGone the next
// use connects anew: the call itself is not repeated, for what it did is unknown.
func (h *HSM) main(wanted string, f func(pkcs11.SessionHandle) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.connect(wanted); err != nil {
		return err
	}
	err := f(h.session)
	h.note(err)
	return err
}

// note remembers that the module is gone. The caller has mu.
func (h *HSM) note(err error) {
	if errors.Is(err, ErrGone) {
		h.ready = false
		clear(h.found)
	}
}

// current says whether handles of that beginning of the module are still good: somebody
// may have ended the module meanwhile, and another store begun it anew.
func (h *HSM) current(begun uint64) bool {
	h.alive.RLock()
	defer h.alive.RUnlock()
	return h.m != nil && h.m.begun.Load() == begun
}

func (h *HSM) connect(wanted string) error {
	if h.refused != nil {
		return h.refused
	}
	same := h.current(h.begun)
	if h.ready && same {
		return nil
	}
	h.ready = false
	clear(h.found)
	if h.session != 0 && same { // it went away: what is left of it must not be in the way
		_ = h.call("C_CloseSession", wanted, func(c *pkcs11.Ctx) error { return c.CloseSession(h.session) })
	}
	h.session = 0
	err := h.call("C_Initialize", wanted, func(*pkcs11.Ctx) error {
		err := h.m.again()
		h.begun = h.m.begun.Load()
		return err
	})
	if err != nil {
		return err
	}
	if err := h.findToken(wanted); err != nil {
		return err
	}
	err = h.call("C_OpenSession", wanted, func(c *pkcs11.Ctx) (err error) {
		h.session, err = c.OpenSession(h.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
		return err
	})
	if err != nil {
		return err
	}
	if err := h.login(wanted); err != nil {
		return err
	}
	h.ready = true
	return nil
}

// findToken finds the slot of the token and refuses to spend a try of a PIN that was
// wrong before (PKCS #11 v2.40, 3.2, CKF_USER_PIN_COUNT_LOW).
func (h *HSM) findToken(wanted string) error {
	return h.call("C_GetSlotList", wanted, func(c *pkcs11.Ctx) error {
		slots, err := c.GetSlotList(true)
		if err != nil {
			return err
		}
		var found []pkcs11.TokenInfo
		for _, slot := range slots {
			info, err := c.GetTokenInfo(slot)
			if err != nil || info.Label != h.o.Token || info.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 {
				continue // the token meant may still come
			}
			h.slot, found = slot, append(found, info)
		}
		switch len(found) {
		case 0:
			return &Error{Kind: ErrAbsent, Wanted: wanted, Detail: "the module has no such token"}
		case 1:
			return h.tries(wanted, found[0].Flags)
		}
		// a PIN that is right for one would be wrong for another, and cost it a try
		return &Error{Kind: ErrUnable, Wanted: wanted, Detail: fmt.Sprintf("the module has %d tokens of that label; give each its own", len(found))}
	})
}

func (h *HSM) tries(wanted string, flags uint) error {
	switch {
	case flags&pkcs11.CKF_USER_PIN_LOCKED != 0:
		return &Error{Kind: ErrLocked, Wanted: wanted}
	case flags&(pkcs11.CKF_USER_PIN_FINAL_TRY|pkcs11.CKF_USER_PIN_COUNT_LOW) != 0:
		return &Error{Kind: ErrLocked, Wanted: wanted, Detail: "a wrong PIN was presented to it, and another try is not spent here; log in once with the maker's tool or pkcs11-tool --login"}
	}
	return nil
}

// login presents the PIN, once.
func (h *HSM) login(wanted string) error {
	err := h.call("C_Login", wanted, func(c *pkcs11.Ctx) error {
		return h.o.PIN.LendString(func(pin string) error { return c.Login(h.session, pkcs11.CKU_USER, pin) })
	})
	var said *Error
	if errors.As(err, &said) && said.Detail == name(pkcs11.CKR_USER_ALREADY_LOGGED_IN) {
		return nil // by another store of this process: a login is the application's
	}
	if errors.Is(err, ErrUnlock) || errors.Is(err, ErrLocked) {
		h.refused = err
	}
	return err
}

// Close implements Store. It waits for calls that are under way. Where another store
// uses the module too, nothing of this one stays in it.
func (h *HSM) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.alive.Lock()
	defer h.alive.Unlock()
	if h.m == nil {
		return nil
	}
	if h.m.begun.Load() == h.begun {
		h.endSessions()
	}
	h.session, h.ready = 0, false
	clear(h.found)
	h.m.release()
	h.m = nil
	h.o.PIN.Destroy()
	return nil
}

// endSessions closes what is open. The caller has mu and alive.
func (h *HSM) endSessions() {
	h.open.Lock()
	defer h.open.Unlock()
	for _, s := range h.open.cards {
		_ = h.m.ctx.CloseSession(s) // a module that is gone has none
	}
	clear(h.open.cards)
	if h.session != 0 {
		_ = h.m.ctx.CloseSession(h.session)
	}
}

// String shows the place and nothing secret.
func (h *HSM) String() string { return h.o.String() }

// Format shows what String shows whatever the verb.
func (h *HSM) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, h.String()) }

// objects finds token objects. A module may give them in as many parts as it likes, and
// has given all when it gives none (PKCS #11 v2.40, 5.7, C_FindObjects).
func (h *HSM) objects(s pkcs11.SessionHandle, wanted string, template ...*pkcs11.Attribute) (found []pkcs11.ObjectHandle, err error) {
	const at, most = 256, 65536
	template = append(template, pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true))
	err = h.call("C_FindObjects", wanted, func(c *pkcs11.Ctx) error {
		if err := c.FindObjectsInit(s, template); err != nil {
			return err
		}
		for len(found) < most {
			part, _, err := c.FindObjects(s, at)
			if err != nil || len(part) == 0 {
				return errors.Join(err, c.FindObjectsFinal(s))
			}
			found = append(found, part...)
		}
		return errors.Join(fmt.Errorf("cannot %s: the token holds %d objects or more", wanted, most), c.FindObjectsFinal(s))
	})
	return found, err
}

// object finds the one token object of a class with that CKA_ID; ErrNoKey when there is
// none.
func (h *HSM) object(s pkcs11.SessionHandle, wanted string, class uint, objectID string) (pkcs11.ObjectHandle, error) {
	found, err := h.objects(s, wanted, pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_ID, objectID))
	switch {
	case err != nil:
		return 0, err
	case len(found) == 0:
		return 0, &Error{Kind: ErrNoKey, Wanted: wanted}
	case len(found) > 1:
		return 0, fmt.Errorf("cannot %s: %v holds %d keys with the ID %q; remove all but one", wanted, h.o, len(found), objectID)
	}
	return found[0], nil
}

// aesKey is an AES key of ours on the token.
type aesKey struct {
	object pkcs11.ObjectHandle
	size   int // bytes
}

// aes finds an AES key, whatever its size. A handle is good as long as the login is
// (PKCS #11 v2.40, 2.2), unless another program destroys the key: then the next use
// fails, and the one after that looks again. The caller has mu.
func (h *HSM) aes(s pkcs11.SessionHandle, wanted string, id ID) (k aesKey, err error) {
	name := id
	if id.Use == Master {
		name.Label = ""
	}
	if k, ok := h.found[name]; ok {
		return k, nil
	}
	for _, size := range []int{16, 24, 32} {
		o, err := h.object(s, wanted, pkcs11.CKO_SECRET_KEY, id.objectID(8*size))
		switch {
		case err == nil && k.size != 0:
			return k, fmt.Errorf("cannot %s: %v holds two keys %v; remove one", wanted, h.o, id)
		case err == nil:
			k = aesKey{o, size}
		case !errors.Is(err, ErrNoKey):
			return k, err
		}
	}
	if k.size == 0 {
		return k, &Error{Kind: ErrNoKey, Wanted: wanted}
	}
	if err := h.keepsInside(s, wanted, k.object); err != nil {
		return aesKey{}, err // another program put it there
	}
	h.found[name] = k
	return k, nil
}

// attributes reads what may be read of an object.
func (h *HSM) attributes(s pkcs11.SessionHandle, wanted string, o pkcs11.ObjectHandle, types ...uint) (values [][]byte, err error) {
	template := make([]*pkcs11.Attribute, len(types))
	for i, t := range types {
		template[i] = pkcs11.NewAttribute(t, nil)
	}
	err = h.call("C_GetAttributeValue", wanted, func(c *pkcs11.Ctx) error {
		got, err := c.GetAttributeValue(s, o, template)
		for _, a := range got {
			values = append(values, a.Value)
		}
		return err
	})
	return values, err
}

// cmac is AES-CMAC inside.
func (h *HSM) cmac(s pkcs11.SessionHandle, wanted string, key pkcs11.ObjectHandle, data []byte) (out [16]byte, err error) {
	err = h.call("C_Sign", wanted, func(c *pkcs11.Ctx) error {
		if err := c.SignInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_CMAC, nil)}, key); err != nil {
			return err
		}
		mac, err := c.Sign(s, data)
		defer clear(mac) // a session key is made of it
		if err == nil && copy(out[:], mac) != len(out) {
			err = fmt.Errorf("cannot %s: a CMAC of %d bytes, wanted %d", wanted, len(mac), len(out))
		}
		return err
	})
	return out, err
}

// List implements Store. Objects that are none of ours are left out.
func (h *HSM) List(ctx context.Context) (keys []Key, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	wanted := "list keys of " + h.o.String()
	err = h.main(wanted, func(s pkcs11.SessionHandle) error {
		if keys, err = h.listAES(s, wanted); err != nil {
			return err
		}
		signing, err := h.listSigning(s, wanted)
		keys = append(keys, signing...)
		return err
	})
	sortKeys(keys)
	return keys, err
}

func (h *HSM) listAES(s pkcs11.SessionHandle, wanted string) (keys []Key, err error) {
	found, err := h.objects(s, wanted, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES))
	if err != nil {
		return nil, err
	}
	for _, o := range found {
		v, err := h.attributes(s, wanted, o, pkcs11.CKA_ID, pkcs11.CKA_LABEL)
		if err != nil {
			return nil, err
		}
		id, bits, ok := parseObjectID(string(v[0]), string(v[1]))
		if !ok || id.Use == Signing {
			continue
		}
		k, err := h.describe(s, wanted, aesKey{o, bits / 8}, id)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// describe is what may be told of an AES key.
func (h *HSM) describe(s pkcs11.SessionHandle, wanted string, key aesKey, id ID) (Key, error) {
	mac, err := h.cmac(s, wanted, key.object, zeroBlock[:])
	k := Key{ID: id, Bits: 8 * key.size}
	copy(k.KCV[:], mac[:])
	return k, err
}

// Card implements Store. The card has a PKCS #11 session of its own: closing that
// destroys all that was derived in it.
func (h *HSM) Card(ctx context.Context, version byte, kdd [10]byte) (CardKeys, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k := &hsmCard{h: h, kdd: kdd, wanted: fmt.Sprintf("use keys of master %02X", version)}
	err := h.main(k.wanted, func(s pkcs11.SessionHandle) (err error) {
		if k.master, err = h.aes(s, k.wanted, ID{Use: Master, Version: version}); err != nil {
			return err
		}
		return k.open()
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}
