package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/term"

	"jukicard/apdu/secret"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
)

// attemptsMax is how often one PIN is asked for before the command gives up.
const attemptsMax = 3

// typedMax bounds what is typed in answer to one question.
const typedMax = 256

// ask asks for one secret without showing what is typed. Where standard input is
// no terminal, the next line of it is the answer.
func (a *app) ask(ctx context.Context, question string) (secret.Bytes, error) {
	fd, ok := terminal(a.in)
	var b []byte
	var err error
	if ok {
		b, err = a.askAtTerminal(ctx, fd, question)
	} else {
		a.notef("%s: ", question)
		b, err = a.lines.next(a.in)
		a.notef("\n")
	}
	defer clear(b)
	if err != nil {
		return secret.Bytes{}, err
	}
	return secret.New(b), nil
}

// askAtTerminal takes the terminal's echo away before it asks: who types at once
// must not be shown either.
func (a *app) askAtTerminal(ctx context.Context, fd int, question string) ([]byte, error) {
	before, err := term.MakeRaw(fd)
	if err != nil {
		return nil, fmt.Errorf("cannot ask at the terminal: %w", err)
	}
	defer func() {
		_ = term.Restore(fd, before) // without it there is nothing better to do
		a.notef("\n")
	}()
	a.notef("%s: ", question)
	type answer struct {
		b   []byte
		err error
	}
	typed := make(chan answer, 1)
	go func() { // it stays behind when ctx ends: a read of a terminal cannot be called off
		b, err := readHidden(a.in)
		typed <- answer{b, err}
	}()
	select {
	case t := <-typed:
		return t.b, t.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Keys of a terminal in raw mode (termios(3): the defaults of INTR, EOF, KILL, ERASE).
const (
	keyInterrupt = 0x03
	keyEnd       = 0x04
	keyBackspace = 0x08
	keyKill      = 0x15
	keyErase     = 0x7F
)

// readHidden reads one line, key by key. The caller clears it.
func readHidden(in io.Reader) ([]byte, error) {
	line, key := make([]byte, 0, typedMax), make([]byte, 1)
	for {
		if _, err := io.ReadFull(in, key); err != nil {
			clear(line)
			return nil, errNoAnswer
		}
		switch key[0] {
		case '\r', '\n':
			return line, nil
		case keyInterrupt:
			clear(line)
			return nil, context.Canceled
		case keyEnd:
			clear(line)
			return nil, errNoAnswer
		case keyBackspace, keyErase:
			line = line[:max(len(line)-1, 0)]
		case keyKill:
			line = line[:0]
		default:
			if len(line) == cap(line) {
				clear(line)
				return nil, errLongAnswer
			}
			line = append(line, key[0])
		}
	}
}

var (
	errNoAnswer   = refused(errors.New("cannot ask: there is nothing to read the answer from; answer at a terminal, or give --pins FILE"))
	errLongAnswer = refused(errors.New("cannot read the answer: it is too long"))
)

// lineReader hands out lines of an input one by one.
type lineReader struct{ buffered *bufio.Reader }

func (l *lineReader) next(in io.Reader) ([]byte, error) {
	if l.buffered == nil {
		l.buffered = bufio.NewReaderSize(in, typedMax)
	}
	line, err := l.buffered.ReadSlice('\n')
	defer clear(line)
	if errors.Is(err, io.EOF) && len(line) == 0 {
		return nil, errNoAnswer
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errLongAnswer
	}
	return bytes.Clone(bytes.TrimRight(line, "\r\n")), nil
}

// askPINs asks for a PIN of each class, twice. The caller destroys them.
func (a *app) askPINs(ctx context.Context, classes []juki.PINClass, birth juki.Date) (order.PINs, error) {
	pins := order.PINs{}
	for _, class := range classes {
		pin, err := a.askNewPIN(ctx, class, birth)
		if err != nil {
			pins.Destroy()
			return nil, err
		}
		pins[class] = pin
	}
	return pins, nil
}

// className is what people call a class.
func (a *app) className(class juki.PINClass) string {
	return a.in2(string(class)+" PIN ("+juki.RuleOf(class).Japanese+")", juki.RuleOf(class).Japanese)
}

// ruleText says what a PIN of a class must be.
func (a *app) ruleText(r juki.PINRule) string {
	if r.Letters {
		return fmt.Sprintf(a.in2("%d to %d characters A-Z and 0-9, at least one of each; %d wrong tries block it",
			"英大文字と数字の両方を使い%d文字から%d文字。%d回続けて間違えるとロックされます"), r.MinLen, r.MaxLen, r.Tries)
	}
	return fmt.Sprintf(a.in2("%d digits; %d wrong tries block it", "数字%d桁。%d回続けて間違えるとロックされます"), r.MinLen, r.Tries)
}

// askNewPIN asks for a PIN its holder chooses: until it keeps the rules and was
// typed the same twice, attemptsMax times at most.
func (a *app) askNewPIN(ctx context.Context, class juki.PINClass, birth juki.Date) (secret.Bytes, error) {
	name := a.className(class)
	a.notef("%s: %s\n", name, a.ruleText(juki.RuleOf(class)))
	for range attemptsMax {
		pin, err := a.ask(ctx, name)
		if err != nil {
			return secret.Bytes{}, err
		}
		problem, err := a.judge(class, pin, birth)
		if err != nil {
			return secret.Bytes{}, err
		}
		if problem {
			pin.Destroy()
			continue
		}
		again, err := a.ask(ctx, a.in2(name+", again", name+"（もう一度）"))
		if err != nil {
			pin.Destroy()
			return secret.Bytes{}, err
		}
		same := pin.Equal(again)
		again.Destroy()
		if same {
			return pin, nil
		}
		pin.Destroy()
		a.notef("%s\n", a.in2("The two are not the same.", "一致しません。"))
	}
	return secret.Bytes{}, refused(fmt.Errorf("cannot take the %s PIN: %d attempts and none was right; start again when the holder has chosen one", class, attemptsMax))
}

// judge says what is wrong with a PIN, and warns of one that is easy to guess: to
// set it all the same is the holder's right.
func (a *app) judge(class juki.PINClass, pin secret.Bytes, birth juki.Date) (problem bool, err error) {
	err = pin.Lend(func(b []byte) error {
		var wrong *juki.InputError
		if errors.As(juki.CheckPIN(class, b), &wrong) {
			problem = true
			a.notef("%s\n", ofProblems(order.Problems{wrong}).lines(a.lang))
			return nil
		}
		weak := juki.Weaknesses(class, b, birth)
		for _, w := range weak {
			a.notef("%s %s\n", a.in2("Easy to guess:", "推測されやすい番号です:"), a.in2(w.Text, w.Ja))
		}
		if len(weak) > 0 {
			a.notef("%s\n", a.in2("Type it again to keep it, or press Enter to choose another.", "このまま使う場合はもう一度入力し、変える場合はEnterを押してください。"))
		}
		return nil
	})
	return problem, err
}
