package hostile

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// peak is the most bytes of memory that this process held at once. getrusage(2) would
// count those of its parent too, of which a process is a copy at first.
func peak() (int64, error) {
	status, err := os.ReadFile("/proc/self/status") // proc_pid_status(5)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if f := bytes.Fields(line); len(f) == 3 && string(f[0]) == "VmHWM:" {
			kib, err := strconv.ParseInt(string(f[1]), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("cannot read the most memory: /proc/self/status does not tell VmHWM")
}
