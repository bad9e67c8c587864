package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
)

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath   string
	Dir          string
	TestGoFiles  []string
	XTestGoFiles []string
}

// target is one fuzz function.
type target struct {
	Package string // import path
	Dir     string
	Name    string // FuzzX
}

// findTargets reads the test source of the packages that patterns match. Reading
// is quicker than go test -list, which links every test binary first.
func findTargets(patterns []string) ([]target, error) {
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles"}, patterns...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("cannot list packages: %v: %s", err, &stderr)
	}
	var found []target
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("cannot read what go list said: %v", err)
		}
		in, err := targetsIn(p)
		if err != nil {
			return nil, err
		}
		found = append(found, in...)
	}
}

func targetsIn(p pkg) ([]target, error) {
	var found []target
	for _, file := range append(p.TestGoFiles, p.XTestGoFiles...) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("cannot look for fuzz targets: %v", err)
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && isTarget(f) {
				found = append(found, target{Package: p.ImportPath, Dir: p.Dir, Name: f.Name.Name})
			}
		}
	}
	return found, nil
}

// isTarget is whether f is func FuzzX(*testing.F).
func isTarget(f *ast.FuncDecl) bool {
	if f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Fuzz") || len(f.Type.Params.List) != 1 {
		return false
	}
	star, ok := f.Type.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	sel, ok := star.X.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "F"
}
