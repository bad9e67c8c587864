package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestTargetsIn(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a_test.go", `package a
import "testing"
func FuzzOne(f *testing.F) {}
func FuzzHelper(x int) {}
func TestFuzzy(t *testing.T) {}
func (s suite) FuzzMethod(f *testing.F) {}
`)
	write("b_test.go", "package a_test\nimport \"testing\"\nfunc FuzzTwo(f *testing.F) {}\n")
	found, err := targetsIn(pkg{ImportPath: "m/a", Dir: dir, TestGoFiles: []string{"a_test.go"}, XTestGoFiles: []string{"b_test.go"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []target{{"m/a", dir, "FuzzOne"}, {"m/a", dir, "FuzzTwo"}}
	if !slices.Equal(found, want) {
		t.Errorf("got %v, want %v", found, want)
	}
}

func TestTargetsInRefusesSourceThatDoesNotParse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a_test.go"), []byte("package"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := targetsIn(pkg{Dir: dir, TestGoFiles: []string{"a_test.go"}}); err == nil {
		t.Error("got no error")
	}
}

func TestFindTargetsSeesThisModule(t *testing.T) {
	found, err := findTargets([]string{"jukicard/scripts/..."})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Error("found none, but scripts/testsum has one")
	}
}
