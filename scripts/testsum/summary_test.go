package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Streams as go test -json of Go 1.26 writes them, cut to the fields that count.
func TestSummary(t *testing.T) {
	rows := []struct {
		name   string
		stream string
		want   string // the closing line
		shows  string // must be printed
		hides  string // must not be printed
		good   bool
	}{
		{
			name: "passes are counted, subtests too, and say nothing",
			stream: `{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA/sub"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"ok  \tp\t(cached)\n"}
{"Action":"pass","Package":"p","Elapsed":1.5}`,
			want: "2 passed, 0 failed, 0 skipped", shows: "(cached)", hides: "chatter", good: true,
		},
		{
			name: "a failed test shows all it said",
			stream: `{"Action":"output","Package":"p","Test":"TestA","Output":"got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"fail","Package":"p"}`,
			want: "1 passed, 1 failed, 0 skipped", shows: "got 1, want 2",
		},
		{
			name: "a skipped test shows why",
			stream: `{"Action":"output","Package":"p","Test":"TestA","Output":"install opensc\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p"}`,
			want: "1 passed, 0 failed, 1 skipped", shows: "install opensc", good: true,
		},
		{
			name: "a package that does not build is one failure",
			stream: `{"ImportPath":"p","Action":"build-output","Output":"p.go:3:1: syntax error\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"fail","Package":"p","FailedBuild":"p"}`,
			want: "0 passed, 1 failed, 0 skipped", shows: "syntax error",
		},
		{
			name: "a test that never ended is one failure and shown",
			stream: `{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"p"}`,
			want: "1 passed, 1 failed, 0 skipped", shows: "panic: test timed out",
		},
		{
			name:   "no test at all is not good",
			stream: `{"Action":"skip","Package":"p"}`,
			want:   "0 passed, 0 failed, 0 skipped",
		},
		{
			name:   "a line that is no event is shown",
			stream: "go: cannot find module\n",
			want:   "0 passed, 0 failed, 0 skipped", shows: "cannot find module",
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var out strings.Builder
			sum := newSummary(&out)
			if err := sum.read(strings.NewReader(row.stream)); err != nil {
				t.Fatal(err)
			}
			if got := sum.String(); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if sum.good() != row.good {
				t.Errorf("good is %t, want %t", sum.good(), row.good)
			}
			if !strings.Contains(out.String(), row.shows) {
				t.Errorf("output lacks %q:\n%s", row.shows, &out)
			}
			if row.hides != "" && strings.Contains(out.String(), row.hides) {
				t.Errorf("output has %q:\n%s", row.hides, &out)
			}
		})
	}
}

func TestSaveWritesTheCounts(t *testing.T) {
	name := filepath.Join(t.TempDir(), "counts", "unit")
	if err := save(name, &summary{Passed: 3, Failed: 1, Skipped: 2}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != "3 1 2\n" {
		t.Errorf("got %q", got)
	}
}

func FuzzSummary(f *testing.F) {
	f.Add(`{"Action":"fail","Package":"p"}` + "\n" + `{"Action":"pass","Package":"p","Test":"T"}`)
	f.Add("not json\n")
	f.Fuzz(func(t *testing.T, stream string) {
		sum := newSummary(io.Discard)
		if err := sum.read(strings.NewReader(stream)); err != nil {
			t.Fatal(err)
		}
		if events := strings.Count(stream, "\n") + 1; sum.Passed+sum.Failed+sum.Skipped > events {
			t.Errorf("%v from %d lines", sum, events)
		}
	})
}
