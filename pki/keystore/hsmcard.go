//go:build cgo && !windows

package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/miekg/pkcs11"

	"jukicard/apdu/scp03"
)

// hsmCard are a card's keys as session objects: sensitive, not extractable, each good
// for its one purpose, and gone with the session.
type hsmCard struct {
	h      *HSM
	wanted string
	kdd    [10]byte

	session pkcs11.SessionHandle // 0 once closed
	begun   uint64               // the module's, when session was opened
	master  aesKey
	keys    derived
}

// derived are the keys of one card that the module has been asked for so far, by usage.
type derived map[scp03.Usage]pkcs11.ObjectHandle

// open opens the card's session. The caller has the store's mu.
func (k *hsmCard) open() error {
	k.keys, k.begun = derived{}, k.h.begun
	return k.h.call("C_OpenSession", k.wanted, func(c *pkcs11.Ctx) (err error) {
		if k.session, err = c.OpenSession(k.h.slot, pkcs11.CKF_SERIAL_SESSION); err == nil {
			k.h.open.Lock()
			defer k.h.open.Unlock()
			k.h.open.cards[k] = k.session
		}
		return err
	})
}

// Size implements scp03.Keys; 0 once closed.
func (k *hsmCard) Size() int {
	if k.session == 0 {
		return 0
	}
	return k.master.size
}

// ready says why nothing can be done.
func (k *hsmCard) ready(ctx context.Context) error {
	if k.session == 0 {
		return &Error{Kind: ErrGone, Wanted: k.wanted, Detail: "they were closed"}
	}
	if !k.h.current(k.begun) { // its handles may be another card's by now
		return &Error{Kind: ErrGone, Wanted: k.wanted, Detail: "the module or the store was ended"}
	}
	return ctx.Err()
}

// lost tells the store that the module is gone.
func (k *hsmCard) lost(err error) error {
	if errors.Is(err, ErrGone) {
		k.h.mu.Lock()
		k.h.note(err)
		k.h.mu.Unlock()
	}
	return err
}

// CMAC implements scp03.Keys.
func (k *hsmCard) CMAC(ctx context.Context, usage scp03.Usage, data []byte) (out [16]byte, err error) {
	if err := k.ready(ctx); err != nil {
		return out, err
	}
	key, err := k.key(usage)
	if err != nil {
		return out, k.lost(err)
	}
	out, err = k.h.cmac(k.session, k.wanted, key, data)
	return out, k.lost(err)
}

// Wrap implements scp03.Keys.
func (k *hsmCard) Wrap(ctx context.Context, plaintext []byte) (out []byte, err error) {
	if err := k.ready(ctx); err != nil {
		return nil, err
	}
	if len(plaintext)%blockSize != 0 {
		return nil, fmt.Errorf("cannot wrap %d bytes: whole blocks of %d are wanted", len(plaintext), blockSize)
	}
	key, err := k.key(scp03.DEK)
	if err == nil {
		out, err = k.h.encrypt(k.session, k.wanted, key, cbc(), plaintext)
	}
	return out, k.lost(err)
}

func (h *HSM) encrypt(s pkcs11.SessionHandle, wanted string, key pkcs11.ObjectHandle, m *pkcs11.Mechanism, plain []byte) (out []byte, err error) {
	err = h.call("C_Encrypt", wanted, func(c *pkcs11.Ctx) error {
		if err := c.EncryptInit(s, []*pkcs11.Mechanism{m}, key); err != nil {
			return err
		}
		out, err = c.Encrypt(s, plain)
		return err
	})
	return out, err
}

// cbc is AES-CBC with a zero initial value (Amendment D v1.1.2, 6.2.8).
func cbc() *pkcs11.Mechanism { return pkcs11.NewMechanism(pkcs11.CKM_AES_CBC, zeroBlock[:]) }

// key derives the key of a usage when it is first wanted: the DEK of most cards never is.
func (k *hsmCard) key(usage scp03.Usage) (pkcs11.ObjectHandle, error) {
	if o, ok := k.keys[usage]; ok {
		return o, nil
	}
	does := []uint{pkcs11.CKA_SIGN}
	if usage == scp03.DEK {
		does = []uint{pkcs11.CKA_ENCRYPT, pkcs11.CKA_WRAP}
	}
	o, err := k.h.derive(k.session, k.wanted, k.master.object, scp03.DiversificationInput(k.kdd, usage, k.master.size), k.master.size, closed(does...))
	if err == nil {
		k.keys[usage] = o
	}
	return o, err
}

// closed is the template of a key that stays inside and does only what does names.
func closed(does ...uint) []*pkcs11.Attribute {
	return append(purposes(does...),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false))
}

// purposes names every purpose, so that no module fills in one of its own.
func purposes(does ...uint) []*pkcs11.Attribute {
	template := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
	}
	for _, purpose := range []uint{
		pkcs11.CKA_ENCRYPT, pkcs11.CKA_DECRYPT, pkcs11.CKA_SIGN, pkcs11.CKA_VERIFY,
		pkcs11.CKA_WRAP, pkcs11.CKA_UNWRAP, pkcs11.CKA_DERIVE,
	} {
		may := false
		for _, d := range does {
			may = may || d == purpose
		}
		template = append(template, pkcs11.NewAttribute(purpose, may))
	}
	return template
}

