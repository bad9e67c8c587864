//go:build unix

package keystore

import (
	"os"

	"golang.org/x/sys/unix"
)

// takeTurn waits until no other process changes the store at path.
func takeTurn(path string) (end func(), err error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, modeOwner)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		_ = f.Close() // the first error is the one to tell
		return nil, err
	}
	return func() { _ = f.Close() }, nil // closing ends the lock
}
