//go:build !unix

package journal

import (
	"errors"
	"os"
)

// lockFile refuses: without flock nothing keeps a second daemon out, and cardd is
// a daemon for Linux.
func lockFile(string) (*os.File, error) {
	return nil, errors.New("this system has no flock, which keeps a second daemon out")
}
