package keystore

import (
	"fmt"
	"io/fs"
	"runtime"
)

// private refuses a file that others may read or write, and one of another user: to
// change it would make it this user's, and lock the other out.
func private(path string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("cannot use %s: it is not a file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0: // Windows has no such bits
		return fmt.Errorf("cannot use %s: others may read or write it (mode %04o); chmod 600 it, and think who may have read it", path, info.Mode().Perm())
	case !ownedByUs(info):
		return fmt.Errorf("cannot use %s: it belongs to another user; run this as that user", path)
	}
	return nil
}
