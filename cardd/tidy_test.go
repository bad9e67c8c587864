// Package main_test keeps the house in order: which package may know which, and
// rules about source that no compiler checks. Each row has its reason.
package main_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pure are the packages that decide and do nothing: the same input is the same
// answer, on every machine and in every replay.
var pure = []string{"cardd/internal/issue", "cardd/plan", "cardd/juki"}

// bench is the program that measures; nobody issues a card with it.
const bench = "cardd/bench"

// TestDirection: who may import whom. Test files are free: they stand outside.
func TestDirection(t *testing.T) {
	all := sources(t)
	rows := []struct {
		name   string
		reason string
		from   func(pkg string) bool
		never  func(imported string) bool
		direct bool // only what a package imports itself, not what that imports
	}{
		{
			"apdu imports nothing of ours", "it is the bottom: everything may rest on it",
			func(p string) bool { return p == "apdu" }, all.isOurs, false,
		},
		{
			"apdu/secret imports nothing of ours", "pki and printer use it, who must not know cards",
			func(p string) bool { return p == "apdu/secret" }, all.isOurs, false,
		},
		{
			"under apdu only apdu is imported", "how a card is spoken to does not depend on who speaks",
			func(p string) bool { return within(p, "apdu") },
			func(p string) bool { return all.isOurs(p) && !within(p, "apdu") }, false,
		},
		{
			"the wire, the plan, the machine and the rules rest on the standard library alone", "what decides over a card must be readable to the end",
			func(p string) bool { return within(p, append([]string{"apdu"}, pure...)...) }, isThird, false,
		},
		{
			"reader knows no daemon, simulator, printer or authority", "a technician's tool needs a reader and nothing else",
			func(p string) bool { return within(p, "reader") && !forTests(p) },
			func(p string) bool { return within(p, "cardd", "simulator", "printer", "pki") }, false,
		},
		{
			"readertest knows of the simulator only what puts cards behind pcscd", "it is the suite that the simulator itself must pass",
			func(p string) bool { return p == "reader/readertest" },
			func(p string) bool {
				return within(p, "cardd", "simulator", "printer", "pki") && !within(p, "simulator/vpcd", "simulator/bed")
			}, true,
		},
		{
			"cardd reaches no simulator and no package for tests", "nothing that pretends may be in a program that issues real cards",
			func(p string) bool { return within(p, "cardd") && !within(p, "cardd/cardsim", bench, "cardd/faults") },
			func(p string) bool { return within(p, "simulator") || all.isOurs(p) && forTests(p) || p == "testing" }, false,
		},
		{
			"simulator never reaches cardd", "it must not share the daemon's mistakes, or it would agree with them",
			func(p string) bool { return within(p, "simulator") },
			func(p string) bool { return within(p, "cardd") }, false,
		},
		{
			"of cardsim only what issues a card knows the daemon", "the simulator as a program is the same simulator; to have a card issued, the real daemon must do it",
			func(p string) bool { return within(p, "cardd/cardsim") && p != "cardd/cardsim/internal/issued" },
			func(p string) bool { return within(p, "cardd/internal", "cardd/plan") }, true,
		},
		{
			"printer and pki know no cards", "plastic and certificates are their own trades; only the key store derives what SCP03 wants",
			func(p string) bool { return within(p, "printer", "pki") && p != "pki/keystore" },
			func(p string) bool { return within(p, "apdu") && p != "apdu/secret" }, false,
		},
		{
			"printer and pki know neither daemon nor simulator", "they can be used and tested alone",
			func(p string) bool { return within(p, "printer", "pki") && !forTests(p) },
			func(p string) bool { return within(p, "cardd", "simulator", "reader") }, false,
		},
		{
			"printertest knows of the simulator only the mechanics of printers", "it judges drivers by what a model's cards took, whatever language the model speaks",
			func(p string) bool { return p == "printer/printertest" },
			func(p string) bool { return within(p, "cardd", "simulator", "reader", "pki") && p != "simulator/press" }, true,
		},
		{
			"what decides does no I/O", "a replay must give the same machine again",
			func(p string) bool { return within(p, pure...) },
			func(p string) bool { return within(p, "os", "net", "context", "syscall", "log", "math/rand") }, true,
		},
	}
	graph := all.imported()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			for _, pkg := range all.packages() {
				if !row.from(pkg) {
					continue
				}
				reach := graph
				if row.direct {
					reach = map[string]map[string]bool{pkg: graph[pkg]}
				}
				if way := chain(reach, pkg, row.never); way != nil {
					t.Errorf("%s; because %s", strings.Join(way, " imports "), row.reason)
				}
			}
		})
	}
}

