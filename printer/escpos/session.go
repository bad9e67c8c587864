package escpos

import (
	"context"
	"errors"
	"time"

	"jukicard/printer"
	"jukicard/printer/wire"
)

// session is one connection. What came in is remembered until it is asked for.
type session struct {
	wire     wire.Wire
	dots     int // a line of the printer
	scan     scanner
	statuses []byte // answers in real time
	ids      map[string]bool
	queued   bool
	cleared  bool
}

// close hangs up; of a session that failed nobody wants to hear how.
func (s *session) close(failed error) error {
	if err := s.wire.Close(); failed == nil {
		return err
	}
	return nil
}

// send writes within a time of its own.
func (s *session) send(ctx context.Context, timeout time.Duration, p []byte) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err := s.wire.Write(ctx, p)
	return err
}

// await reads until come says so or ctx is done.
func (s *session) await(ctx context.Context, timeout time.Duration, come func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p := make([]byte, 512)
	for !come() {
		n, err := s.wire.Read(ctx, p)
		if err != nil {
			return err
		}
		for _, a := range s.scan.push(p[:n]) {
			switch a.kind {
			case realTime:
				s.statuses = append(s.statuses, a.status)
			case processID:
				s.ids[a.id] = true
			case cleared:
				s.cleared = true
			case queued:
				s.queued = true
			}
		}
	}
	return nil
}

// status asks the four questions, one after the other: an answer does not say which it
// answers.
func (s *session) status(ctx context.Context) (Status, error) {
	var bits [questionsCount]byte
	for i := range bits {
		s.statuses = nil
		if err := s.send(ctx, timeoutStatus, askNow(byte(i+1))); err != nil {
			return Status{}, err
		}
		if err := s.await(ctx, timeoutStatus, func() bool { return len(s.statuses) > 0 }); err != nil {
			return Status{}, err
		}
		bits[i] = s.statuses[0]
	}
	return decode(bits), nil
}

// ready fails by the worst fault there is.
func (s *session) ready(ctx context.Context, op string) error {
	status, err := s.status(ctx)
	if err == nil && len(status.Faults) > 0 {
		err = &printer.FaultError{Op: op, Fault: status.Faults[0]}
	}
	return err
}

// clear has the printer forget what it holds. One that does not know the command, and
// so does not answer, is at least brought out of the middle of a picture: NUL is a white
// dot there and nothing anywhere else.
func (s *session) clear(ctx context.Context) error {
	s.cleared = false
	if err := s.send(ctx, timeoutBand, clearBuffers); err != nil {
		return err
	}
	err := s.await(ctx, timeoutID, func() bool { return s.cleared })
	if wire.IsTimeout(err) && ctx.Err() == nil {
		return s.send(ctx, timeoutBand, make([]byte, bandRows*s.dots/8))
	}
	return err
}

// run prints a slip and says what became of it.
func (s *session) run(ctx context.Context, j *job) (printer.Surface, error) {
	if err := s.ready(ctx, opPrint); err != nil {
		return printer.SurfaceBlank, err
	}
	if err := s.clear(ctx); err != nil {
		return printer.SurfaceBlank, err
	}
	if err := s.send(ctx, timeoutBand, append(append([]byte{}, initialize...), noAutoStatus...)); err != nil {
		return printer.SurfaceBlank, err
	}
	for _, b := range j.bands {
		if err := s.send(ctx, timeoutBand, b); err != nil {
			return printer.SurfaceSpoilt, err // its end was never sent
		}
	}
	if err := s.send(ctx, timeoutBand, j.ending()); err != nil {
		return printer.SurfaceUnknown, err
	}
	return s.confirm(ctx, j)
}

// ending is what follows the picture.
func (j *job) ending() []byte {
	b := feed(feedLines)
	if j.printed != "" {
		b = append(b, answerID(j.printed)...)
	}
	b = append(b, cutFed...)
	if j.cut != "" {
		b = append(b, answerID(j.cut)...)
	}
	return append(b, askQueued...)
}

// confirm waits for the printer to say that the slip is out.
func (s *session) confirm(ctx context.Context, j *job) (printer.Surface, error) {
	held := time.Now().Add(timeoutAnswer)
	for {
		err := s.await(ctx, pollEvery, func() bool { return s.ids[j.cut] || s.queued })
		if err == nil {
			return s.judge(ctx, j)
		}
		if !wire.IsTimeout(err) || ctx.Err() != nil {
			return s.known(j), s.why(ctx, err)
		}
		status, asked := s.status(ctx)
		switch {
		case asked != nil:
			return s.known(j), asked
		case len(status.Faults) == 0:
			if time.Now().After(held) {
				return s.known(j), err
			}
		case status.Faults[0].Kind == printer.Wait || status.Faults[0].Kind == printer.Operator:
			held = time.Now().Add(timeoutAnswer)
		default:
			return s.known(j), &printer.FaultError{Op: opPrint, Fault: status.Faults[0]}
		}
	}
}

// judge is when the printer has done everything. One that sent no identifier may not
// know them: then its sensors have the last word.
func (s *session) judge(ctx context.Context, j *job) (printer.Surface, error) {
	if j.cut != "" && !s.ids[j.cut] {
		err := s.await(ctx, timeoutID, func() bool { return s.ids[j.cut] })
		if err != nil && !wire.IsTimeout(err) {
			return s.known(j), err
		}
	}
	if s.ids[j.cut] {
		return printer.SurfacePrinted, nil
	}
	if err := s.ready(ctx, opPrint); err != nil {
		return s.known(j), err
	}
	return printer.SurfacePrinted, nil
}

// known is what the identifiers that came prove.
func (s *session) known(j *job) printer.Surface {
	if s.ids[j.printed] {
		return printer.SurfacePrinted
	}
	return printer.SurfaceUnknown
}

// why is the fault behind a wait that ctx ended, or what ended it.
func (s *session) why(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeoutStatus)
	defer cancel()
	if fault := s.ready(ctx, opPrint); fault != nil {
		var f *printer.FaultError
		if errors.As(fault, &f) {
			return fault
		}
	}
	return err
}
