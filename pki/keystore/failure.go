package keystore

import "errors"

// What goes wrong with a store, for errors.Is. An error that an operator sees is an
// [*Error], whose Kind is one of these.
var (
	// ErrNoKey means that the store holds no such key.
	ErrNoKey = errors.New("cannot find key: the store holds none of that name")
	// ErrExists means that the ID is taken. Nothing was changed.
	ErrExists = errors.New("cannot make key: there is one of that name already")
	// ErrAbsent means that the module's library, its token or the sealed file is not there.
	ErrAbsent = errors.New("cannot open key store: it is not there")
	// ErrUnlock means that PIN, passphrase or credential is wrong. It is not tried again.
	ErrUnlock = errors.New("cannot open key store: what unlocks it is wrong")
	// ErrLocked means that the token's PIN is locked, or that one try is left, which is
	// not spent.
	ErrLocked = errors.New("cannot open key store: its PIN is locked")
	// ErrFull means that there is no room for another key or session.
	ErrFull = errors.New("cannot use key store: it is full")
	// ErrGone means that the store answered before and does no longer. It is asked
	// anew at the next use.
	ErrGone = errors.New("cannot use key store: it is gone")
	// ErrUnable means that the module does not know a mechanism that is needed.
	ErrUnable = errors.New("cannot use key store: it cannot do what is needed")
	// ErrCheckValue means that a key that came wrapped is another than was said.
	// Nothing was kept.
	ErrCheckValue = errors.New("cannot take key: its check value is another")
	// ErrDamaged means that the sealed file is none or was changed.
	ErrDamaged = errors.New("cannot open key store: the file is no sealed key store or was changed")
)

// Error is a failure of a store. It names keys and mechanisms and holds no secret.
type Error struct {
	Kind   error  // one of the errors above
	Wanted string // what was to be done, "derive keys of master 30"
	Detail string // what the store said, "CKR_DEVICE_REMOVED"
}

// Error reads "cannot derive keys of master 30: it is gone: CKR_DEVICE_REMOVED".
func (e *Error) Error() string {
	text := "cannot " + e.Wanted + ": " + e.Kind.Error()
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }
