package ipp

import "github.com/OpenPrinting/goipp"

// add appends an attribute with a value of a kind of string.
func add(to *goipp.Attributes, name string, tag goipp.Tag, values ...string) {
	a := goipp.Attribute{Name: name}
	for _, v := range values {
		a.Values.Add(tag, goipp.String(v))
	}
	to.Add(a)
}

// values are those of an attribute, nil if it is not there.
func values(from goipp.Attributes, name string) goipp.Values {
	for _, a := range from {
		if a.Name == name {
			return a.Values
		}
	}
	return nil
}

// texts are an attribute's values that are text of any kind.
func texts(from goipp.Attributes, name string) []string {
	var all []string
	for _, v := range values(from, name) {
		switch x := v.V.(type) {
		case goipp.String:
			all = append(all, string(x))
		case goipp.TextWithLang:
			all = append(all, x.Text)
		case goipp.Binary:
			all = append(all, string(x))
		}
	}
	return all
}

// first is the first of texts, or empty.
func first(from goipp.Attributes, name string) string {
	if all := texts(from, name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// numbers are an attribute's values that are integers or enums.
func numbers(from goipp.Attributes, name string) []int {
	var all []int
	for _, v := range values(from, name) {
		if n, ok := v.V.(goipp.Integer); ok {
			all = append(all, int(n))
		}
	}
	return all
}

// number is the first of numbers, or what is given.
func number(from goipp.Attributes, name string, otherwise int) int {
	if all := numbers(from, name); len(all) > 0 {
		return all[0]
	}
	return otherwise
}

// yes is whether an attribute is there and true.
func yes(from goipp.Attributes, name string) bool {
	for _, v := range values(from, name) {
		if b, ok := v.V.(goipp.Boolean); ok {
			return bool(b)
		}
	}
	return false
}
