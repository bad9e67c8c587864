// Command testsum runs go test and counts: one line a package while it goes,
// the whole output of each test that failed, the reason of each that was
// skipped, and at the end "N passed, N failed, N skipped". Everything after --
// goes to go test.
//
// It exits non-zero when a test failed, a package did not build, or no test ran.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	counts := flag.String("counts", "", "file to write \"passed failed skipped\" to")
	flag.Parse()
	sum, err := run(flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if *counts != "" {
		if err := save(*counts, sum); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	fmt.Println(sum)
	if !sum.good() {
		os.Exit(1)
	}
}

// run starts go test with -json and reads its events to the end. The exit code
// is not asked: a failure is in the events, and what is not is counted as one.
func run(args []string) (*summary, error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("cannot read from go test: %v", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start go test: %v", err)
	}
	sum := newSummary(os.Stdout)
	readErr := sum.read(out)
	if err := cmd.Wait(); err != nil && sum.Failed == 0 {
		sum.Failed++
		fmt.Printf("FAIL go test: %v\n", err)
	}
	return sum, readErr
}

// save writes the counts where scripts/test.sh adds them up.
func save(name string, sum *summary) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("cannot keep the counts: %v", err)
	}
	line := fmt.Sprintf("%d %d %d\n", sum.Passed, sum.Failed, sum.Skipped)
	if err := os.WriteFile(name, []byte(line), 0o644); err != nil {
		return fmt.Errorf("cannot keep the counts: %v", err)
	}
	return nil
}
