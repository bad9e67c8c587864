package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// shield keeps the kernel from writing this process's memory into a core file, and,
// where real cards are issued, other processes of the same user from reading it
// (prctl(2), PR_SET_DUMPABLE): root alone still can. A laboratory may look into its
// own daemon.
func shield(lab bool) error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("cannot forbid core files: %w", err)
	}
	if lab {
		return nil
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot close memory to other processes: %w", err)
	}
	return nil
}
