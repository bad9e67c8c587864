package keystore

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"syscall"

	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/durable"
)

// File is the embedded store: one sealed file. Its keys are in memory from OpenFile to
// Close, those of a card from Card to their Close.
//
// Several processes may have one file open; a change that another made is seen at the
// next use. Whoever has the file and what unlocks it has every key; an older copy of
// the file put in its place is not noticed.
type File struct {
	path   string
	header header

	mu      sync.Mutex
	key     secret.Bytes // seals the file
	entries []entry
	seen    fs.FileInfo // of the file that entries are from
	cards   map[*fileCard]struct{}
}

var (
	_ Store     = (*File)(nil)
	_ Keeper    = (*File)(nil)
	_ Unwrapper = (*File)(nil)
	_ Signers   = (*File)(nil)
	_ Successor = (*fileCard)(nil)
)

// CreateFile makes an empty sealed file, mode 0600, in a folder that is there. It
// replaces nothing: the error is fs.ErrExist.
func CreateFile(path string, u Unlock) (*File, error) {
	end, err := takeTurn(path)
	if err != nil {
		return nil, fmt.Errorf("cannot make key store %s: %w", path, err)
	}
	defer end()
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("cannot make key store %s: %w", path, fs.ErrExist)
	}
	f := &File{path: path, header: newHeader(u.kind), cards: map[*fileCard]struct{}{}}
	if f.key, err = u.key(f.header.salt[:], f.header.cost); err != nil {
		return nil, err
	}
	if err := f.write(nil); err != nil {
		f.key.Destroy()
		return nil, fmt.Errorf("cannot make key store %s: %w", path, err)
	}
	return f, nil
}

// OpenFile opens a sealed file. It refuses one that others may read; ErrAbsent when
// there is none, ErrUnlock when u does not open it.
func OpenFile(path string, u Unlock) (*File, error) {
	f := &File{path: path, cards: map[*fileCard]struct{}{}}
	h, _, _, err := f.read()
	if err != nil {
		return nil, err
	}
	if h.kind != u.kind {
		return nil, f.fault(ErrUnlock, fmt.Sprintf("it is locked by a %v, not a %v", h.kind, u.kind))
	}
	f.header = h
	if f.key, err = u.key(h.salt[:], h.cost); err != nil {
		return nil, err
	}
	if err := f.refresh(); err != nil {
		f.key.Destroy()
		return nil, err
	}
	return f, nil
}

func (f *File) fault(kind error, detail string) error {
	return &Error{Kind: kind, Wanted: "open key store " + f.path, Detail: detail}
}

// read gives header and sealed part of the file as it is now.
func (f *File) read() (h header, sealed []byte, info fs.FileInfo, err error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil, nil, f.fault(ErrAbsent, "")
	}
	if err != nil {
		return h, nil, nil, fmt.Errorf("cannot open key store: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	if info, err = file.Stat(); err != nil {
		return h, nil, nil, fmt.Errorf("cannot open key store: %w", err)
	}
	if err := private(f.path, info); err != nil {
		return h, nil, nil, err
	}
	b, err := io.ReadAll(io.LimitReader(file, sealedMax+1))
	switch {
	case err != nil:
		return h, nil, nil, fmt.Errorf("cannot open key store: %w", err)
	case len(b) > sealedMax:
		return h, nil, nil, f.fault(ErrDamaged, "it is too long")
	}
	if h, sealed, err = parseHeader(b); err != nil {
		return h, nil, nil, f.fault(err, "")
	}
	return h, sealed, info, nil
}

// refresh takes up what another process wrote. The caller has mu, or f alone.
func (f *File) refresh() error {
	if f.key.Len() == 0 {
		return f.fault(ErrGone, "it was closed")
	}
	if now, err := os.Stat(f.path); err == nil && f.seen != nil && os.SameFile(now, f.seen) && now.ModTime().Equal(f.seen.ModTime()) && now.Size() == f.seen.Size() {
		return nil // every change is a new file
	}
	h, sealed, info, err := f.read()
	if err != nil {
		return err
	}
	if h != f.header {
		return f.fault(ErrGone, "another store is in its place")
	}
	entries, err := unseal(h, f.key, sealed)
	if err != nil {
		return f.fault(err, "")
	}
	destroyAll(f.entries)
	f.entries, f.seen = entries, info
	return nil
}

// write makes entries the content of the file. The caller has mu and the turn.
func (f *File) write(entries []entry) error {
	sealed, err := seal(f.header, f.key, entries)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(f.path, sealed, durable.Mode); err != nil {
		return unwritten(f.path, err)
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("cannot write key store: %w", err)
	}
	f.entries, f.seen = entries, info
	return nil
}

// unwritten says why a file could not be written; a full disk is a full store.
func unwritten(path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return &Error{Kind: ErrFull, Wanted: "write key store " + path, Detail: err.Error()}
	}
	return fmt.Errorf("cannot write key store: %w", err)
}

