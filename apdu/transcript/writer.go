package transcript

import (
	"context"
	"io"

	"jukicard/apdu"
)

// failureRedacted stands for every link failure in a redacted transcript.
const failureRedacted = "link failed"

// Writer records a session. Each line is written on its own, a command's before it is
// sent, so that what a crash leaves is true. It is used by one goroutine.
type Writer struct {
	w    io.Writer
	full bool
	line []byte
	err  error
}

// NewWriter begins a redacted transcript on w.
func NewWriter(w io.Writer, h Header) *Writer { return begin(w, h, false) }

// NewLabWriter begins a transcript with every byte, PINs and keys included: for
// invented people in a laboratory, whose configuration says that it is one.
func NewLabWriter(w io.Writer, h Header) *Writer { return begin(w, h, true) }

func begin(w io.Writer, h Header, full bool) *Writer {
	t := &Writer{w: w, full: full}
	_, t.err = w.Write(h.append(nil, !full))
	return t
}

// Err is the first failure to write. Recording stops there; the card session it
// records goes on.
func (w *Writer) Err() error { return w.err }

// Wrap is an apdu.Wrapper that records every exchange.
func (w *Writer) Wrap(t apdu.Transport) apdu.Transport {
	return apdu.TransportFunc(func(ctx context.Context, command []byte) ([]byte, error) {
		show := w.command(command)
		answer, err := t.Transmit(ctx, command)
		if err != nil {
			w.failure(err)
			return answer, err
		}
		w.answer(answer, show)
		return answer, nil
	})
}

func (w *Writer) command(b []byte) shown {
	m, show := Message{Head: b}, shown{}
	if !w.full {
		m, show = redactCommand(b)
	}
	w.write(m.append(append(w.line[:0], "> "...)))
	return show
}

func (w *Writer) answer(b []byte, show shown) {
	m := Message{Head: b}
	if !w.full {
		m = redactAnswer(b, show)
	}
	w.write(m.append(append(w.line[:0], "< "...)))
}

func (w *Writer) failure(err error) {
	text := failureRedacted
	if w.full && oneLine(err.Error()) != "" {
		text = oneLine(err.Error())
	}
	w.write(append(append(w.line[:0], "! "...), text...))
}

// write ends and writes one line; line is w.line, perhaps grown.
func (w *Writer) write(line []byte) {
	w.line = append(line, '\n')
	if w.err == nil {
		_, w.err = w.w.Write(w.line)
	}
	clear(w.line)
}
