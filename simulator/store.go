package simulator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"jukicard/apdu/profile"
)

// The state file is lines of JSON: a header, then changes, the oldest first. A new or
// saved file is written whole beside the old one, synced, and renamed into its
// place. After that each change is one line appended with one write before the card
// answers: a killed process loses nothing it acknowledged, and an unfinished last line
// was never acknowledged. Appended lines are not synced one by one, so a host that
// loses its power may lose the newest of them; a card is cheaper to make anew than
// every test is to slow down.

const (
	stateFormat = "jukicard simulated card 1"
	// compactAt is the file size at which changes are folded into a new file. An
	// issued card is about 60 KiB.
	compactAt = 1 << 20
	lineMax   = 1 << 20
)

// header is the first line of a state file.
type header struct {
	Format  string `json:"format"`
	Profile string `json:"profile"`
	CardID  string `json:"card_id"`
}

// store keeps changes. A store may keep less of a change than asked, as a memory whose
// supply fails in the middle does: then it says what took effect, and why.
type store interface {
	// keep makes ch durable. What comes back has taken effect, whole unless there is
	// an error; with an error it may be nothing.
	keep(ch change) (change, error)
	// replace makes the store hold just these, if it does not yet.
	replace(h header, all func() []change) error
	// full asks for a replace.
	full() bool
}

// memoryOnly is a card without a state file.
type memoryOnly struct{}

func (memoryOnly) keep(ch change) (change, error)        { return ch, nil }
func (memoryOnly) replace(header, func() []change) error { return nil }
func (memoryOnly) full() bool                            { return false }

// fileStore is a card in a file.
type fileStore struct {
	path  string
	size  int64 // of the file as this process left it; 0 before it is written
	clean bool  // nothing was appended since it was written whole
	line  []byte
}

// keep appends one line. The file must be as this process left it: two cards on one
// file would each lose the other's changes.
func (s *fileStore) keep(ch change) (change, error) {
	line, err := json.Marshal(ch.encoded())
	if err != nil {
		return change{}, err
	}
	s.line = append(append(s.line[:0], line...), '\n')
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return change{}, fmt.Errorf("cannot keep change: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || info.Size() != s.size {
		return change{}, fmt.Errorf("cannot keep change: %s is not as this card left it (%v)", s.path, err)
	}
	if _, err := f.Write(s.line); err != nil {
		_ = f.Truncate(s.size) // the rest of a line that did not fit
		return change{}, fmt.Errorf("cannot keep change: %w", err)
	}
	s.size += int64(len(s.line))
	s.clean = false
	return ch, nil
}

// replace writes the file whole.
func (s *fileStore) replace(h header, all func() []change) error {
	if s.clean {
		return nil
	}
	b := format(h, all())
	defer clear(b)
	if err := writeWhole(s.path, b); err != nil {
		return fmt.Errorf("cannot save card: %w", err)
	}
	s.size, s.clean = int64(len(b)), true
	return nil
}

// format is a state file.
func format(h header, changes []change) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	err := enc.Encode(h)
	for _, ch := range changes {
		err = errors.Join(err, enc.Encode(ch))
	}
	if err != nil {
		panic(fmt.Sprintf("internal error: a card does not encode: %v", err))
	}
	return b.Bytes()
}

// full says that the file has grown enough to be folded.
func (s *fileStore) full() bool { return s.size > compactAt }

// writeWhole replaces path by data, readable by its owner alone: temporary file,
// sync, rename, sync of the folder.
func writeWhole(path string, data []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // fails once it is renamed
	if _, err := f.Write(data); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // where a folder cannot be synced
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

func (c *Card) header() header {
	return header{Format: stateFormat, Profile: c.profile.ID, CardID: c.id}
}

// Load takes a kept card up again, as if it had just been put into a reader. It writes
// nothing, but for cutting off an unfinished last line. Of o it uses ATR, Contactless,
// Rand, KeyPool, S16 and, to insist on a generation, Profile; the keys are those in the
// file.
func Load(path string, o Options) (*Card, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot load card: %w", err)
	}
	defer clear(data)
	c, whole, err := restore(data, o)
	if err != nil {
		return nil, fmt.Errorf("cannot load card from %s: %v", path, err)
	}
	c.store, err = openStore(path, int64(len(data)), int64(whole))
	return c, err
}

// restore makes the card of a state file, in memory only. whole is the number of
// bytes in complete lines.
func restore(data []byte, o Options) (c *Card, whole int, err error) {
	h, changes, whole, err := parseState(data)
	if err != nil {
		return nil, 0, err
	}
	if o.Profile == nil {
		if o.Profile, err = profile.Load(h.Profile); err != nil {
			return nil, 0, err
		}
	}
	if o.Profile.ID != h.Profile {
		return nil, 0, fmt.Errorf("it is of generation %s, wanted %s", h.Profile, o.Profile.ID)
	}
	o.CardID = h.CardID
	if c, err = newShell(o); err != nil {
		return nil, 0, err
	}
	for i, ch := range changes {
		if err := c.apply(ch); err != nil {
			return nil, 0, fmt.Errorf("line %d: %v", i+2, err)
		}
	}
	return c, whole, nil
}

// openStore goes on with a file; bytes behind whole are an unfinished line, which the
// next change would otherwise be glued to.
func openStore(path string, size, whole int64) (store, error) {
	if size != whole {
		if err := os.Truncate(path, whole); err != nil {
			return nil, fmt.Errorf("cannot load card: %w", err)
		}
	}
	return &fileStore{path: path, size: whole}, nil
}

// parseState reads a state file. whole is the number of bytes in complete lines.
func parseState(data []byte) (h header, changes []change, whole int, err error) {
	whole = bytes.LastIndexByte(data, '\n') + 1
	lines := bufio.NewScanner(bytes.NewReader(data[:whole]))
	lines.Buffer(nil, lineMax)
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &h) != nil || h.Format != stateFormat {
		return h, nil, 0, fmt.Errorf("its first line is not that of a %q", stateFormat)
	}
	for n := 2; lines.Scan(); n++ {
		var ch change
		if err := json.Unmarshal(lines.Bytes(), &ch); err != nil {
			return h, nil, 0, fmt.Errorf("line %d: %v", n, err)
		}
		changes = append(changes, ch)
	}
	return h, changes, whole, lines.Err()
}
