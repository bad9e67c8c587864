package acceptance

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// canary is a value that must not be found, under the name that reports show.
type canary struct {
	name   string
	value  []byte
	digits bool // decimal digits: BCD is looked for too
	text   bool // wide characters and escapes are looked for too
	short  bool // four digits, which turn up by chance between other hex digits
}

// inMemory is what of a canary can be told from chance in hundreds of megabytes: four
// digits only in the forms in which they come and go. A bare copy of them would be
// seen by the signature PIN, which is long and takes the same ways.
func (c canary) inMemory() []canary {
	if !c.short {
		return []canary{c}
	}
	form := func(name, before, after string) canary {
		return canary{name: c.name + " " + name, value: slices.Concat([]byte(before), c.value, []byte(after)), text: true}
	}
	return []canary{form("in quotes", `"`, `"`), form("behind its length", "\x04", ""), form("padded for the channel", "", "\x80\x00\x00\x00\x00")}
}

// pattern is one spelling of a canary.
type pattern struct {
	name  string // "個人番号 in UTF-16LE"
	bytes []byte
	alone bool // counts only between bytes that are no hex digits
}

// patternMin is the shortest spelling that is looked for: three bytes turn up by
// chance in any megabyte.
const patternMin = 4

// spellings are the forms in which a value might have been written.
func (c canary) spellings() []pattern {
	out := []pattern{{c.name, c.value, c.short}}
	add := func(form string, b []byte) {
		if len(b) >= patternMin && !bytes.Equal(b, c.value) {
			out = append(out, pattern{name: c.name + " in " + form, bytes: b})
		}
	}
	add("hex", []byte(hex.EncodeToString(c.value)))
	add("HEX", []byte(strings.ToUpper(hex.EncodeToString(c.value))))
	encoded := c.value
	if c.short { // alone it makes five characters, which turn up by chance
		encoded = slices.Concat([]byte{'"'}, c.value, []byte{'"'})
	}
	for shift := range 3 {
		add(fmt.Sprintf("base64 +%d", shift), base64Core(encoded, shift))
	}
	if c.text {
		add("UTF-16LE", wide(c.value, binary.LittleEndian.AppendUint16))
		add("UTF-16BE", wide(c.value, binary.BigEndian.AppendUint16))
		add("UTF-32LE", runes(c.value))
		add("JSON escapes", escaped(c.value))
	}
	if c.digits {
		add("BCD", packed(c.value, false))
		add("swapped BCD", packed(c.value, true))
	}
	return out
}

// base64Core are the characters that stand for the value alone when it begins
// shift bytes into a group of three, whatever stands before and behind.
func base64Core(value []byte, shift int) []byte {
	enc := []byte(base64.StdEncoding.EncodeToString(append(make([]byte, shift), value...)))
	first := []int{0, 2, 3}[shift]
	last := (shift + len(value)) * 8 / 6
	return enc[first:last]
}

func wide(value []byte, put func([]byte, uint16) []byte) (b []byte) {
	for _, unit := range utf16.Encode([]rune(string(value))) {
		b = put(b, unit)
	}
	return b
}

func runes(value []byte) (b []byte) {
	for _, r := range string(value) {
		b = binary.LittleEndian.AppendUint32(b, uint32(r))
	}
	return b
}

func escaped(value []byte) (b []byte) {
	for _, unit := range utf16.Encode([]rune(string(value))) {
		if unit < 0x80 {
			b = append(b, byte(unit))
		} else {
			b = fmt.Appendf(b, `\u%04x`, unit)
		}
	}
	return b
}

// packed is two digits a byte, F behind an odd number of them.
func packed(digits []byte, swap bool) (b []byte) {
	for i := 0; i < len(digits); i += 2 {
		high, low := digits[i]-'0', byte(0xF)
		if i+1 < len(digits) {
			low = digits[i+1] - '0'
		}
		if swap {
			high, low = low, high
		}
		b = append(b, high<<4|low)
	}
	return b
}

// finder looks for many patterns in one pass.
type finder struct {
	first [1 << 16]bool // by the first two bytes
	by    map[uint32][]pattern
}

func newFinder(canaries []canary) *finder {
	f := &finder{by: map[uint32][]pattern{}}
	for _, c := range canaries {
		for _, p := range c.spellings() {
			f.first[binary.LittleEndian.Uint16(p.bytes)] = true
			key := binary.LittleEndian.Uint32(p.bytes)
			f.by[key] = append(f.by[key], p)
		}
	}
	return f
}

// hit is one place where a pattern stands.
type hit struct {
	pattern string
	at      int
}

