//go:build !windows && !cgo

package pcsc

import (
	"context"
	"iter"

	"jukicard/reader"
)

// System stands in where PC/SC is out of reach: all its methods fail.
type System struct{}

// New returns a System whose methods say that the program was built without cgo.
func New(Options) *System { return &System{} }

func unsupported(op, name string) error {
	return &reader.Error{Op: op, Reader: name, Kind: reader.ErrDaemon,
		Detail: "this program was built without cgo: PC/SC needs libpcsclite; build it with CGO_ENABLED=1 and libpcsclite-dev"}
}

// Watch tells the failure, then Settled, and waits for ctx.
func (*System) Watch(ctx context.Context) iter.Seq2[reader.Event, error] {
	return func(yield func(reader.Event, error) bool) {
		if yield(reader.Event{}, unsupported("watch", "")) && yield(reader.Event{Kind: reader.Settled}, nil) {
			<-ctx.Done()
		}
	}
}

// Open fails.
func (*System) Open(_ context.Context, name string, _ reader.Mode) (reader.Card, error) {
	return nil, unsupported("open", name)
}

// Readers fails.
func (*System) Readers(context.Context) ([]reader.State, error) {
	return nil, unsupported("list readers", "")
}
