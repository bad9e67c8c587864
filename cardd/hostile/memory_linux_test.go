package hostile

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestHonestCards issues some: what it takes is what hostile cards are measured by.
func TestHonestCards(t *testing.T) {
	for _, short := range []bool{false, true} {
		s := newStage(t, short)
		for range 8 {
			real := s.twin()
			if out := s.try(t.Context(), real, real, false, 0); !out.done() || len(out.wrong) > 0 {
				t.Fatalf("the job ended %s: %s %q", out.word(), out.job.Reason, out.wrong)
			}
		}
	}
}

// TestMemoryUnderHostileCards runs honest cards and hostile ones in a process each, and
// compares the most memory they ever held.
func TestMemoryUnderHostileCards(t *testing.T) {
	honest := peak(t, "-test.run=^TestHonestCards$")
	hostile := peak(t, "-test.run=^(TestAMillionMalformedReplies|TestTheTechniciansCommandsBearAnyAnswer)$", fmt.Sprintf("-hostile.replies=%d", *repliesWanted/8))
	t.Logf("memory: %d MiB with honest cards, %d MiB with hostile ones", honest>>20, hostile>>20)
	if hostile > honest+memoryMax {
		t.Errorf("hostile cards take %d MiB more than honest ones, at most %d", (hostile-honest)>>20, memoryMax>>20)
	}
}

// peak is the most bytes of memory that a run of this test binary held at once.
func peak(t *testing.T, arguments ...string) int64 {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, arguments...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", arguments, err, out)
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10 // getrusage(2): KiB
}
