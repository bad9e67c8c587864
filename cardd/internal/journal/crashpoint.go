//go:build crashpoint

package journal

import (
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
)

// EnvCrash names the boundary, counted from 1 in one life of the process, at which a
// program built with the tag crashpoint kills itself with SIGKILL: no deferred call
// runs, no buffer is written. Such a program is for the kill tests alone.
const EnvCrash = "JUKICARD_CRASH_AT"

var (
	passed  atomic.Int64
	crashAt = func() int64 {
		n, _ := strconv.ParseInt(os.Getenv(EnvCrash), 10, 64)
		return n
	}()
)

// boundary is passed before and behind every transaction.
func boundary() {
	if passed.Add(1) == crashAt {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}
