//go:build unix

package keystore

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"jukicard/durable"
)

// takeTurn waits until no other process changes the store at path.
func takeTurn(path string) (end func(), err error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, durable.Mode)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		_ = f.Close() // the first error is the one to tell
		return nil, err
	}
	return func() { _ = f.Close() }, nil // closing ends the lock
}

// ownedByUs says whether a file is the user's that this process runs as.
func ownedByUs(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(stat.Uid) == os.Geteuid()
}
