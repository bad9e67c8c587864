package order

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"jukicard/cardd/juki"
)

// form is one object being read by its fields. What is wrong goes to problems; a
// field that is absent or wrong reads as its zero value, so that reading goes on
// and everything wrong is found.
type form struct {
	problems *Problems
	path     string // "" for the document itself, "resident"
	root     string // "order" or "pins": the field of problems about the document
	values   map[string]*node
	foreign  []string // fields of the order's other operation
	present  bool     // the object was there; else its fields are not missed one by one
}

// openForm sorts the fields of an object and notes those that are unknown or there
// twice.
func openForm(problems *Problems, root, path string, n *node, known ...string) form {
	return openFormOf(problems, root, path, n, known, nil)
}

// openFormOf is openForm where some fields, foreign ones, belong to another operation.
func openFormOf(problems *Problems, root, path string, n *node, known, foreign []string) form {
	f := form{problems: problems, path: path, root: root, values: map[string]*node{}, foreign: foreign}
	if n.kind != kindObject {
		problems.note(refuse("ORDER-FIELD-TYPE", f.whole(), "an object with fields"))
		return f
	}
	f.present = true
	for i := range n.fields {
		f.sort(i+1, &n.fields[i], known)
	}
	return f
}

// whole is the field name of the object itself.
func (f form) whole() string {
	if f.path == "" {
		return f.root
	}
	return f.path
}

// field is the path of a field, such as "resident.my_number". PINs stand under
// their root, for their classes are also names of other things.
func (f form) field(name string) string {
	switch {
	case f.path != "":
		return f.path + "." + name
	case f.root == rootPINs:
		return f.root + "." + name
	default:
		return name
	}
}

// sort puts the place-th field where it belongs.
func (f form) sort(place int, member *field, known []string) {
	name := view(member.name)
	i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
	if at := slices.IndexFunc(f.foreign, func(k string) bool { return strings.EqualFold(k, name) }); at >= 0 {
		f.problems.note(refuse("ORDER-FIELD-OPERATION", f.field(f.foreign[at])))
		return
	}
	if i < 0 {
		f.problems.note(refuse("ORDER-FIELD-UNKNOWN", f.field(shown(name, place)), strings.Join(known, ", ")))
		return
	}
	_, twice := f.values[known[i]]
	switch {
	case twice:
		f.problems.note(refuse("ORDER-FIELD-DUPLICATE", f.field(known[i])))
	case known[i] != name:
		f.problems.note(refuse("ORDER-FIELD-CASE", f.field(known[i]), known[i]))
		f.values[known[i]] = nil
	default:
		f.values[name] = &member.value
	}
}

// shown is an unknown field's name where it can only be a name: Latin letters and
// low lines, with a small letter. Anything else might be a value in the wrong
// place (a number, a PIN, a person's name) and is told by its place.
func shown(name string, place int) string {
	small := func(r rune) bool { return r >= 'a' && r <= 'z' }
	other := func(r rune) bool { return !small(r) && (r < 'A' || r > 'Z') && r != '_' }
	if len(name) > 32 || strings.ContainsFunc(name, other) || !strings.ContainsFunc(name, small) {
		return fmt.Sprintf("(field %d)", place)
	}
	return strings.Clone(name)
}

// need says whether a field must be there.
type need bool

const (
	required need = true
	optional need = false
)

// value is the field's node; nil when it is absent, which is noted where it is
// required.
func (f form) value(name string, n need) *node {
	v, there := f.values[name]
	if !there && n == required && f.present {
		f.problems.note(refuse("ORDER-FIELD-MISSING", f.field(name)))
	}
	return v
}

// has reports whether the field is there in any form.
func (f form) has(name string) bool { _, ok := f.values[name]; return ok }

// text is the field's bytes, part of the document; nil when absent or refused.
func (f form) text(name string, n need) []byte { return f.textMax(name, n, sizeTextMax) }

func (f form) textMax(name string, n need, most int) []byte {
	v := f.value(name, n)
	switch {
	case v == nil:
		return nil
	case v.kind != kindText:
		f.problems.note(refuse("ORDER-FIELD-TYPE", f.field(name), "a text in quotes"))
		return nil
	case len(v.data) > most:
		f.problems.note(refuse("ORDER-FIELD-LONG", f.field(name), most))
		return nil
	case v.data == nil:
		return []byte{}
	}
	return v.data
}

// quiet is the field's text where it is one, with nothing noted.
func (f form) quiet(name string) []byte {
	if v := f.values[name]; v != nil && v.kind == kindText {
		return v.data
	}
	return nil
}

// boolean is the field's truth; false when absent or refused.
func (f form) boolean(name string) bool {
	v := f.value(name, required)
	if v == nil {
		return false
	}
	if v.kind != kindBoolean {
		f.problems.note(refuse("ORDER-FIELD-TYPE", f.field(name), "true or false"))
	}
	return v.truth
}

// number is a field's whole number from 1 to most, in decimal digits; 0 when absent or
// refused, with code.
func (f form) number(name, code string, most int) int {
	v := f.value(name, required)
	if v == nil {
		return 0
	}
	n, err := strconv.Atoi(view(v.data))
	switch {
	case v.kind != kindInteger:
		f.problems.note(refuse("ORDER-FIELD-TYPE", f.field(name), "a whole number without quotes"))
	case err != nil || n < 1 || n > most:
		f.problems.note(refuse(code, f.field(name), most))
	default:
		return n
	}
	return 0
}

// object opens a field that is an object itself.
func (f form) object(name string, n need, known ...string) form {
	v := f.value(name, n)
	if v == nil {
		return form{problems: f.problems, path: f.field(name), root: f.root}
	}
	return openForm(f.problems, f.root, f.field(name), v, known...)
}

// plain reads a required text that must pass ok, or notes code. It is for what is
// not personal: the result is a string.
func (f form) plain(name, code string, ok func(string) bool, args ...any) string {
	b := f.text(name, required)
	if b == nil {
		return ""
	}
	if !ok(view(b)) {
		f.problems.note(refuse(code, f.field(name), args...))
		return ""
	}
	return string(b)
}

// day reads a day of the calendar; nil when absent or refused.
func (f form) day(name string, n need) *juki.Date {
	b := f.text(name, n)
	if b == nil {
		return nil
	}
	d, err := juki.ParseDate(view(b))
	if err != nil {
		f.refuse(name, err)
		return nil
	}
	return &d
}

// refuse notes what a rule answered about a field; nil notes nothing.
func (f form) refuse(name string, err error) {
	f.problems.noteErr(err, f.field(name), "ORDER-FIELD-TYPE")
}

// view is b as a string without a copy, which nothing could clear. It is for
// callees that keep nothing of it, while b is not written.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
