package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is one line of go test -json, as `go doc test2json` describes it. Build
// output names its package in ImportPath, test output in Package.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
	Elapsed    float64
}

// summary counts tests and subtests alike.
type summary struct {
	Passed, Failed, Skipped int

	out      io.Writer
	said     map[string]*strings.Builder // output held back, by package and test
	failedIn map[string]bool             // packages with a failed test of their own
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, said: map[string]*strings.Builder{}, failedIn: map[string]bool{}}
}

// String is the closing line.
func (s *summary) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", s.Passed, s.Failed, s.Skipped)
}

// good is whether tests ran and all of them passed.
func (s *summary) good() bool { return s.Failed == 0 && s.Passed > 0 }

// read takes in events until r ends. A line that is no event is printed as it is.
func (s *summary) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			s.line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read from go test: %v", err)
		}
	}
}

func (s *summary) line(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil {
		s.printf("%s", line)
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		s.printf("%s", e.Output)
	case "output":
		if s.said[key] == nil {
			s.said[key] = &strings.Builder{}
		}
		s.said[key].WriteString(e.Output)
	case "pass", "fail", "skip":
		s.end(e, key)
	}
}

// end takes in the end of a test, or, without a test's name, of a package.
func (s *summary) end(e event, key string) {
	said := ""
	if b := s.said[key]; b != nil {
		said = b.String()
		delete(s.said, key)
	}
	if e.Test == "" {
		s.endPackage(e, said)
		return
	}
	switch e.Action {
	case "pass":
		s.Passed++
	case "skip":
		s.Skipped++
		s.printf("skip %s %s\n%s", e.Package, e.Test, said)
	case "fail":
		s.Failed++
		s.failedIn[e.Package] = true
		s.printf("FAIL %s %s\n%s", e.Package, e.Test, said)
	}
}

// endPackage prints the package's line. A package that failed without a failed
// test did not build, panicked or ran out of time: that is one failure, and what
// its unfinished tests said is shown.
func (s *summary) endPackage(e event, said string) {
	if e.Action != "fail" {
		if !strings.Contains(said, "[no test files]") {
			s.printf("ok   %-44s %6.1f s%s\n", e.Package, e.Elapsed, cached(said))
		}
		return
	}
	if !s.failedIn[e.Package] {
		s.Failed++
		s.printf("%s", said)
		for key, b := range s.said {
			if strings.HasPrefix(key, e.Package+" ") {
				s.printf("FAIL %s did not end\n%s", key, b.String())
			}
		}
	}
	s.printf("FAIL %-44s %6.1f s\n", e.Package, e.Elapsed)
}

func cached(said string) string {
	if strings.Contains(said, "(cached)") {
		return " (cached)"
	}
	return ""
}

func (s *summary) printf(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format, args...) }
