package wire

import (
	"context"
	"errors"
	"time"
)

// Await dials until the printer is there: it was unplugged, switched off, or somebody
// else still has it. It asks again every so often, which is how plugging in is noticed
// on every wire, and gives up with ctx, or at once when the failure is not Gone, Busy
// or Timeout. The error is that of the last Dial.
func Await(ctx context.Context, d Dialer, every time.Duration) (Wire, error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		w, err := d.Dial(ctx)
		if err == nil {
			return w, nil
		}
		var e *Error
		if !errors.As(err, &e) || e.Kind == Broken || e.Kind == Stall {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-tick.C:
		}
	}
}
