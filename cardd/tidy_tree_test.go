package main_test

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "jukicard"

// source is one Go file of ours, whatever system it is for: the build that runs
// the tests must not hide what another build would import.
type source struct {
	path    string // from the root: "reader/pcsc/card.go"
	pkg     string // its folder: "reader/pcsc"; "." never occurs
	test    bool   // _test.go
	written bool   // by hand, not generated
	syntax  *ast.File
	fset    *token.FileSet
	imports []string
}

// tree is every Go file of this module.
type tree struct{ files []source }

// load reads the module once for all tests.
var load = sync.OnceValues(func() (*tree, error) {
	root := os.DirFS("..")
	t := &tree{}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipped(name)
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		f, err := parse(name)
		t.files = append(t.files, f)
		return err
	})
	return t, err
})

// skipped leaves out what is not this module's source: what was built, other
// modules, and what the go command itself does not look at.
func skipped(dir string) error {
	switch base := path.Base(dir); {
	case dir == ".":
		return nil
	case base == "testdata", base == "node_modules", base[0] == '.', base[0] == '_',
		dir == "build", dir == "bin", dir == "demo":
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join("..", dir, "go.mod")); !errors.Is(err, fs.ErrNotExist) {
		return fs.SkipDir
	}
	return nil
}

func parse(name string) (source, error) {
	f := source{path: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), fset: token.NewFileSet()}
	var err error
	f.syntax, err = parser.ParseFile(f.fset, filepath.Join("..", name), nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return f, err
	}
	f.written = !ast.IsGenerated(f.syntax)
	for _, spec := range f.syntax.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			f.imports = append(f.imports, p)
		}
	}
	return f, nil
}

// sources is the module's source; it ends the test when some of it does not parse.
func sources(t *testing.T) *tree {
	t.Helper()
	all, err := load()
	if err != nil {
		t.Fatalf("cannot read the source: %v", err)
	}
	return all
}

// program are the files that end up in programs.
func (t *tree) program() []source {
	return slices.DeleteFunc(slices.Clone(t.files), func(f source) bool { return f.test })
}

// tests are the test files and the packages that exist for tests alone.
func (t *tree) tests() []source {
	return slices.DeleteFunc(slices.Clone(t.files), func(f source) bool { return !f.test && !forTests(f.pkg) })
}

// packages are the folders with Go files, sorted.
func (t *tree) packages() []string {
	seen := map[string]bool{}
	for _, f := range t.files {
		seen[f.pkg] = true
	}
	return sorted(seen)
}

// imported is what the programs' files of each package import: our own packages
// by folder, others by import path.
func (t *tree) imported() map[string]map[string]bool {
	graph := map[string]map[string]bool{}
	for _, f := range t.program() {
		if graph[f.pkg] == nil {
			graph[f.pkg] = map[string]bool{}
		}
		for _, p := range f.imports {
			graph[f.pkg][strings.TrimPrefix(p, module+"/")] = true
		}
	}
	return graph
}

// chain is the shortest way of imports from one package to one that bad holds
// for, or nil.
func chain(graph map[string]map[string]bool, from string, bad func(string) bool) []string {
	ways := [][]string{{from}}
	seen := map[string]bool{from: true}
	for len(ways) > 0 {
		way := ways[0]
		ways = ways[1:]
		for _, next := range sorted(graph[way[len(way)-1]]) {
			longer := append(slices.Clone(way), next)
			if bad(next) {
				return longer
			}
			if !seen[next] {
				seen[next] = true
				ways = append(ways, longer)
			}
		}
	}
	return nil
}

// at is a place in a file, as editors want it.
func (f *source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.path, f.fset.Position(n.Pos()).Line)
}

// calls are the calls of a function of a package, as in time.Sleep, found under
// whatever name the file imports the package.
func (f *source) calls(importPath string, names ...string) []ast.Node {
	local := f.local(importPath)
	if local == "" {
		return nil
	}
	var found []ast.Node
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local && slices.Contains(names, sel.Sel.Name) {
				found = append(found, sel)
			}
		}
		return true
	})
	return found
}

// local is the name under which a file knows an import; empty when it does not.
func (f *source) local(importPath string) string {
	for _, spec := range f.syntax.Imports {
		if spec.Path.Value != strconv.Quote(importPath) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}

// within is whether a package is one of these folders or under one.
func within(pkg string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return pkg == f || strings.HasPrefix(pkg, f+"/") })
}

// forTests is whether a package exists for tests alone: readertest, pkitest.
func forTests(pkg string) bool { return strings.HasSuffix(pkg, "test") }

// isOurs is whether an import, as imported gives it, is a package of this module.
func (t *tree) isOurs(p string) bool { return slices.Contains(t.packages(), p) }

// isThird is whether it is neither ours nor the standard library's.
func isThird(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return strings.Contains(first, ".")
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
