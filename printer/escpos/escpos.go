// Package escpos prints slips on printers that speak Epson's ESC/POS: receipts of an
// application, labels, what goes with a card over the counter. What it prints is an
// image: a printer's own kanji know no variation selectors and no 外字, so that a name
// would come out as another one.
//
// A write that has ended proves nothing, for the slip is then in the printer's buffer.
// The printer is made to say that it has printed and cut: by the process identifier that
// GS ( H function 48 sends back when everything before it is done (Epson, ESC/POS
// Command Reference, "GS ( H <Function 48>"), and where a printer does not know that, by
// the answer to GS r, which waits in the same queue, and a look at its sensors. What
// cannot be known that way is said to be unknown, and nothing is printed twice by itself.
//
// The commands are those of the command reference.
//
// # Assumed until seen on a machine
//
//   - The bits of DLE EOT are those of the printers fact sheet, 1.5, which has them from a
//     third party's code (npm escpos).
//   - The shapes of the answers to GS ( H, GS r and DLE DC4 function 8. A printer that gives
//     none is judged by its sensors.
//   - A printer that is reset by DLE ENQ 2 or cleared by DLE DC4 prints nothing of what it
//     had.
package escpos

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// DotsDefault is the width of the usual printer for rolls of 80 mm, 72 mm at 203 dpi.
const DotsDefault = 576

// RowsMax is the longest slip, one metre at 203 dpi: more is a mistake (ours).
const RowsMax = 8000

const (
	timeoutStatus = 3 * time.Second  // for an answer in real time
	timeoutBand   = 15 * time.Second // for a band to be taken; printing one takes a tenth of a second
	timeoutAnswer = 15 * time.Second // for the end of a slip that nothing holds up
	timeoutSettle = 5 * time.Second  // for clearing up when the slip was given up
	timeoutID     = time.Second      // for an identifier after what was queued behind it
	pollEvery     = time.Second
)

// Printer is one slip printer. It is dialled anew for every call; one goroutine uses it.
type Printer struct {
	Dialer wire.Dialer
	Dots   int // dots a line, a multiple of 8; 0 is DotsDefault
	// NoProcessID is for a printer that prints the bytes of a GS ( H that it does
	// not know, instead of dropping them.
	NoProcessID bool
}

// SlipError is a slip that was not printed and cut, and what is known of it: Blank is
// none at all, Printed whole but perhaps not cut, Spoilt at most a part, Unknown all of
// these. A slip that is not Blank may lie in the printer.
type SlipError struct {
	Slip printer.Surface
	Err  error // a *printer.FaultError, a *wire.Error, or what is wrong with the image
}

// Error says what is known of the slip.
func (e *SlipError) Error() string {
	return fmt.Sprintf("cannot print a slip, which is %s: %v", e.Slip, e.Err)
}

// Unwrap gives the cause.
func (e *SlipError) Unwrap() error { return e.Err }

// Status asks the printer how it is. A printer that does not answer is a *wire.Error of
// kind Timeout, and not ready.
func (p *Printer) Status(ctx context.Context) (Status, error) {
	s, err := p.dial(ctx)
	if err != nil {
		return Status{}, err
	}
	status, err := s.status(ctx)
	return status, errors.Join(err, s.close(err))
}

// Print prints an image as one slip and cuts it off. Dots are black where the image's
// luminance is below B0 (printers fact sheet, 3: a lower threshold loses strokes of
// 6 point Mincho). It returns nil when the printer has said that the slip is out.
//
// A printer that can go on when somebody closes its cover or puts in paper is waited for
// until ctx is done. Then, and after any failure, what it still holds is cleared, so
// that no half slip comes out later. Any failure is a *SlipError.
func (p *Printer) Print(ctx context.Context, slip image.Image) error {
	job, err := p.encode(slip)
	if err != nil {
		return &SlipError{Slip: printer.SurfaceBlank, Err: err}
	}
	s, err := p.dial(ctx)
	if err != nil {
		return &SlipError{Slip: printer.SurfaceBlank, Err: err}
	}
	slipState, err := s.run(ctx, job)
	if err == nil {
		return s.close(nil)
	}
	_ = s.close(err) // err says more
	if slipState != printer.SurfaceBlank {
		err = p.settle(ctx, err)
	}
	return &SlipError{Slip: slipState, Err: err}
}

// Recover ends an error that the printer waits with, such as a jam of its cutter, when
// its cause is gone: it forgets what it had and is ready (DLE ENQ 2). What remains is a
// *printer.FaultError.
func (p *Printer) Recover(ctx context.Context) error {
	s, err := p.dial(ctx)
	if err != nil {
		return err
	}
	err = s.send(ctx, timeoutBand, recoverCleared)
	if err == nil {
		err = s.clear(ctx)
	}
	if err == nil {
		err = s.ready(ctx, "recover")
	}
	return errors.Join(err, s.close(err))
}

// settle clears what the printer still holds, over a fresh connection, and finds the
// fault behind a link that failed.
func (p *Printer) settle(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeoutSettle)
	defer cancel()
	s, err := p.dial(ctx)
	if err != nil {
		return cause
	}
	status, err := s.status(ctx)
	if err == nil {
		err = s.clear(ctx)
	}
	_ = s.close(err) // it served its purpose or did not
	var fault *printer.FaultError
	if !errors.As(cause, &fault) && len(status.Faults) > 0 {
		return &printer.FaultError{Op: opPrint, Fault: status.Faults[0]}
	}
	return cause
}

const opPrint = "print a slip"

func (p *Printer) dial(ctx context.Context) (*session, error) {
	w, err := p.Dialer.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return &session{wire: w, dots: p.dots(), ids: map[string]bool{}}, nil
}

func (p *Printer) dots() int {
	if p.Dots == 0 {
		return DotsDefault
	}
	return p.Dots
}
