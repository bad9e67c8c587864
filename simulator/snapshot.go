package simulator

import "fmt"

// Snapshot is all that the card keeps without power, in the form of a state file
// written by Save: cards with the same memory give the same bytes. It holds private
// keys and PINs.
func (c *Card) Snapshot() []byte { return format(c.header(), c.snapshot()) }

// Restore makes the card of a snapshot, or of a state file's content up to its last
// line end, as if it had just been put into a reader. Of o it uses what Load uses, and
// StateFile, where it is kept from now on.
func Restore(snapshot []byte, o Options) (*Card, error) {
	c, _, err := restore(snapshot, o)
	if err != nil {
		return nil, fmt.Errorf("cannot restore card: %v", err)
	}
	return c, c.keepIn(o.StateFile)
}

// Clone is another card with the same memory, number included, as if it had just been
// put into a reader. It costs some 50 µs, where making a card costs two RSA keys. Of o
// it uses Rand, KeyPool, which may not be shared by cards in several goroutines, and
// StateFile; the rest is as this card has it.
func (c *Card) Clone(o Options) (*Card, error) {
	o.Profile, o.ATR, o.CardID = c.profile, c.atr, c.id
	twin, err := newShell(o)
	if err != nil {
		return nil, fmt.Errorf("cannot clone card: %w", err)
	}
	twin.options = c.options
	for _, ch := range c.memory() {
		if err := twin.apply(ch); err != nil {
			return nil, fmt.Errorf("cannot clone card: %w", err)
		}
	}
	return twin, twin.keepIn(o.StateFile)
}

// keepIn keeps the card in a file from now on; an empty path is memory only.
func (c *Card) keepIn(path string) error {
	if path != "" {
		c.store = &fileStore{path: path}
	}
	return c.Save()
}
