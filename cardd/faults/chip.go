package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"jukicard/simulator"
)

// entry is one thing a card remembers, as its snapshot has it.
type entry struct {
	Op   string `json:"op"`
	On   string `json:"on"`
	At   int    `json:"at"`
	N    int    `json:"n"`
	Data []byte `json:"data"`
}

func (e entry) equal(o entry) bool { return e.N == o.N && bytes.Equal(e.Data, o.Data) }

// chip is all that a card remembers, by what it is and where. It is read out of the
// card's snapshot: no command of the card and no code of the daemon is in between.
type chip map[string]entry

// name is an entry's name in a chip.
func name(op, on string) string { return op + " " + on }

func readChip(c *simulator.Card) (chip, error) {
	lines := bytes.Split(bytes.TrimSuffix(c.Snapshot(), []byte("\n")), []byte("\n"))
	out := chip{}
	for _, line := range lines[1:] { // behind the header
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("cannot read a card's memory: %w", err)
		}
		key := name(e.Op, e.On)
		if e.At > 1 || e.Op == "put-keys" {
			key = fmt.Sprintf("%s %d %d", key, e.At, e.N)
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("cannot read a card's memory: %s stands twice", key)
		}
		out[key] = e
	}
	if len(out) == 0 {
		return nil, errors.New("cannot read a card's memory: it is empty")
	}
	return out, nil
}

// names are the names of either chip, sorted.
func names(a, b chip) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// differences names the entries in which two chips differ, but for those left out.
func (c chip) differences(want chip, but func(name string) bool) []string {
	var out []string
	for _, key := range names(c, want) {
		got, is := c[key]
		wanted, should := want[key]
		switch {
		case but(key):
		case !is:
			out = append(out, key+" is missing")
		case !should:
			out = append(out, key+" should not be there")
		case got.N != wanted.N:
			out = append(out, fmt.Sprintf("%s is %d, not %d", key, got.N, wanted.N))
		case !got.equal(wanted):
			out = append(out, fmt.Sprintf("%s has %d bytes that differ from the %d expected", key, len(got.Data), len(wanted.Data)))
		}
	}
	return out
}
