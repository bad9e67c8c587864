//go:build crashpoint

package journal

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
)

// EnvCrash names the boundary, counted from 1 in one life of the process, at which a
// program built with the tag crashpoint kills itself with SIGKILL: no deferred call
// runs, no buffer is written. With 0 it lives and says "boundary N" on standard error
// at each, so that they can be counted. Such a program is for the kill tests alone.
const EnvCrash = "JUKICARD_CRASH_AT"

var (
	passed       atomic.Int64
	crashAt, set = crashPoint()
)

func crashPoint() (at int64, set bool) {
	at, err := strconv.ParseInt(os.Getenv(EnvCrash), 10, 64)
	return at, err == nil
}

// boundary is passed before and behind every transaction.
func boundary() {
	n := passed.Add(1)
	switch {
	case !set:
	case crashAt == 0:
		fmt.Fprintln(os.Stderr, "boundary", n)
	case n == crashAt:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}
