package order

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"jukicard/cardd/juki"
)

// readJSON splits a JSON document (RFC 8259) into nodes. The standard library
// judges the syntax; splitting is done here because encoding/json lets the last of
// two equal names win, matches names in any case, and makes strings, which nothing
// can clear.
func (d *document) readJSON() (node, *juki.InputError) {
	if len(d.b) > sizeDocumentMax {
		return node{}, refuse("ORDER-SIZE", d.root, sizeDocumentMax)
	}
	if !json.Valid(d.b) {
		line, column := syntaxPlace(d.b)
		return node{}, refuse("ORDER-JSON", d.root, line, column)
	}
	return d.jsonValue()
}

// syntaxPlace is the line and column, from 1, of the first syntax error. The error
// itself would quote a character of the document.
func syntaxPlace(b []byte) (line, column int) {
	var syntax *json.SyntaxError
	at := len(b)
	if errors.As(json.Unmarshal(b, &struct{}{}), &syntax) {
		at = min(max(int(syntax.Offset)-1, 0), len(b))
	}
	before := b[:at]
	return 1 + bytes.Count(before, []byte{'\n'}), at - bytes.LastIndexByte(before, '\n')
}

// jsonValue reads the value that begins at or after the place.
func (d *document) jsonValue() (node, *juki.InputError) {
	if err := d.enter(); err != nil {
		return node{}, err
	}
	d.space()
	switch d.b[d.at] {
	case '{':
		return d.jsonObject()
	case '[':
		d.skipArray()
		return node{}, nil
	case '"':
		return node{kind: kindText, data: d.jsonString()}, nil
	default:
		return literal(d.word()), nil
	}
}

// jsonObject reads an object from its opening brace.
func (d *document) jsonObject() (node, *juki.InputError) {
	if err := d.descend(); err != nil {
		return node{}, err
	}
	n := node{kind: kindObject}
	d.at++
	for d.space(); d.b[d.at] != '}'; d.space() {
		if d.b[d.at] == ',' {
			d.at++
			d.space()
		}
		name := d.jsonString()
		d.space()
		d.at++ // the colon
		value, err := d.jsonValue()
		if err != nil {
			return node{}, err
		}
		n.fields = append(n.fields, field{name, value})
	}
	d.at++
	d.depth--
	return n, nil
}

// space moves to the next byte that is not white space.
func (d *document) space() {
	for d.at < len(d.b) && bytes.IndexByte([]byte(" \t\r\n"), d.b[d.at]) >= 0 {
		d.at++
	}
}

// skipArray moves past an array; no field of an order is one.
func (d *document) skipArray() {
	open := 0
	for {
		switch d.b[d.at] {
		case '"':
			d.quoted()
			continue
		case '[':
			open++
		case ']':
			open--
		}
		if d.at++; open == 0 {
			return
		}
	}
}

// word takes a number, true, false or null.
func (d *document) word() []byte {
	from := d.at
	for d.at < len(d.b) && bytes.IndexByte([]byte(",}] \t\r\n"), d.b[d.at]) < 0 {
		d.at++
	}
	return d.b[from:d.at]
}

// literal is the node of a word.
func literal(word []byte) node {
	notDigit := func(r rune) bool { return r < '0' || r > '9' }
	switch {
	case string(word) == "true":
		return node{kind: kindBoolean, truth: true}
	case string(word) == "false":
		return node{kind: kindBoolean}
	case !bytes.ContainsFunc(word, notDigit):
		return node{kind: kindInteger, data: word}
	default:
		return node{}
	}
}

// quoted takes a string from quote to quote and gives what is between.
func (d *document) quoted() []byte {
	d.at++
	from := d.at
	for d.b[d.at] != '"' {
		if d.b[d.at] == '\\' {
			d.at++
		}
		d.at++
	}
	d.at++
	return d.b[from : d.at-1]
}

// jsonString takes a string and resolves its escapes, in a copy only where there
// are any.
func (d *document) jsonString() []byte {
	raw := d.quoted()
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	out := make([]byte, 0, len(raw)) // no escape is shorter than what it stands for
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		r, size := escape(raw[i:])
		out = utf8.AppendRune(out, r)
		i += size
	}
	d.copies = append(d.copies, out[:cap(out)])
	return out
}

// escape is the character of the escape sequence that opens raw, and its length.
// Half of a surrogate pair alone is U+FFFD, which every check of text refuses.
func escape(raw []byte) (rune, int) {
	if raw[1] != 'u' {
		const letters, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
		return rune(meant[bytes.IndexByte([]byte(letters), raw[1])]), 2
	}
	first := hex4(raw[2:])
	if !utf16.IsSurrogate(first) {
		return first, 6
	}
	if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
		if pair := utf16.DecodeRune(first, hex4(raw[8:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// hex4 is the number that four hex digits write.
func hex4(b []byte) rune {
	var r rune
	for _, c := range b[:4] {
		digit := slices.Index([]byte("0123456789abcdef"), c|0x20) // the digits have that bit, too
		r = r<<4 | rune(digit)
	}
	return r
}
