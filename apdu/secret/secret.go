// Package secret holds bytes that must never be seen: PINs, keys, 個人番号,
// 住民票コード, names, addresses, photographs.
//
// The bytes live behind a closure, so that no fmt verb, logger or encoder can
// walk to them, even where the value sits in an unexported field or behind a
// pointer. A secret is lent, not given, and is destroyed by whoever made it.
package secret

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"unicode/utf8"
	"unsafe"
)

// Redacted is what every printer shows in place of a secret.
const Redacted = "[secret]"

// ErrMarshal is what every encoder gets: a secret is never written by accident.
var ErrMarshal = errors.New("cannot marshal a secret")

// ErrDestroyed is returned when a secret is used after Destroy.
var ErrDestroyed = errors.New("cannot use secret: it was destroyed")

// Bytes is one secret. The zero value is an empty secret. Copies share the same
// bytes, and Destroy on one destroys all. It is not comparable with ==; use Equal.
// It may be used by several goroutines as long as none of them calls Destroy.
type Bytes struct {
	_    [0]func() // incomparable
	open func() *[]byte
}

// New takes a copy of b; the caller still owns b and clears it.
func New(b []byte) Bytes {
	held := append(make([]byte, 0, len(b)), b...)
	return Bytes{open: func() *[]byte { return &held }}
}

// FromString is New for text. The string itself cannot be cleared: use it for
// data that arrived as a string anyway.
func FromString(s string) Bytes { return New([]byte(s)) }

// Lend calls f with the bytes, which are f's for the call only: it must neither
// keep nor change them. It returns f's error, or ErrDestroyed.
func (s Bytes) Lend(f func(b []byte) error) error {
	if s.open == nil {
		return f(nil)
	}
	p := s.open()
	if *p == nil {
		return ErrDestroyed
	}
	return f(*p)
}

// LendString is Lend for callers that need a string, which is made without a copy.
// f must not keep it, nor anything sliced from it: it changes when the secret is
// destroyed.
func (s Bytes) LendString(f func(s string) error) error {
	return s.Lend(func(b []byte) error { return f(unsafe.String(unsafe.SliceData(b), len(b))) })
}

// Len is the number of bytes; 0 when empty or destroyed.
func (s Bytes) Len() int {
	if s.open == nil {
		return 0
	}
	return len(*s.open())
}

// Equal compares in constant time for equal lengths.
func (s Bytes) Equal(other Bytes) bool {
	equal := false
	_ = s.Lend(func(a []byte) error {
		return other.Lend(func(b []byte) error {
			equal = subtle.ConstantTimeCompare(a, b) == 1
			return nil
		})
	})
	return equal
}

// Destroy clears the bytes. Any later Lend returns ErrDestroyed.
func (s Bytes) Destroy() {
	if s.open == nil {
		return
	}
	p := s.open()
	clear(*p)
	*p = nil
}

// Format shows Redacted whatever the verb.
func (s Bytes) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// String is Redacted.
func (s Bytes) String() string { return Redacted }

// GoString is Redacted.
func (s Bytes) GoString() string { return Redacted }

// LogValue is Redacted.
func (s Bytes) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON refuses.
func (s Bytes) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// UnmarshalJSON takes a JSON string, and null as no change. The error for anything else
// does not show it. The input still holds the secret: its owner clears it.
func (s *Bytes) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	if n := len(b) - 2; n >= 0 && b[0] == '"' && b[n+1] == '"' && !bytes.ContainsRune(b, '\\') && utf8.Valid(b) {
		*s = New(b[1 : 1+n]) // no escapes: no copy in a string that nobody can clear
		return nil
	}
	var text string
	if json.Unmarshal(b, &text) != nil {
		return errors.New("cannot read secret: a JSON string is wanted")
	}
	*s = FromString(text)
	return nil
}

// MarshalText refuses.
func (s Bytes) MarshalText() ([]byte, error) { return nil, ErrMarshal }

// MarshalBinary refuses.
func (s Bytes) MarshalBinary() ([]byte, error) { return nil, ErrMarshal }

// MarshalCBOR refuses.
func (s Bytes) MarshalCBOR() ([]byte, error) { return nil, ErrMarshal }

// GobEncode refuses.
func (s Bytes) GobEncode() ([]byte, error) { return nil, ErrMarshal }
