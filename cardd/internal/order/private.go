package order

import (
	"fmt"
	"io"
	"log/slog"

	"jukicard/apdu/secret"
)

// Private holds a personal value that is not bytes: a birthday, a sex. Like
// secret.Bytes it keeps the value behind a closure, where no fmt verb, logger or
// encoder finds it even inside an unexported field. It cannot be cleared.
type Private[T any] struct {
	_   [0]func() // incomparable
	get func() T
}

// keep makes v private.
func keep[T any](v T) Private[T] { return Private[T]{get: func() T { return v }} }

// Get is the value; the zero value of T when nothing is kept.
func (p Private[T]) Get() T {
	if p.get == nil {
		var none T
		return none
	}
	return p.get()
}

// Format shows secret.Redacted whatever the verb.
func (p Private[T]) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, secret.Redacted) }

// LogValue is secret.Redacted.
func (p Private[T]) LogValue() slog.Value { return slog.StringValue(secret.Redacted) }

// MarshalJSON refuses.
func (p Private[T]) MarshalJSON() ([]byte, error) { return nil, secret.ErrMarshal }

// MarshalText refuses.
func (p Private[T]) MarshalText() ([]byte, error) { return nil, secret.ErrMarshal }

// MarshalCBOR refuses.
func (p Private[T]) MarshalCBOR() ([]byte, error) { return nil, secret.ErrMarshal }

// GobEncode refuses.
func (p Private[T]) GobEncode() ([]byte, error) { return nil, secret.ErrMarshal }
