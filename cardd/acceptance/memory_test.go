package acceptance

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// piece is how much of a process's memory is read at once; pieces overlap by the
// longest pattern.
const piece = 4 << 20

// memory reads all that a live process has mapped and may read.
func memory(t testing.TB, pid int, each func(b []byte)) {
	t.Helper()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = maps.Close() }()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mem.Close() }()
	buffer, read := make([]byte, piece+patternMax), 0
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if strings.Contains(lines.Text(), "[v") {
			continue // the kernel's own pages
		}
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		for at := from; mode[0] == 'r' && at < to; at += piece {
			n, _ := mem.ReadAt(buffer[:min(int64(len(buffer)), to-at)], at) // what was unmapped meanwhile is gone
			each(buffer[:n])
			read += n
		}
	}
	if read < piece {
		t.Fatalf("only %d bytes of the process could be read", read)
	}
}
