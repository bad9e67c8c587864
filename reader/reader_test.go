package reader

import (
	"errors"
	"testing"
)

func TestErrorSaysWhatWasWantedFirst(t *testing.T) {
	tests := []struct {
		name string
		err  *Error
		want string
	}{
		{"everything known", &Error{"transmit", "Virtual PCD 00 00", ErrRemoved, "0x80100069"},
			"cannot transmit at Virtual PCD 00 00: the card was removed (0x80100069)"},
		{"no reader", &Error{Op: "watch", Kind: ErrDaemon}, "cannot watch: the PC/SC service is gone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.err.Error(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if !errors.Is(tt.err, tt.err.Kind) {
				t.Errorf("%v is not its own kind", tt.err)
			}
		})
	}
}

func TestEventKindsHaveNames(t *testing.T) {
	for k, want := range map[EventKind]string{Attached: "attached", Detached: "detached", Inserted: "inserted", Removed: "removed", Settled: "settled"} {
		if k.String() != want {
			t.Errorf("%d is %q, want %q", k, k, want)
		}
	}
}
