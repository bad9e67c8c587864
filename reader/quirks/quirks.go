// Package quirks holds what is odd about card readers, as data: each row of
// quirks.json has a reason and a source. A reader of which nothing is known gets
// the limits of ISO/IEC 7816-4.
//
// Left out: what a reader says of itself (PC/SC attributes), and cards' oddities,
// which belong to their profiles.
package quirks

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

// Limits of an extended APDU in bytes (ISO/IEC 7816-4:2020, 5.2): header, Lc in
// three bytes, data, Le in two; and data, SW1 SW2.
const (
	CommandMax  = 4 + 3 + 65535 + 2
	ResponseMax = 65536 + 2
)

// Quirk is what is known of one kind of reader.
type Quirk struct {
	Prefix      string `json:"prefix"`      // of the reader's PC/SC name
	CommandMax  int    `json:"commandMax"`  // longest command in bytes; 0 in the data is no limit of its own
	ResponseMax int    `json:"responseMax"` // longest response in bytes, status word included
	Virtual     bool   `json:"virtual"`     // no hardware: whatever is in it is simulated
	Reason      string `json:"reason"`
	Source      string `json:"source"`
}

//go:embed quirks.json
var data []byte

var table = mustParse(data)

func mustParse(b []byte) []Quirk {
	t, err := parse(b)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return t
}

// parse reads a table and refuses a row without prefix, reason or source, with a
// limit beyond the standard's, or with an unknown field.
func parse(b []byte) ([]Quirk, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var t []Quirk
	if err := d.Decode(&t); err != nil {
		return nil, fmt.Errorf("cannot read reader quirks: %w", err)
	}
	for i := range t {
		if err := t[i].complete(); err != nil {
			return nil, fmt.Errorf("cannot read reader quirks: row %d: %w", i+1, err)
		}
	}
	return t, nil
}

func (q *Quirk) complete() error {
	if q.Prefix == "" || q.Reason == "" || q.Source == "" {
		return fmt.Errorf("prefix, reason and source are required")
	}
	if q.CommandMax == 0 {
		q.CommandMax = CommandMax
	}
	if q.ResponseMax == 0 {
		q.ResponseMax = ResponseMax
	}
	if q.CommandMax < 4 || q.CommandMax > CommandMax || q.ResponseMax < 2 || q.ResponseMax > ResponseMax {
		return fmt.Errorf("commandMax is %d and responseMax %d: give 4 to %d and 2 to %d",
			q.CommandMax, q.ResponseMax, CommandMax, ResponseMax)
	}
	return nil
}

// For looks a reader up by its PC/SC name. Of several rows the one with the
// longest prefix counts.
func For(name string) Quirk { return find(table, name) }

func find(t []Quirk, name string) Quirk {
	best := Quirk{CommandMax: CommandMax, ResponseMax: ResponseMax}
	for _, q := range t {
		if strings.HasPrefix(name, q.Prefix) && len(q.Prefix) > len(best.Prefix) {
			best = q
		}
	}
	return best
}
