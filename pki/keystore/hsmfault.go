//go:build cgo && !windows

package keystore

import (
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"
)

// kinds say what a return value of PKCS #11 (v2.40, 5.1) means to an operator.
var kinds = map[pkcs11.Error]error{
	pkcs11.CKR_PIN_INCORRECT: ErrUnlock,
	pkcs11.CKR_PIN_INVALID:   ErrUnlock,
	pkcs11.CKR_PIN_LEN_RANGE: ErrUnlock,
	pkcs11.CKR_PIN_EXPIRED:   ErrLocked,
	pkcs11.CKR_PIN_LOCKED:    ErrLocked,

	pkcs11.CKR_USER_PIN_NOT_INITIALIZED: ErrLocked,

	pkcs11.CKR_DEVICE_MEMORY:      ErrFull,
	pkcs11.CKR_HOST_MEMORY:        ErrFull,
	pkcs11.CKR_SESSION_COUNT:      ErrFull,
	pkcs11.CKR_DEVICE_ERROR:       ErrGone,
	pkcs11.CKR_DEVICE_REMOVED:     ErrGone,
	pkcs11.CKR_TOKEN_NOT_PRESENT:  ErrGone,
	pkcs11.CKR_GENERAL_ERROR:      ErrGone,
	pkcs11.CKR_FUNCTION_FAILED:    ErrGone,
	pkcs11.CKR_SESSION_CLOSED:     ErrGone,
	pkcs11.CKR_USER_NOT_LOGGED_IN: ErrGone,

	pkcs11.CKR_TOKEN_NOT_RECOGNIZED:     ErrGone,
	pkcs11.CKR_SLOT_ID_INVALID:          ErrGone,
	pkcs11.CKR_SESSION_HANDLE_INVALID:   ErrGone,
	pkcs11.CKR_OBJECT_HANDLE_INVALID:    ErrGone,
	pkcs11.CKR_KEY_HANDLE_INVALID:       ErrGone,
	pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED: ErrGone,

	pkcs11.CKR_MECHANISM_INVALID:       ErrUnable,
	pkcs11.CKR_MECHANISM_PARAM_INVALID: ErrUnable,
	pkcs11.CKR_FUNCTION_NOT_SUPPORTED:  ErrUnable,
	pkcs11.CKR_TOKEN_WRITE_PROTECTED:   ErrUnable,
}

// fault turns what a module said into an Error; nil stays nil, and what is none of
// PKCS #11's stays itself.
func fault(wanted string, err error) error {
	var said pkcs11.Error
	if !errors.As(err, &said) {
		return err
	}
	kind := kinds[said]
	if kind == nil {
		kind = ErrUnable
	}
	return &Error{Kind: kind, Wanted: wanted, Detail: name(said)}
}

// name is the return value as the standard writes it.
func name(e pkcs11.Error) string {
	return fmt.Sprintf("PKCS #11 says %s", e.Error()[len("pkcs11: "):])
}

// second is the error of two results.
func second[T any](_ T, err error) error { return err }
