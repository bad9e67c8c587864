package order

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"jukicard/cardd/juki"
)

// Problems is everything that is wrong with an order or with PINs, in the order of
// reading. It holds no value of the order. Use errors.As with *juki.InputError for
// the first, or range over it for all.
type Problems []*juki.InputError

// Error has one problem a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, e := range p {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the problems one by one.
func (p Problems) Unwrap() []error {
	errs := make([]error, len(p))
	for i, e := range p {
		errs[i] = e
	}
	return errs
}

// Code is the code of the first problem, "" when there is none.
func (p Problems) Code() string {
	if len(p) == 0 {
		return ""
	}
	return p[0].Code
}

// err is p as an error: nil when there is no problem.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// problemsMax bounds the report; what breaks more rules than this is no order.
const problemsMax = 50

// note adds a problem, once for a code and field, and closes a long report.
func (p *Problems) note(e *juki.InputError) {
	same := func(old *juki.InputError) bool { return old.Code == e.Code && old.Field == e.Field }
	switch {
	case len(*p) > problemsMax || slices.ContainsFunc(*p, same):
	case len(*p) == problemsMax:
		*p = append(*p, refuse("ORDER-PROBLEMS-MANY", "order", problemsMax))
	default:
		*p = append(*p, e)
	}
}

// noteErr adds what a rule or check answered about a field; nil adds nothing. An
// error of unknown make counts as code fallback.
func (p *Problems) noteErr(err error, field, fallback string) {
	var input *juki.InputError
	switch {
	case err == nil:
	case !errors.As(err, &input):
		p.note(refuse(fallback, field))
	case strings.HasPrefix(input.Code, "JUKI-"):
		p.note(input.Named(field, inJapanese(field)))
	default:
		p.note(input)
	}
}

// refuse makes the problem of a code; args fill {0}, {1} … of its text.
func refuse(code, field string, args ...any) *juki.InputError {
	t, ok := catalogue[code]
	if !ok {
		panic("internal error: no text for code " + code)
	}
	fill := filler(args)
	return Refusal(code, field, fill(t.rule), fill(t.remedy), fill(t.ja))
}

func filler(args []any) func(string) string {
	pairs := make([]string, 0, 2*len(args))
	for i, a := range args {
		s, ok := a.(string)
		if n, isInt := a.(int); isInt {
			s, ok = strconv.Itoa(n), true
		}
		if !ok {
			panic("internal error: only numbers and words fill a text")
		}
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", s)
	}
	return strings.NewReplacer(pairs...).Replace
}

// Refusal is a problem for a check outside this package to answer with: ja is rule
// and remedy in Japanese, without the field. No argument may hold a value of the
// order.
func Refusal(code, field, rule, remedy, ja string) *juki.InputError {
	return &juki.InputError{Code: code, Field: field, Rule: rule, Remedy: remedy,
		Ja: inJapanese(field) + "を受け付けられません。" + ja}
}

// Codes lists every code of this package's own, in ascending order; problems also
// carry the codes of juki.Codes and of the checks.
func Codes() []string {
	codes := make([]string, 0, len(catalogue))
	for code := range catalogue {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// Explain gives the texts of a code as a handbook would print them ("{0}" stands
// for what is known only at run time); ok is false for a code of somebody else.
func Explain(code string) (rule, remedy, ja string, ok bool) {
	t, ok := catalogue[code]
	return t.rule, t.remedy, t.ja, ok
}
