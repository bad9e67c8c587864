// Command fuzz finds every fuzz target and runs each for a while, a few at once
// on one core each. A test binary is built once a package, with the fuzzer's
// instrumentation, however many targets it holds.
//
// A failing input is kept by go under the package's testdata/fuzz, from where
// `go test` runs it ever after; commit it with the fix. Inputs that reached new
// code are kept under build/fuzz and start the next run.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

func main() {
	each := flag.Duration("time", 10*time.Second, "how long to fuzz each target")
	jobs := flag.Int("jobs", 6, "how many targets at once")
	counts := flag.String("counts", "", "file to write \"passed failed skipped\" to")
	flag.Parse()
	patterns := flag.Args()
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	failed, total, err := fuzzAll(patterns, *each, *jobs)
	if err == nil && *counts != "" {
		err = save(*counts, total-failed, failed)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%d passed, %d failed\n", total-failed, failed)
	if failed > 0 || total == 0 {
		os.Exit(1)
	}
}

// fuzzAll builds what it needs, then keeps jobs targets going until all have run.
func fuzzAll(patterns []string, each time.Duration, jobs int) (failed, total int, err error) {
	targets, err := findTargets(patterns)
	if err != nil {
		return 0, 0, err
	}
	work, err := filepath.Abs("build/fuzz")
	if err != nil {
		return 0, 0, fmt.Errorf("cannot find build/fuzz: %v", err)
	}
	binaries, err := buildAll(targets, work)
	if err != nil {
		return 0, 0, err
	}
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		slots = make(chan struct{}, jobs)
	)
	for _, t := range targets {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			out, err := fuzz(t, binaries[t.Package], filepath.Join(work, "corpus", t.Package), each)
			mu.Lock()
			defer mu.Unlock()
			if report(t, out, err) {
				failed++
			}
		})
	}
	group.Wait()
	return failed, len(targets), nil
}

// buildAll builds one instrumented test binary for each package with targets, as many at
// once as there are cores: linking is most of it and uses one.
func buildAll(targets []target, work string) (map[string]string, error) {
	binaries := map[string]string{}
	for _, t := range targets {
		binaries[t.Package] = filepath.Join(work, "bin", t.Package+".test")
	}
	var (
		group  sync.WaitGroup
		slots  = make(chan struct{}, runtime.GOMAXPROCS(0))
		failed = make(chan error, len(binaries))
	)
	for of, bin := range binaries {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			failed <- build(of, bin)
		})
	}
	group.Wait()
	close(failed)
	var err error
	for e := range failed {
		err = errors.Join(err, e)
	}
	return binaries, err
}

func build(of, bin string) error {
	if err := os.MkdirAll(path.Dir(bin), 0o755); err != nil {
		return fmt.Errorf("cannot build fuzz targets: %v", err)
	}
	// -fuzz turns the instrumentation on; which targets match is said when it runs.
	cmd := exec.Command("go", "test", "-c", "-fuzz=.", "-vet=off", "-o", bin, of)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build the fuzz targets of %s: %v\n%s", of, err, out)
	}
	return nil
}

// fuzz runs one target on one core, in its package's folder as go test does.
func fuzz(t target, bin, corpus string, each time.Duration) ([]byte, error) {
	cmd := exec.Command(bin, "-test.run=^$", "-test.fuzz=^"+t.Name+"$",
		"-test.fuzztime="+each.String(), "-test.parallel=1", "-test.fuzzcachedir="+corpus,
		"-test.fuzzminimizetime=5s", "-test.timeout="+(each+2*time.Minute).String())
	cmd.Dir = t.Dir
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	return cmd.CombinedOutput()
}

// report prints a target's line and, when it failed, all it said.
func report(t target, out []byte, err error) (failed bool) {
	if err == nil {
		fmt.Printf("ok   %s %s\n", t.Package, t.Name)
		return false
	}
	fmt.Printf("FAIL %s %s: %v\n%s", t.Package, t.Name, err, out)
	fmt.Printf("again: go test -run '^%s$' %s (the input is in its testdata/fuzz), or go run ./scripts/fuzz %s\n", t.Name, t.Package, t.Package)
	return true
}

// save writes the counts where scripts/test.sh adds them up.
func save(name string, passed, failed int) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("cannot keep the counts: %v", err)
	}
	if err := os.WriteFile(name, fmt.Appendf(nil, "%d %d 0\n", passed, failed), 0o644); err != nil {
		return fmt.Errorf("cannot keep the counts: %v", err)
	}
	return nil
}
