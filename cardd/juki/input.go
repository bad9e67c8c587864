package juki

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// InputError says that a value offered by a person or another system breaks a
// rule. It never holds the value.
type InputError struct {
	Code   string // stable, e.g. "JUKI-MYNUMBER-CHECKDIGIT"; see Codes
	Field  string // what was wrong, e.g. "my_number"; a caller may rename it, see Named
	Rule   string // the rule that was broken
	Remedy string // what to do about it
	Ja     string // the same message in Japanese, for operators
	Offer  Offer  // what may be chosen instead; for who gave the value, and never in Error

	jaText string // Ja without the field, so that Named can put another in front
}

// Offer are texts to choose from, the nearest first. Those for a character of a name
// tell something of that name: they go to the screen of who sent it and nowhere else,
// so no fmt verb shows them.
type Offer []string

// Format shows how many there are, whatever the verb.
func (o Offer) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "["+strconv.Itoa(len(o))+" offered]")
}

// Error is "cannot accept <field>: <rule>; <remedy>".
func (e *InputError) Error() string {
	return "cannot accept " + e.Field + ": " + e.Rule + "; " + e.Remedy
}

// Named is a copy of the error about another field. With japanese empty the
// Japanese name of that field is looked up, and the field itself serves where
// there is none.
func (e *InputError) Named(field, japanese string) *InputError {
	renamed := *e
	renamed.Field = field
	if japanese == "" {
		japanese = fieldJapanese(field)
	}
	renamed.Ja = japanese + "を受け付けられません。" + e.jaText
	return &renamed
}

// Rename gives err the field under which its caller knows the value, where err
// is (or wraps) an *InputError; every other error, and nil, passes unchanged.
func Rename(err error, field string) error {
	var input *InputError
	if errors.As(err, &input) {
		return input.Named(field, "")
	}
	return err
}

// CodeOf is the code of an *InputError in err's chain, or "".
func CodeOf(err error) string {
	var input *InputError
	if errors.As(err, &input) {
		return input.Code
	}
	return ""
}

// Codes lists every code this package can return, in ascending order.
func Codes() []string {
	codes := make([]string, 0, len(catalogue))
	for code := range catalogue {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// Explain gives the English rule and remedy and the Japanese text of a code, as
// a handbook would print them ("{n}" stands for a number known only at run time).
// ok is false for a code of somebody else.
func Explain(code string) (rule, remedy, ja string, ok bool) {
	t, ok := catalogue[code]
	return t.rule, t.remedy, t.ja, ok
}

// refuse makes the error of a code about a field.
func refuse(code, field string) *InputError { return refuseCount(code, field, 0) }

// refuseCount is refuse for a text that names a number.
func refuseCount(code, field string, n int) *InputError {
	t, ok := catalogue[code]
	if !ok {
		panic("internal error: no text for code " + code)
	}
	fill := strings.NewReplacer("{n}", strconv.Itoa(n)).Replace
	e := &InputError{Code: code, Rule: fill(t.rule), Remedy: fill(t.remedy), jaText: fill(t.ja)}
	return e.Named(field, "")
}

// fieldJapanese is the word of the form for a field name; of a dotted name the
// longest known ending decides ("person.my_number").
func fieldJapanese(field string) string {
	for rest := field; ; {
		if ja, ok := fieldNames[rest]; ok {
			return ja
		}
		_, after, found := strings.Cut(rest, ".")
		if !found {
			return field
		}
		rest = after
	}
}
