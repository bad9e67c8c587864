//go:build cgo && !windows

package keystore

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"

	"jukicard/apdu/secret"
)

// kept is the template of a token key of ours: a master derives, a transport key
// unwraps, and both make the CMAC that is their check value.
func kept(id ID, size int) []*pkcs11.Attribute {
	does := []uint{pkcs11.CKA_SIGN, pkcs11.CKA_DERIVE}
	if id.Use == Transport {
		does = []uint{pkcs11.CKA_SIGN, pkcs11.CKA_UNWRAP}
	}
	return append(closed(does...),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, id.Label),
		pkcs11.NewAttribute(pkcs11.CKA_ID, id.objectID(8*size)))
}

func onToken(template []*pkcs11.Attribute) []*pkcs11.Attribute {
	return append(template, pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_MODIFIABLE, false))
}

// make puts a key on the token by f, unless its ID is taken, and describes it.
func (h *HSM) make(ctx context.Context, wanted string, id ID, size int, f func(s pkcs11.SessionHandle) (pkcs11.ObjectHandle, error)) (k Key, err error) {
	if err := ctx.Err(); err != nil {
		return k, err
	}
	err = h.main(wanted, func(s pkcs11.SessionHandle) error {
		if err := free(wanted, second(h.aes(s, wanted, id))); err != nil {
			return err
		}
		o, err := f(s)
		if err != nil {
			return err
		}
		if k, err = h.describe(s, wanted, aesKey{o, size}, id); err == nil {
			err = h.keepsInside(s, wanted, o)
		}
		if err == nil {
			err = h.alone(s, wanted, id)
		}
		if err != nil {
			k = Key{}
			return errors.Join(err, h.destroy(s, wanted, o))
		}
		return nil
	})
	return k, err
}

// alone refuses a key that is one of two of its ID: PKCS #11 keeps no IDs apart, and
// another program made the other between the look and the making.
func (h *HSM) alone(s pkcs11.SessionHandle, wanted string, id ID) error {
	n := 0
	for _, size := range []int{16, 24, 32} {
		found, err := h.objects(s, wanted, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_ID, id.objectID(8*size)))
		if err != nil {
			return err
		}
		n += len(found)
	}
	if n > 1 {
		return &Error{Kind: ErrExists, Wanted: wanted, Detail: "another program made one meanwhile"}
	}
	return nil
}

// free refuses an ID that is taken: err is what looking for it gave.
func free(wanted string, err error) error {
	if err == nil {
		return &Error{Kind: ErrExists, Wanted: wanted}
	}
	if errors.Is(err, ErrNoKey) {
		return nil
	}
	return err
}

// keepsInside refuses a module that took a template and did not keep to it.
func (h *HSM) keepsInside(s pkcs11.SessionHandle, wanted string, o pkcs11.ObjectHandle) error {
	v, err := h.attributes(s, wanted, o, pkcs11.CKA_SENSITIVE, pkcs11.CKA_EXTRACTABLE)
	if err != nil {
		return err
	}
	if len(v[0]) != 1 || v[0][0] == 0 || len(v[1]) != 1 || v[1][0] != 0 {
		return &Error{Kind: ErrUnable, Wanted: wanted, Detail: "the key can be taken out of the module"}
	}
	return nil
}

// neverOutside refuses a key of the module's own making that was not inside from the
// first (PKCS #11 v2.40, 4.9: attributes that the module sets and no template may).
func (h *HSM) neverOutside(s pkcs11.SessionHandle, wanted string, o pkcs11.ObjectHandle) error {
	v, err := h.attributes(s, wanted, o, pkcs11.CKA_ALWAYS_SENSITIVE, pkcs11.CKA_NEVER_EXTRACTABLE, pkcs11.CKA_LOCAL)
	if err != nil {
		return err
	}
	for _, set := range v {
		if len(set) != 1 || set[0] == 0 {
			return &Error{Kind: ErrUnable, Wanted: wanted, Detail: "the key was not inside the module from the first"}
		}
	}
	return nil
}

// Generate implements Keeper.
func (h *HSM) Generate(ctx context.Context, id ID, size int) (Key, error) {
	if err := checkNew(id, size); err != nil {
		return Key{}, err
	}
	wanted := "generate " + id.String()
	return h.make(ctx, wanted, id, size, func(s pkcs11.SessionHandle) (o pkcs11.ObjectHandle, err error) {
		template := append(onToken(kept(id, size)), pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, size))
		err = h.call("C_GenerateKey", wanted, func(c *pkcs11.Ctx) error {
			o, err = c.GenerateKey(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, template)
			return err
		})
		if err != nil {
			return 0, err
		}
		if err := h.neverOutside(s, wanted, o); err != nil {
			return 0, errors.Join(err, h.destroy(s, wanted, o))
		}
		return o, nil
	})
}

