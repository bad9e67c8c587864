package kill

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"jukicard/simulator"
)

// entry is one thing a card remembers, as its snapshot tells it.
type entry struct {
	Op, On string
	At, N  int
	Data   []byte
}

// name is what the entry is about; two of a card never have one name.
func (e entry) name() string { return fmt.Sprintf("%s %s %d", e.Op, e.On, e.At) }

// chip is all that a card remembers, read from its snapshot and not through any
// command that the daemon uses.
type chip map[string]entry

func read(t testing.TB, c *simulator.Card) chip {
	t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(c.Snapshot()))
	lines.Buffer(nil, 1<<20)
	lines.Scan() // the header: which card it is
	out := chip{}
	for lines.Scan() {
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		out[e.name()] = e
	}
	if len(out) == 0 {
		t.Fatal("the card has no memory")
	}
	return out
}

// file is what was written to a transparent file.
func (c chip) file(path string) []byte { return c["write "+path+" 0"].Data }

// key is a private key in PKCS #8.
func (c chip) key(path string) []byte { return c["key "+path+" 0"].Data }

// reference is a PIN or 照合番号 as it is set.
func (c chip) reference(path string) []byte { return c["reference "+path+" 0"].Data }

// own are the files that no two issues of one order write alike, judged each on its
// own, and the count of channels, which tells how often the card was opened.
var own = []string{"write jpki/sign-cert 0", "write jpki/auth-cert 0", "write surface/basic 0", "sequence  0"}

// differences names what two cards of one order do not have alike and should.
func (c chip) differences(want chip) []string {
	var out []string
	names := maps.Clone(want)
	maps.Copy(names, c)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if slices.Contains(own, name) {
			continue
		}
		got, is := c[name]
		w, should := want[name]
		switch {
		case !is:
			out = append(out, name+" is missing")
		case !should:
			out = append(out, name+" should not be there")
		case got.N != w.N:
			out = append(out, fmt.Sprintf("%s is %d, not %d", name, got.N, w.N))
		case !bytes.Equal(got.Data, w.Data):
			out = append(out, fmt.Sprintf("%s has other content: %d bytes, expected %d", name, len(got.Data), len(w.Data)))
		}
	}
	return out
}
