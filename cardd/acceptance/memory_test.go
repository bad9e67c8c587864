package acceptance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

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
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if strings.Contains(lines.Text(), "[v") {
			continue // the kernel's own pages
		}
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if mode[0] != 'r' {
			continue
		}
		b := make([]byte, to-from)
		if _, err := mem.ReadAt(b, from); err != nil && !errors.Is(err, io.EOF) {
			continue // unmapped meanwhile
		}
		each(b)
	}
}