// stringData is CK_KEY_DERIVATION_STRING_DATA (PKCS #11 v2.40 current mechanisms,
// 2.15.2): the bytes to encrypt, and how many.
type stringData struct {
	data   unsafe.Pointer
	length uintptr // CK_ULONG
}

// derive is CKM_AES_ECB_ENCRYPT_DATA: the new key is the first size bytes of data
// encrypted under base (PKCS #11 v2.40 current mechanisms, 2.15). It is a session object.
func (h *HSM) derive(s pkcs11.SessionHandle, wanted string, base pkcs11.ObjectHandle, data []byte, size int, template []*pkcs11.Attribute) (out pkcs11.ObjectHandle, err error) {
	var pinned runtime.Pinner // the library copies the parameter, and with it only this address
	defer pinned.Unpin()
	pinned.Pin(&data[0])
	p := stringData{unsafe.Pointer(&data[0]), uintptr(len(data))}
	parameter := unsafe.Slice((*byte)(unsafe.Pointer(&p)), unsafe.Sizeof(p))
	template = append(template, pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false), pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, size))
	err = h.call("C_DeriveKey", wanted, func(c *pkcs11.Ctx) error {
		out, err = c.DeriveKey(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_ECB_ENCRYPT_DATA, parameter)}, base, template)
		return err
	})
	return out, err
}

// Successor implements Successor. What is to be wrapped must be extractable, by the
// rules of PKCS #11; so these keys, and no others, are made so, sensitive all the same,
// and destroyed at once.
func (k *hsmCard) Successor(ctx context.Context, version byte) (wrapped [3]scp03.WrappedKey, err error) {
	if err := k.ready(ctx); err != nil {
		return wrapped, err
	}
	next := successor{hsmCard: k, wanted: fmt.Sprintf("wrap keys of master %02X", version)}
	err = k.h.main(next.wanted, func(s pkcs11.SessionHandle) (err error) {
		next.master, err = k.h.aes(s, next.wanted, ID{Use: Master, Version: version})
		return err
	})
	if err != nil {
		return wrapped, err
	}
	if next.dek, err = k.key(scp03.DEK); err != nil {
		return wrapped, k.lost(err)
	}
	for i, usage := range []scp03.Usage{scp03.ENC, scp03.MAC, scp03.DEK} {
		if wrapped[i], err = next.wrap(usage); err != nil {
			return wrapped, k.lost(err)
		}
	}
	return wrapped, nil
}

// successor is a change of a card's keys under way.
type successor struct {
	*hsmCard
	wanted string
	master aesKey              // of the next version
	dek    pkcs11.ObjectHandle // of the present one
}

// wrap derives one key, twice. Once as it will be, for its check value as PUT KEY
// carries it (Amendment D v1.1.2, 4.1). And once in whole blocks, to be wrapped: PKCS #11
// lets a module choose whether CKM_AES_CBC pads a key of 24 bytes, and SoftHSM does not;
// so the padding is what Diversify discards, and whoever unwraps goes by the size.
func (n *successor) wrap(usage scp03.Usage) (w scp03.WrappedKey, err error) {
	w.Size = n.master.size
	data := scp03.DiversificationInput(n.kdd, usage, n.master.size)
	err = n.with(data, n.master.size, closed(pkcs11.CKA_ENCRYPT), func(key pkcs11.ObjectHandle) error {
		ones := bytes.Repeat([]byte{0x01}, blockSize)
		check, err := n.h.encrypt(n.session, n.wanted, key, pkcs11.NewMechanism(pkcs11.CKM_AES_ECB, nil), ones)
		copy(w.CheckValue[:], check)
		return err
	})
	if err != nil {
		return w, err
	}
	open := append(purposes(), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true))
	err = n.with(data, len(data), open, func(key pkcs11.ObjectHandle) error {
		return n.h.call("C_WrapKey", n.wanted, func(c *pkcs11.Ctx) (err error) {
			w.Ciphertext, err = c.WrapKey(n.session, []*pkcs11.Mechanism{cbc()}, n.dek, key)
			return err
		})
	})
	return w, err
}

// with derives a key for as long as f runs.
func (n *successor) with(data []byte, size int, template []*pkcs11.Attribute, f func(pkcs11.ObjectHandle) error) error {
	key, err := n.h.derive(n.session, n.wanted, n.master.object, data, size, template)
	if err != nil {
		return err
	}
	return errors.Join(f(key), n.h.destroy(n.session, n.wanted, key))
}

// Close implements CardKeys: with the session all keys derived in it are destroyed
// (PKCS #11 v2.40, 5.6, C_CloseSession). A module that is gone has forgotten them.
func (k *hsmCard) Close() error {
	if k.session == 0 {
		return nil
	}
	session := k.session
	k.session, k.keys = 0, nil
	if !k.h.current(k.begun) {
		return nil
	}
	err := k.h.call("C_CloseSession", "close keys of a card", func(c *pkcs11.Ctx) error {
		k.h.open.Lock()
		defer k.h.open.Unlock()
		delete(k.h.open.cards, k)
		return c.CloseSession(session)
	})
	if errors.Is(err, ErrGone) {
		return nil
	}
	return err
}

// ulong reads a CK_ULONG as a module gives it: in the machine's own order and length.
func ulong(b []byte) int {
	if len(b) != int(unsafe.Sizeof(uintptr(0))) {
		return 0
	}
	return int(*(*uintptr)(unsafe.Pointer(&b[0])))
}
