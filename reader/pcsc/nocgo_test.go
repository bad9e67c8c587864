//go:build !windows && !cgo

package pcsc

import (
	"context"
	"errors"
	"strings"
	"testing"

	"jukicard/reader"
)

func TestWithoutCgoEveryCallSaysSo(t *testing.T) {
	s := New(Options{})
	_, openErr := s.Open(t.Context(), "A", reader.Shared)
	_, listErr := s.Readers(t.Context())
	for _, err := range []error{openErr, listErr} {
		if !errors.Is(err, reader.ErrDaemon) || !strings.Contains(err.Error(), "built without cgo: PC/SC needs libpcsclite") {
			t.Errorf("error %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	for e, err := range s.Watch(ctx) {
		if err == nil && e.Kind == reader.Settled {
			cancel()
			continue
		}
		if !strings.Contains(err.Error(), "built without cgo") {
			t.Errorf("watch: %v", err)
		}
	}
	if ctx.Err() == nil {
		t.Error("watch ended before it settled")
	}
	cancel()
}
