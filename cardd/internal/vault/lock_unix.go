//go:build unix

package vault

import "golang.org/x/sys/unix"

// lock keeps the pages of b in memory (mlock(2)).
func lock(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return unix.Mlock(b)
}