// cgoAllowed are the packages that may touch C: each wraps one C library, behind
// a build tag, with a fallback that says what is missing.
var cgoAllowed = []string{"reader/pcsc", "printer/wire", "printer/face", "pki/keystore"}

// TestCgo: elsewhere cgo would break `make cross`, and every crash would be a
// memory dump without bounds.
func TestCgo(t *testing.T) {
	withC := cgoPackages(t)
	for _, f := range sources(t).program() {
		if within(f.pkg, cgoAllowed...) {
			continue
		}
		for _, p := range f.imports {
			// The bench measures the bare library beside ours.
			if p == "C" || withC[p] && f.pkg != bench {
				t.Errorf("%s imports %s, which needs a C compiler; only %s may", f.path, p, strings.Join(cgoAllowed, ", "))
			}
		}
	}
}

// cgoPackages are the packages of others that this module builds with C files.
func cgoPackages(t *testing.T) map[string]bool {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Standard,CgoFiles", "../...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	found := map[string]bool{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Standard   bool
			CgoFiles   []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		if !p.Standard && len(p.CgoFiles) > 0 && !strings.HasPrefix(p.ImportPath, module+"/") {
			found[p.ImportPath] = true
		}
	}
}

// TestPureReadsNoClock: a decision that depends on when it was made cannot be
// replayed. Times come in as arguments.
func TestPureReadsNoClock(t *testing.T) {
	for _, f := range sources(t).program() {
		if !within(f.pkg, pure...) {
			continue
		}
		for _, call := range f.calls("time", "Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker") {
			t.Errorf("%s reads the clock", f.at(call))
		}
	}
}

// TestNoSleepInTests: a sleep is too short on a slow machine and too long on
// every other. Wait for the thing itself, or use testing/synctest.
func TestNoSleepInTests(t *testing.T) {
	for _, f := range sources(t).tests() {
		for _, call := range f.calls("time", "Sleep") {
			t.Errorf("%s sleeps", f.at(call))
		}
	}
}

// TestCardFactsStandInProfiles: an AID or a file identifier in code is a fact
// about one generation of card in the wrong place. The bench is the planner's
// judge and shares nothing with it.
func TestCardFactsStandInProfiles(t *testing.T) {
	facts := readFacts(t)
	for _, f := range sources(t).program() {
		if f.pkg == bench || forTests(f.pkg) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if wrong := facts.in(n); wrong != "" {
				t.Errorf("%s holds %s; it belongs into apdu/profile/data", f.at(n), wrong)
			}
			return true
		})
	}
}

// facts are the identifiers that profiles hold.
type facts struct {
	aids map[string]bool // the first five bytes, which ISO/IEC 7816-5 gives to one provider, in hex
	ids  map[string]bool // four hex digits
}

