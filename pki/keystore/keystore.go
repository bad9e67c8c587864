// Package keystore keeps the keys that issuing rests on where nobody can read them:
// the master keys of the cards' issuer domains, the transport keys under which further
// keys arrive, and the signing keys of a certificate authority.
//
// There are two kinds of store, judged by one suite. [OpenHSM] speaks PKCS #11 v2.40
// to a hardware module: no AES key that it makes or takes in, and none it derives, can
// be read again, and every use of one happens inside. [OpenFile] is for a terminal
// without a module: one sealed file (AES-256-GCM under Argon2id of a passphrase, or
// under a machine credential) whose keys are in this process's memory while the store
// is open. Both give the same card keys for the same master: those of scp03.Diversify.
//
// What every store can do is [Store]; what else one can is a further interface, asked
// for by a type assertion: [Keeper], [Unwrapper], [Signers]. No interface gives a key's
// bytes away, neither of a master nor of a card.
//
// It leaves out copies from one store to another, other than in wrapped form, and the
// setting up of a module: its maker's tools make token and PIN.
package keystore

import (
	"context"
	"crypto"
	"fmt"
	"io"

	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
)

// Use says what a key is for. A key does nothing else.
type Use byte

// The uses.
const (
	Master    Use = 1 // derives the keys of cards
	Transport Use = 2 // unwraps keys that come from elsewhere
	Signing   Use = 3 // signs
)

// String is "master", "transport" or "signing".
func (u Use) String() string {
	switch u {
	case Master:
		return "master"
	case Transport:
		return "transport"
	case Signing:
		return "signing"
	}
	return fmt.Sprintf("use %d", byte(u))
}

// Bounds of an ID.
const (
	VersionMax = 0x7F // of a key version (GPC_SPE_034 v2.3.1, 11.8.2.1)
	labelMax   = 64   // bytes
)

// ID names a key. A master is told from others by its version, which cards state, and
// its label is for people; the other keys have no version and are told by their label.
type ID struct {
	Use     Use
	Version byte   // 01 to 7F of a master; else 0
	Label   string // 1 to 64 printable ASCII characters
}

// String is "master 30 (label)" or "transport label".
func (id ID) String() string {
	if id.Use == Master {
		return fmt.Sprintf("master %02X (%s)", id.Version, id.Label)
	}
	return fmt.Sprintf("%v %s", id.Use, id.Label)
}

// same says whether two IDs name one key.
func (id ID) same(other ID) bool {
	return id.Use == other.Use && id.Version == other.Version && (id.Use == Master || id.Label == other.Label)
}

// Check refuses what cannot name a key.
func (id ID) Check() error {
	switch {
	case id.Use != Master && id.Use != Transport && id.Use != Signing:
		return fmt.Errorf("cannot name key: %v is none; want master, transport or signing", id.Use)
	case id.Use == Master && (id.Version == 0 || id.Version > VersionMax):
		return fmt.Errorf("cannot name key: version %02X of a master; want 01 to %02X, as cards state it", id.Version, VersionMax)
	case id.Use != Master && id.Version != 0:
		return fmt.Errorf("cannot name key: a %v key has no version", id.Use)
	case !printable(id.Label):
		return fmt.Errorf("cannot name key: its label must have 1 to %d printable ASCII characters", labelMax)
	}
	return nil
}

func printable(label string) bool {
	for _, c := range []byte(label) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(label) > 0 && len(label) <= labelMax
}

// Algorithm is what a signing key is.
type Algorithm string

// The algorithms.
const (
	RSA2048 Algorithm = "RSA-2048"
	P384    Algorithm = "P-384"
)

// Key is what may be told of a key.
type Key struct {
	ID
	Bits   int              // 128, 192 or 256 of AES, 2048 of RSA, 384 of P-384
	KCV    KCV              // of an AES key
	Public crypto.PublicKey // of a signing key, else nil
}

// Store is what issuing needs of a key store. Its methods may be called by several
// goroutines. Their errors are an [*Error] where an operator can do something.
type Store interface {
	// List gives every key, by use, version and label.
	List(ctx context.Context) ([]Key, error)
	// Card derives the keys of the card with diversification data kdd from the master
	// of that version, inside. The caller closes them. [ErrNoKey] when there is none.
	Card(ctx context.Context, version byte, kdd [10]byte) (CardKeys, error)
	// Close gives the store up; keys of cards that are still open end.
	Close() error
}

// CardKeys are the SCP03 keys of one card in the store. They are used by one goroutine.
// Close destroys them; a second Close does nothing. Keys of a store are a [Successor]
// as well.
type CardKeys interface {
	scp03.Keys
	io.Closer
}

// Successor is implemented by CardKeys whose store can change a card's keys.
type Successor interface {
	// Successor derives the same card's keys from the master of another version and
	// wraps them under this set's DEK key for PUT KEY, inside the store.
	Successor(ctx context.Context, version byte) ([3]scp03.WrappedKey, error)
}

// Keeper is implemented by stores that make and take AES keys, masters and transport
// keys. What it returned is durable.
type Keeper interface {
	// Generate makes a key of 16, 24 or 32 random bytes inside. [ErrExists] when there
	// is one of that ID.
	Generate(ctx context.Context, id ID, size int) (Key, error)
	// Import takes a key of 16, 24 or 32 bytes in. It stays the caller's to destroy.
	Import(ctx context.Context, id ID, key secret.Bytes) (Key, error)
	// Destroy ends a key of any use for good; [ErrNoKey] when there is none.
	Destroy(ctx context.Context, id ID) error
}

// Unwrapper is implemented by stores that take keys in wrapped form, so that they are
// never in the clear outside.
type Unwrapper interface {
	// Unwrap takes in the key in w, wrapped under the transport key of that label.
	// Nothing is kept where its check value is not want: [ErrCheckValue].
	Unwrap(ctx context.Context, id ID, under string, w Wrapped, want KCV) (Key, error)
}

// Signers is implemented by stores that hold signing keys. A signer's Sign takes
// PKCS #1 v1.5, with crypto.Hash(0) of a DigestInfo as it stands, for RSA, and gives
// ASN.1 for ECDSA.
type Signers interface {
	// GenerateSigner makes a signing key inside; [ErrExists] when there is one.
	GenerateSigner(ctx context.Context, label string, a Algorithm) (crypto.Signer, error)
	// Signer finds one; [ErrNoKey] when there is none.
	Signer(ctx context.Context, label string) (crypto.Signer, error)
}

// Finder gives scp03 the keys of whatever version and card it meets. The session
// closes them.
func Finder(s Store) scp03.KeyFinder {
	return func(ctx context.Context, version byte, kdd [10]byte) (scp03.Keys, error) {
		k, err := s.Card(ctx, version, kdd)
		if err != nil {
			return nil, err // an interface around no keys would not be nil
		}
		return k, nil
	}
}

func checkSize(n int) error {
	if n != 16 && n != 24 && n != 32 {
		return fmt.Errorf("cannot take AES key of %d bytes: it has 16, 24 or 32", n)
	}
	return nil
}

// checkNew refuses an ID and size that no AES key has.
func checkNew(id ID, size int) error {
	if err := id.Check(); err != nil {
		return err
	}
	if id.Use == Signing {
		return fmt.Errorf("cannot make %v: a signing key is made by GenerateSigner", id)
	}
	return checkSize(size)
}