// change replaces the entries by what edit makes of them, one process at a time. It
// always reads the file anew: were a file system to give a number and a time twice, a
// key that another process took in would be written over.
func (f *File) change(ctx context.Context, edit func([]entry) ([]entry, error)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	end, err := takeTurn(f.path)
	if err != nil {
		return fmt.Errorf("cannot change key store: %w", err)
	}
	defer end()
	f.seen = nil
	if err := f.refresh(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := edit(slices.Clone(f.entries))
	if err != nil {
		return err
	}
	return f.write(entries)
}

// add puts a key in; its bytes are the store's from now on, and once it is in, whoever
// refreshes may destroy them: so it is described before.
func (f *File) add(ctx context.Context, id ID, key secret.Bytes) (k Key, err error) {
	err = f.change(ctx, func(entries []entry) ([]entry, error) {
		if find(entries, id) >= 0 {
			return nil, &Error{Kind: ErrExists, Wanted: "take in " + id.String()}
		}
		if k, err = (entry{id, key}).public(); err != nil {
			return nil, err
		}
		return append(entries, entry{id, key}), nil
	})
	if err != nil {
		key.Destroy()
		return Key{}, err
	}
	return k, nil
}

// Generate implements Keeper.
func (f *File) Generate(ctx context.Context, id ID, size int) (Key, error) {
	if err := checkNew(id, size); err != nil {
		return Key{}, err
	}
	b := make([]byte, size)
	defer clear(b)
	_, _ = rand.Read(b) // crypto/rand ends the program rather than fail
	return f.add(ctx, id, secret.New(b))
}

// Import implements Keeper.
func (f *File) Import(ctx context.Context, id ID, key secret.Bytes) (Key, error) {
	if err := checkNew(id, key.Len()); err != nil {
		return Key{}, err
	}
	own, err := copyOf(key)
	if err != nil {
		return Key{}, err
	}
	return f.add(ctx, id, own)
}

func copyOf(s secret.Bytes) (out secret.Bytes, err error) {
	err = s.Lend(func(b []byte) error { out = secret.New(b); return nil })
	return out, err
}

// Destroy implements Keeper. The file no longer holds the key; the blocks of the disk
// where it stood, sealed, are the file system's.
func (f *File) Destroy(ctx context.Context, id ID) error {
	var gone secret.Bytes
	err := f.change(ctx, func(entries []entry) ([]entry, error) {
		i := find(entries, id)
		if i < 0 {
			return nil, &Error{Kind: ErrNoKey, Wanted: "destroy " + id.String()}
		}
		gone = entries[i].key
		return slices.Delete(entries, i, i+1), nil
	})
	if err == nil {
		gone.Destroy()
	}
	return err
}

// lend gives f.entries' key of that ID to use, under the lock.
func (f *File) lend(ctx context.Context, wanted string, id ID, use func(entry) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refresh(); err != nil {
		return err
	}
	i := find(f.entries, id)
	if i < 0 {
		return &Error{Kind: ErrNoKey, Wanted: wanted}
	}
	return use(f.entries[i])
}

// List implements Store.
func (f *File) List(ctx context.Context) ([]Key, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refresh(); err != nil {
		return nil, err
	}
	keys := make([]Key, 0, len(f.entries))
	for _, e := range f.entries {
		k, err := e.public()
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	sortKeys(keys)
	return keys, nil
}

func sortKeys(keys []Key) {
	slices.SortFunc(keys, func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.Use, b.Use), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Label, b.Label))
	})
}

// public is what may be told of an entry.
func (e entry) public() (Key, error) {
	if e.Use == Signing {
		s, err := e.signer()
		if err != nil {
			return Key{}, err
		}
		return Key{ID: e.ID, Bits: bitsOf(s.Public()), Public: s.Public()}, nil
	}
	kcv, err := KCVOf(e.key)
	return Key{ID: e.ID, Bits: 8 * e.key.Len(), KCV: kcv}, err
}

// Card implements Store.
func (f *File) Card(ctx context.Context, version byte, kdd [10]byte) (CardKeys, error) {
	k := &fileCard{store: f, kdd: kdd, wanted: fmt.Sprintf("use keys of master %02X", version)}
	wanted := fmt.Sprintf("derive keys of master %02X", version)
	err := f.lend(ctx, wanted, ID{Use: Master, Version: version}, func(e entry) (err error) {
		if k.keys, err = scp03.Diversify(e.key, kdd); err == nil {
			f.cards[k] = struct{}{}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Close implements Store. It waits for what a card's keys are being used for.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k := range f.cards {
		k.end()
	}
	clear(f.cards)
	destroyAll(f.entries)
	f.entries = nil
	f.key.Destroy()
	return nil
}

// String shows the place and nothing secret.
func (f *File) String() string { return "key store " + f.path }

// Format shows what String shows whatever the verb.
func (f *File) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.String()) }
