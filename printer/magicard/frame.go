package magicard

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// The signs of a frame (the maker's CUPS filter, command.h): 05 to wake the printer, any
// number; 01 begins, 1C ends the words, 3A follows a plane's letter, 03 ends the frame.
const (
	sync  = 0x05
	begin = 0x01
	split = 0x1C
	end   = 0x03
)

// How often 05 is sent: before a job, and before anything else.
const (
	syncJob   = 64
	syncOrder = 9
)

// request asks for a status: "INF", "ERR".
func request(what string) []byte { return framed(syncOrder, ",REQ,"+what+",") }

// order is a simple command: "RST", "EJT", "CHPUP".
func order(word string) []byte { return framed(syncOrder, word+",") }

func framed(n int, words string) []byte {
	b := bytes.Repeat([]byte{sync}, n)
	b = append(b, begin)
	b = append(b, words...)
	return append(b, split, end)
}

// answerMax is the longest answer that is waited for: INF has 33 short fields.
const answerMax = 4096

// errEndless is an answer that does not end.
var errEndless = errors.New("the printer's answer does not end")

// cutAnswer takes the first whole answer out of b, without its signs; what stands before
// it belongs to none. ok is false when none has come to its end.
func cutAnswer(b []byte) (text string, rest []byte, ok bool, err error) {
	i := bytes.IndexByte(b, begin)
	if i < 0 {
		return "", nil, false, nil
	}
	b = b[i:]
	n := bytes.IndexByte(b, end)
	switch {
	case n > answerMax || n < 0 && len(b) > answerMax:
		return "", nil, false, errEndless
	case n < 0:
		return "", b, false, nil
	}
	return string(b[1:n]), b[n+1:], true, nil
}

// The fields of INF (fact sheet 1.3).
const (
	infoName     = 1
	infoHead     = 2
	infoSerial   = 3
	infoFirmware = 6
	infoPrinted  = 9
	infoSince    = 14
	infoLimit    = 15
	infoPosition = 16
	infoMajor    = 19
	infoMinor    = 20
	infoShots    = 22
	infoUsed     = 23
	infoFilm     = 24
	infoFields   = 25
)

// info is the answer to INF, field by field.
type info []string

// errInfo is an answer that is none.
var errInfo = errors.New("cannot read the printer's status: its answer has not the fields of INF")

// parseInfo reads "STA$$ f0,f1,…"; the fields stand between commas or colons.
func parseInfo(text string) (info, error) {
	body, ok := strings.CutPrefix(text, "STA")
	if !ok {
		return nil, errInfo
	}
	i := info(strings.Split(strings.ReplaceAll(strings.TrimPrefix(body, "$$"), ":", ","), ","))
	for n := range i {
		i[n] = printable(strings.TrimSpace(i[n]))
	}
	if len(i) < infoFields {
		return nil, errInfo
	}
	for _, n := range []int{infoPrinted, infoMajor, infoMinor} {
		if _, ok := i.number(n); !ok {
			return nil, errInfo
		}
	}
	return i, nil
}

// text is a field.
func (i info) text(n int) string { return i[n] }

// number is a field that is one.
func (i info) number(n int) (int, bool) {
	v, err := strconv.ParseUint(i[n], 10, 31)
	return int(v), err == nil
}

// printed is the counter of cards.
func (i info) printed() uint64 {
	n, _ := i.number(infoPrinted) // parseInfo has seen to it
	return uint64(n)
}

// fault is the error that INF shows, in its two numbers.
func (i info) fault() trouble {
	major, _ := i.number(infoMajor)
	minor, _ := i.number(infoMinor)
	return trouble{major: major, minor: minor}
}

// count is a field that is a number, -1 when it is none.
func (i info) count(n int) int {
	if v, ok := i.number(n); ok {
		return v
	}
	return -1
}

// printable is text that may be shown.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
