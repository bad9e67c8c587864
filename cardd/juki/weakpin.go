package juki

import (
	"bytes"
	"fmt"
	"slices"
)

// Weakness is one reason why a PIN is easy to guess. It never holds the PIN.
type Weakness struct {
	Code string // stable, e.g. "repeated"
	Text string // English
	Ja   string // Japanese, for the holder
}

// The reasons. Notices to holders ask them not to use regular or guessable
// numbers; what the real terminal does with one is not known, so cardd warns
// and never refuses.
var (
	weakRepeated = Weakness{"repeated", "one character or group is repeated", "同じ文字または組の繰り返しです。"}
	weakSequence = Weakness{"sequence", "the characters count up or down", "連続した並びです。"}
	weakBirthday = Weakness{"birthday", "it holds the holder's birthday or year of birth", "生年月日から推測できます。"}
	weakKeypad   = Weakness{"keypad", "the digits form a line on the keypad", "テンキー上で一直線の並びです。"}
)

// WeakPIN gives, in English, the reasons why a PIN is easy to guess; none when
// nothing is seen. It is guidance for the holder, never a ground to refuse. A
// zero birth is left out of the comparison.
func WeakPIN(class PINClass, pin []byte, birth Date) (warnings []string) {
	for _, w := range Weaknesses(class, pin, birth) {
		warnings = append(warnings, w.Text)
	}
	return warnings
}

// Weaknesses is WeakPIN with codes and Japanese text.
func Weaknesses(class PINClass, pin []byte, birth Date) []Weakness {
	var found []Weakness
	if len(pin) == 0 {
		return nil
	}
	if repeated(pin) {
		found = append(found, weakRepeated)
	}
	if sequence(pin) {
		found = append(found, weakSequence)
	}
	if holdsBirthday(pin, birth) {
		found = append(found, weakBirthday)
	}
	if !RuleOf(class).Letters && keypadLine(pin) {
		found = append(found, weakKeypad)
	}
	return found
}

// repeated reports whether pin is a shorter group over and over (0000, 1212),
// pairs of equal characters (1122), or one letter and one digit each repeated
// (AAAAA1).
func repeated(pin []byte) bool {
	for size := 1; size <= len(pin)/2; size++ {
		if len(pin)%size == 0 && bytes.Equal(pin[size:], pin[:len(pin)-size]) {
			return true
		}
	}
	return pairs(pin) || regular(pin, 0)
}

// pairs reports whether each even place equals the one after it.
func pairs(pin []byte) bool {
	for i := 0; i+1 < len(pin); i += 2 {
		if pin[i] != pin[i+1] {
			return false
		}
	}
	return len(pin)%2 == 0
}

// sequence reports whether pin counts up or down by one or two (1234, 8642, 8901);
// with letters and digits, each part by itself (ABC123, AAA123).
func sequence(pin []byte) bool {
	return regular(pin, 0, 1, -1, 2, -2) && !repeated(pin)
}

// regular reports whether pin is one run, or a run of letters and a run of digits
// in either order, each with one of the steps throughout.
func regular(pin []byte, steps ...int) bool {
	split := len(pin)
	for i := 1; i < len(pin); i++ {
		if isDigit(pin[i]) != isDigit(pin[i-1]) {
			split = i
			break
		}
	}
	return run(pin[:split], steps) && run(pin[split:], steps)
}

// run reports whether all neighbours differ by the same one of the steps; kinds
// may not mix. Runs of none or one always do.
func run(part []byte, steps []int) bool {
	for _, step := range steps {
		ok := true
		for i := 1; i < len(part) && ok; i++ {
			ok = follows(part[i-1], part[i], step)
		}
		if ok {
			return true
		}
	}
	return false
}

// follows reports whether b is step places after a in its own alphabet, round
// the end of it.
func follows(a, b byte, step int) bool {
	switch {
	case isDigit(a) && isDigit(b):
		return int(b-'0') == floorMod(int(a-'0')+step, 10)
	case isUpper(a) && isUpper(b):
		return int(b-'A') == floorMod(int(a-'A')+step, 26)
	default:
		return false
	}
}

// holdsBirthday reports whether pin contains month and day, day and month, the
// Gregorian year, year and month in two digits each, or the era year with month
// of birth.
func holdsBirthday(pin []byte, birth Date) bool {
	if !birth.completeBirth() {
		return false
	}
	year, month, day := birth.Year%100, birth.Month, birth.Day
	guesses := []string{
		fmt.Sprintf("%02d%02d", month, day), fmt.Sprintf("%02d%02d", day, month),
		fmt.Sprintf("%04d", birth.Year), fmt.Sprintf("%02d%02d", year, month),
	}
	if _, eraYear, err := EraOf(birth); err == nil {
		guesses = append(guesses, fmt.Sprintf("%02d%02d", eraYear, month))
	}
	for _, guess := range guesses {
		if bytes.Contains(pin, []byte(guess)) {
			return true
		}
	}
	return false
}

// keypadLines run down or up the middle of a keypad, or round its corners.
var keypadLines = [][]byte{
	[]byte("2580"), []byte("0852"), []byte("1397"), []byte("3971"), []byte("9713"),
	[]byte("7139"), []byte("1793"), []byte("7931"), []byte("9317"), []byte("3179"),
}

// keypadLine reports whether pin is one of keypadLines.
func keypadLine(pin []byte) bool {
	return slices.ContainsFunc(keypadLines, func(line []byte) bool { return bytes.Equal(line, pin) })
}