// readFacts collects every AID and file identifier of every profile.
func readFacts(t *testing.T) facts {
	t.Helper()
	found := facts{aids: map[string]bool{}, ids: map[string]bool{}}
	files, err := filepath.Glob("../apdu/profile/data/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no profiles: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(aid|id|tag|state_object)": *"([0-9A-F]+)"`).FindAllSubmatch(text, -1) {
			switch value := string(m[2]); {
			case string(m[1]) == "aid" && len(value) >= 10:
				found.aids[value[:10]] = true
			case len(value) == 4:
				found.ids[value] = true
			}
		}
	}
	if len(found.ids) < 10 || len(found.aids) < 3 {
		t.Fatalf("only %d file identifiers and %d providers found in the profiles", len(found.ids), len(found.aids))
	}
	return found
}

// in says which fact a piece of syntax holds: as hex text, as bytes, or as a
// number that is made a FileID.
func (f facts) in(n ast.Node) string {
	switch n := n.(type) {
	case *ast.BasicLit:
		if n.Kind == token.STRING {
			return f.inText(n)
		}
	case *ast.CompositeLit:
		return f.inBytes(literalBytes(n))
	case *ast.CallExpr:
		if isFileID(n.Fun) && len(n.Args) == 1 {
			if lit, ok := n.Args[0].(*ast.BasicLit); ok && lit.Value != "0" {
				return "the file identifier " + lit.Value
			}
		}
	case *ast.ValueSpec:
		if n.Type != nil && isFileID(n.Type) && len(n.Values) > 0 {
			return "a file identifier"
		}
	}
	return ""
}

func (f facts) inText(lit *ast.BasicLit) string {
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	if wrong := f.inBytes([]byte(text)); wrong != "" {
		return wrong
	}
	digits := strings.ToUpper(strings.NewReplacer(" ", "", ":", "", "\n", "").Replace(text))
	for aid := range f.aids {
		if strings.Contains(digits, aid) {
			return "the AID " + aid
		}
	}
	if f.ids[strings.ToUpper(text)] {
		return "the file identifier " + text
	}
	return ""
}

func (f facts) inBytes(b []byte) string {
	for aid := range f.aids {
		if raw, err := hex.DecodeString(aid); err == nil && bytes.Contains(b, raw) {
			return "the AID " + aid
		}
	}
	return ""
}

// literalBytes are the elements of a literal that are plain numbers below 256.
func literalBytes(n *ast.CompositeLit) []byte {
	var b []byte
	for _, e := range n.Elts {
		lit, ok := e.(*ast.BasicLit)
		if !ok {
			return nil
		}
		v, err := strconv.ParseUint(lit.Value, 0, 8)
		if err != nil {
			return nil
		}
		b = append(b, byte(v))
	}
	return b
}

func isFileID(e ast.Expr) bool {
	if sel, ok := e.(*ast.SelectorExpr); ok {
		e = sel.Sel
	}
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "FileID"
}

// TestPackagesSayWhatTheyAreFor: and what they leave out, in a package comment.
func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	said := map[string]bool{}
	for _, f := range sources(t).program() {
		said[f.pkg] = said[f.pkg] || f.written && f.syntax.Doc != nil
	}
	for _, pkg := range sorted(said) {
		if !said[pkg] {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

// TestFilesAreNamedAfterTheirSubject: a file for everything is a file for nothing.
func TestFilesAreNamedAfterTheirSubject(t *testing.T) {
	nothing := []string{"util", "utils", "types", "helper", "helpers", "common", "misc", "base", "shared", "tools"}
	for _, f := range sources(t).files {
		base, _, _ := strings.Cut(strings.TrimSuffix(path.Base(f.path), ".go"), "_")
		if slices.Contains(nothing, base) {
			t.Errorf("%s: name it after what is in it", f.path)
		}
	}
}

// TestNoDeadFiles: every file is built for some system we build for.
func TestNoDeadFiles(t *testing.T) {
	var contexts []build.Context
	for _, system := range []string{"linux", "windows"} {
		for _, cgo := range []bool{true, false} {
			c := build.Default
			c.GOOS, c.GOARCH, c.CgoEnabled = system, "amd64", cgo
			contexts = append(contexts, c)
			c.BuildTags = []string{"crashpoint", "race"} // the kill tests' daemon, the race detector
			contexts = append(contexts, c)
		}
	}
	for _, f := range sources(t).files {
		used := slices.ContainsFunc(contexts, func(c build.Context) bool {
			match, err := c.MatchFile(filepath.Join("..", f.pkg), path.Base(f.path))
			return err == nil && match
		})
		if !used {
			t.Errorf("%s is built for neither Linux nor Windows", f.path)
		}
	}
}

// whole are packages of tests of the programs as a whole, or of all drivers, and of nothing
// but tests.
var whole = []string{"cardd/acceptance", "cardd/kill", "cardd/faults", "cardd/hostile", "cardd/stores", "cardd/inline", "printer/printertest"}

// TestNoDeadPackages: every package is a program, or tests, or somebody imports it.
func TestNoDeadPackages(t *testing.T) {
	all := sources(t)
	used := map[string]bool{}
	for _, f := range all.files {
		if f.syntax.Name.Name == "main" || f.syntax.Name.Name == "main_test" || slices.Contains(whole, f.pkg) {
			used[f.pkg] = true
		}
		for _, p := range f.imports {
			if p = strings.TrimPrefix(p, module+"/"); p != f.pkg {
				used[p] = true
			}
		}
	}
	for _, pkg := range all.packages() {
		if !used[pkg] {
			t.Errorf("nobody imports %s", pkg)
		}
	}
}

// TestFunctionsStayShort: 70 lines are what fits on a screen and in a head.
func TestFunctionsStayShort(t *testing.T) {
	const linesMax = 70
	for _, f := range sources(t).program() {
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !f.written {
				continue
			}
			if lines := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1; lines > linesMax {
				t.Errorf("%s: %s has %d lines, at most %d", f.at(fn), fn.Name.Name, lines, linesMax)
			}
		}
	}
}

var failureCode = regexp.MustCompile(`^(JUKI|ORDER|PLAN|CARD|READER|PRINT|PKI|STATION|API|CONFIG|JOURNAL|VAULT|FACE|UPSTREAM)(-[A-Z0-9]+)+$`)

// begins is whether code is the beginning that several listed codes share.
func begins(code string, listed map[string]bool) bool {
	for other := range listed {
		if strings.HasPrefix(other, code+"-") {
			return true
		}
	}
	return false
}

// TestFailuresAreListed: what an operator is shown can be looked up, and what can
// be looked up can happen.
func TestFailuresAreListed(t *testing.T) {
	text, err := os.ReadFile("../docs/FAILURES.md")
	if err != nil {
		t.Fatalf("every failure code must be listed there: %v", err)
	}
	listed := map[string]bool{}
	for _, word := range regexp.MustCompile(`[A-Z0-9]+(-[A-Z0-9]+)+`).FindAllString(string(text), -1) {
		listed[word] = failureCode.MatchString(word)
	}
	used := map[string]string{}
	for _, f := range sources(t).program() {
		if forTests(f.pkg) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && failureCode.MatchString(s) {
					used[s] = cmp.Or(used[s], f.at(lit))
				}
			}
			return true
		})
	}
	for _, code := range sorted(used) {
		if !listed[code] && !begins(code, listed) {
			t.Errorf("%s: %s is not in docs/FAILURES.md", used[code], code)
		}
	}
	for _, code := range sorted(listed) {
		if listed[code] && used[code] == "" {
			t.Errorf("docs/FAILURES.md lists %s, which no code uses", code)
		}
	}
}

// TestChainFindsTheWay: the search that the direction rests on.
func TestChainFindsTheWay(t *testing.T) {
	graph := map[string]map[string]bool{
		"a": {"b": true, "c": true}, "b": {"a": true, "d": true}, "c": {"fmt": true}, "d": {"e": true},
	}
	for name, row := range map[string]struct{ from, to, want string }{
		"a direct import":           {"a", "c", "[a c]"},
		"a way over others":         {"a", "e", "[a b d e]"},
		"none, and a circle":        {"a", "f", "[]"},
		"a package does not import": {"e", "a", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fmt.Sprint(chain(graph, row.from, func(p string) bool { return p == row.to })); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

// TestCardFactsAreFound: the rule above must see what it forbids.
func TestCardFactsAreFound(t *testing.T) {
	rules := readFacts(t)
	for name, row := range map[string]struct {
		text string
		want bool
	}{
		"an AID in hex":                {`var x = "D392F000260100000001"`, true},
		"with spaces and small":        {`var x = "d3 92 f0 00 26 01"`, true},
		"as bytes":                     {`var x = []byte{0xD3, 0x92, 0xF0, 0x00, 0x26, 1}`, true},
		"as text of bytes":             {`var x = "\xa0\x00\x00\x01\x51\x00"`, true},
		"a file identifier in hex":     {`var x = "000A"`, true},
		"a file identifier made":       {`var x = profile.FileID(0x0006)`, true},
		"a file identifier as a const": {`const x FileID = 6`, true},
		"one that is computed":         {`var x = profile.FileID(p1)<<8 | profile.FileID(p2)`, false},
		"other bytes":                  {`var x = []byte{0x00, 0xA4, 0x04, 0x0C}`, false},
		"other text":                   {`var x = "issue one card"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := holdsFact(t, rules, row.text); got != row.want {
				t.Errorf("got %t, want %t", got, row.want)
			}
		})
	}
}

func holdsFact(t *testing.T, rules facts, text string) bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	ast.Inspect(file, func(n ast.Node) bool {
		found = found || rules.in(n) != ""
		return true
	})
	return found
}