// zeros is an empty page; a pattern may begin with the last zeros of one.
var zeros = make([]byte, 4096)

const patternMax = 512

// find gives every hit in b.
func (f *finder) find(b []byte) (hits []hit) {
	for i := 0; i+patternMin <= len(b); i++ {
		if i%len(zeros) == 0 && bytes.HasPrefix(b[i:], zeros) { // most of a core is nothing
			i += len(zeros) - patternMax
		}
		if !f.first[uint16(b[i])|uint16(b[i+1])<<8] {
			continue
		}
		for _, p := range f.by[binary.LittleEndian.Uint32(b[i:])] {
			switch {
			case !bytes.HasPrefix(b[i:], p.bytes), p.alone && amongHex(b, i, i+len(p.bytes)):
			default:
				hits = append(hits, hit{p.name, i})
			}
		}
	}
	return hits
}

// amongHex says whether a hex digit stands before or behind.
func amongHex(b []byte, from, to int) bool {
	const digits = "0123456789abcdefABCDEF"
	return from > 0 && strings.IndexByte(digits, b[from-1]) >= 0 || to < len(b) && strings.IndexByte(digits, b[to]) >= 0
}

// counts sums hits up by pattern.
func counts(hits []hit) map[string]int {
	n := map[string]int{}
	for _, h := range hits {
		n[h.pattern]++
	}
	return n
}

// inFile reports each pattern found in a file, with its count and never its value.
func (f *finder) inFile(t testing.TB, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f.inBytes(t, path, b)
}

func (f *finder) inBytes(t testing.TB, where string, b []byte) {
	t.Helper()
	hits := f.find(b)
	found := counts(hits)
	for _, name := range sortedKeys(found) {
		t.Errorf("%s holds %s, %d times", where, name, found[name])
	}
	for _, h := range hits[:min(len(hits), 5)] { // of invented people: what stands around tells who left it
		t.Logf("%s at %#x\n%s", h.pattern, h.at, hex.Dump(b[max(h.at-64, 0):min(h.at+96, len(b))]))
	}
}

// inTree reports each pattern found in the files under a folder, but for those that
// skip names, and how many files it read.
func (f *finder) inTree(t testing.TB, root string, skip func(path string) bool) (files int) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !entry.Type().IsRegular() || skip(path) {
			return err
		}
		files++
		f.inFile(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// TestFinderFindsEverySpelling: a search that finds nothing proves something only
// if it can find.
func TestFinderFindsEverySpelling(t *testing.T) {
	rows := []struct {
		name string
		c    canary
		in   []string
	}{
		{"digits", canary{name: "n", value: []byte("123456789012"), digits: true, text: true}, []string{
			"x123456789012y", "x313233343536373839303132", "\x12\x34\x56\x78\x90\x12", "\x21\x43\x65\x87\x09\x21",
			"1\x002\x003\x004\x005\x006\x007\x008\x009\x000\x001\x002\x00",
			base64.StdEncoding.EncodeToString([]byte("123456789012")), base64.StdEncoding.EncodeToString([]byte("x123456789012y")),
			base64.StdEncoding.EncodeToString([]byte("xx123456789012yyy")),
		}},
		{"an odd number of digits", canary{name: "n", value: []byte("12345678901"), digits: true, text: true}, []string{"\x12\x34\x56\x78\x90\x1F", "\x21\x43\x65\x87\x09\xF1"}},
		{"text", canary{name: "n", value: []byte("見本𠮷"), text: true}, []string{
			"見本𠮷", `\u898b\u672c\ud842\udfb7`, "\x8B\x89\x2C\x67\x42\xD8\xB7\xDF", "\x89\x8B\x67\x2C\xD8\x42\xDF\xB7",
			"\x8B\x89\x00\x00\x2C\x67\x00\x00\xB7\x0B\x02\x00", "e8a68be69cacf0a0aeb7", "E8A68BE69CACF0A0AEB7",
		}},
		{"four digits", canary{name: "n", value: []byte("7391"), digits: true, short: true}, []string{`"7391"`, "\x047391", "7391", "x7391"}},
		{"bytes", canary{name: "n", value: []byte{0, 1, 2, 3, 0xFF}}, []string{"\x00\x01\x02\x03\xff", "00010203ff", "00010203FF"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f := newFinder([]canary{row.c})
			for _, text := range row.in {
				if len(f.find([]byte(text))) == 0 {
					t.Errorf("%q: %v", text, f.find([]byte(text)))
				}
			}
			if hits := f.find([]byte("1234 5678 9012 見 本 a7391 73910 773912")); len(hits) != 0 {
				t.Errorf("found what is not there: %v", hits)
			}
		})
	}
}
