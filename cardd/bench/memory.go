package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"jukicard/simulator"
)

// entry is one thing that a card keeps without power, as its snapshot tells it.
type entry struct {
	Op, On string
	At, N  int
	Data   []byte
}

// memory is all that a card keeps, by what it is and where. No command of the card and
// no code of an issuer is in between.
type memory map[string]entry

// readMemory takes a snapshot apart, whose first line says which card it is.
func readMemory(c *simulator.Card) (memory, error) {
	_, lines, _ := bytes.Cut(c.Snapshot(), []byte("\n"))
	m := memory{}
	for line := range bytes.Lines(lines) {
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("cannot read a card's memory: %w", err)
		}
		m[fmt.Sprintf("%s %s %d", e.Op, e.On, e.At)] = e
	}
	return m, nil
}

// data is what an entry holds; nil of one that is not there. Records count from 1.
func (m memory) data(op, on string) []byte {
	for _, at := range []int{0, 1} {
		if e, ok := m[fmt.Sprintf("%s %s %d", op, on, at)]; ok {
			return e.Data
		}
	}
	return nil
}

// differences names the entries in which two cards differ, but for those of the list.
func (m memory) differences(want memory, but []string) []string {
	all := maps.Clone(m)
	maps.Copy(all, want)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		got, is := m[name]
		wanted, should := want[name]
		if !slices.Contains(but, name) && (is != should || got.N != wanted.N || !bytes.Equal(got.Data, wanted.Data)) {
			out = append(out, name)
		}
	}
	return out
}