// Import implements Keeper. PKCS #11 takes the key in the clear, and the C library's
// heap may hold it until the process ends: import where a process does nothing else.
func (h *HSM) Import(ctx context.Context, id ID, key secret.Bytes) (Key, error) {
	if err := checkNew(id, key.Len()); err != nil {
		return Key{}, err
	}
	wanted := "import " + id.String()
	return h.make(ctx, wanted, id, key.Len(), func(s pkcs11.SessionHandle) (o pkcs11.ObjectHandle, err error) {
		err = key.Lend(func(b []byte) error {
			template := append(onToken(kept(id, key.Len())), pkcs11.NewAttribute(pkcs11.CKA_VALUE, b))
			return h.call("C_CreateObject", wanted, func(c *pkcs11.Ctx) error {
				o, err = c.CreateObject(s, template)
				return err
			})
		})
		return o, err
	})
}

// Unwrap implements Unwrapper: into a session object first, which becomes a key of the
// token only when its check value is right.
func (h *HSM) Unwrap(ctx context.Context, id ID, under string, w Wrapped, want KCV) (Key, error) {
	if err := checkUnwrap(id, under, w); err != nil {
		return Key{}, err
	}
	wanted := fmt.Sprintf("unwrap %v under transport key %s", id, under)
	return h.make(ctx, wanted, id, w.Size, func(s pkcs11.SessionHandle) (pkcs11.ObjectHandle, error) {
		transport, err := h.aes(s, wanted, ID{Use: Transport, Label: under})
		if err != nil {
			return 0, err
		}
		key, err := h.unwrap(s, wanted, transport.object, id, w)
		if err != nil {
			return 0, err
		}
		defer func() { _ = h.destroy(s, wanted, key) }() // a session object: gone with the session at the latest
		got, err := h.describe(s, wanted, aesKey{key, w.Size}, id)
		if err != nil {
			return 0, err
		}
		if subtle.ConstantTimeCompare(got.KCV[:], want[:]) != 1 {
			return 0, &Error{Kind: ErrCheckValue, Wanted: wanted, Detail: got.KCV.String()}
		}
		return h.keep(s, wanted, key)
	})
}

// unwrap makes a session object of a wrapped key.
func (h *HSM) unwrap(s pkcs11.SessionHandle, wanted string, transport pkcs11.ObjectHandle, id ID, w Wrapped) (o pkcs11.ObjectHandle, err error) {
	m := pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_WRAP, nil)
	template := append(kept(id, w.Size), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false))
	if w.Method == CBC {
		m = pkcs11.NewMechanism(pkcs11.CKM_AES_CBC, w.IV)
	}
	err = h.call("C_UnwrapKey", wanted, func(c *pkcs11.Ctx) error {
		o, err = c.UnwrapKey(s, []*pkcs11.Mechanism{m}, transport, w.Data, template)
		return err
	})
	return o, notWrapped(err)
}

// notWrapped tells data that do not unwrap from a module that is gone: SoftHSM 2.6.1
// gives CKR_GENERAL_ERROR for what the standard has CKR_WRAPPED_KEY_INVALID for.
func notWrapped(err error) error {
	var said *Error
	if !errors.As(err, &said) {
		return err
	}
	for _, e := range []pkcs11.Error{pkcs11.CKR_WRAPPED_KEY_INVALID, pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED} {
		if said.Detail == name(e) {
			return &Error{Kind: ErrCheckValue, Wanted: said.Wanted, Detail: said.Detail}
		}
	}
	return err
}

// keep copies a session object onto the token.
func (h *HSM) keep(s pkcs11.SessionHandle, wanted string, key pkcs11.ObjectHandle) (o pkcs11.ObjectHandle, err error) {
	err = h.call("C_CopyObject", wanted, func(c *pkcs11.Ctx) error {
		o, err = c.CopyObject(s, key, onToken(nil))
		return err
	})
	return o, err
}

func (h *HSM) destroy(s pkcs11.SessionHandle, wanted string, o pkcs11.ObjectHandle) error {
	return h.call("C_DestroyObject", wanted, func(c *pkcs11.Ctx) error { return c.DestroyObject(s, o) })
}

// Destroy implements Keeper.
func (h *HSM) Destroy(ctx context.Context, id ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	wanted := "destroy " + id.String()
	return h.main(wanted, func(s pkcs11.SessionHandle) error {
		if id.Use == Signing {
			return h.destroySigning(s, wanted, id)
		}
		k, err := h.aes(s, wanted, id)
		if err != nil {
			return err
		}
		clear(h.found)
		return h.destroy(s, wanted, k.object)
	})
}
