// Package front is what printer models have in common that speak a stream of bytes over
// the mechanics of package press: how they listen, wait while they are deaf, fall silent
// without power, and take note of what came. What the bytes mean is each model's own
// Language.
package front

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"jukicard/simulator/press"
	"jukicard/simulator/usbbed"
)

// Language is what a model makes of the bytes that came. All is called with the model to
// itself.
type Language interface {
	// Next takes one thing out of Front.In, carries it out and answers; ok is false when
	// nothing is whole.
	Next() (answer []byte, ok bool)
	// Drop forgets what was begun and has not come to its end: the host hung up in the
	// middle, or has reset the printer. In is empty then.
	Drop()
	// Forget is what the loss of power does besides.
	Forget()
}

// Front is a model towards its hosts.
type Front struct {
	Press    *press.Press
	Language Language
	// Stubborn keeps half of what came when the host hangs up.
	Stubborn bool
	// In is what came and is not worked on; it is the Language's.
	In []byte

	mu       sync.Mutex
	serial   string
	log      []string
	received int
}

// Serial is the number that the Language tells.
func (f *Front) Serial() string { return f.serial }

// SetSerial makes it another printer.
func (f *Front) SetSerial(serial string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial = serial
}

// Note is the Language's: it writes down what came, without its data.
func (f *Front) Note(words string) { f.log = append(f.log, words) }

// Log lists what was noted.
func (f *Front) Log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.log...)
}

// Received counts the bytes that came.
func (f *Front) Received() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.received
}

// errOff ends a conversation with a printer that has no power: for the host it is gone.
var errOff = fmt.Errorf("the printer is off: %w", io.EOF)

// Serve speaks with one host.
func (f *Front) Serve(ctx context.Context, host io.ReadWriteCloser) error {
	if !f.Stubborn {
		f.drop()
	}
	buf := make([]byte, 16<<10)
	for {
		if err := f.hearing(ctx); err != nil {
			return err
		}
		n, err := host.Read(buf)
		if err != nil {
			return err
		}
		answers, err := f.take(ctx, buf[:n])
		if len(answers) > 0 {
			if _, werr := host.Write(answers); werr != nil {
				return werr
			}
		}
		if err != nil {
			return err
		}
	}
}

func (f *Front) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.In = nil
	f.Language.Drop()
}

// Control is the printer class's SOFT_RESET (USB Printer Class 1.1, 4.2.3), which drops
// what is in the buffers; anything else is refused.
func (f *Front) Control(_ context.Context, s usbbed.Setup, _ []byte) ([]byte, error) {
	if s.Type != 0x21 || s.Request != 2 {
		return nil, usbbed.ErrStall
	}
	f.Press.Hear()
	f.drop()
	return nil, nil
}

// hearing waits while the printer is deaf; it ends when the host is gone or the power.
func (f *Front) hearing(ctx context.Context) error {
	for f.Press.Deaf() {
		t := time.NewTimer(time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
	if !f.Press.On() {
		return errOff
	}
	return nil
}

// take works on what came, and gives the answers.
func (f *Front) take(ctx context.Context, b []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.received += len(b)
	if f.Press.Restarted() {
		f.In = nil
		f.Language.Drop()
		f.Language.Forget()
	}
	f.In = append(f.In, b...)
	var answers []byte
	for ctx.Err() == nil && !f.Press.Deaf() {
		answer, ok := f.Language.Next()
		if !f.Press.On() {
			return nil, errOff
		}
		if !ok {
			break
		}
		answers = append(answers, answer...)
	}
	return answers, nil
}
