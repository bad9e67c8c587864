package failure

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// declared are the values of all constants of type Code, read from the source: the
// list itself cannot tell what it lacks.
func declared(t *testing.T) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "failure.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := v.Type.(*ast.Ident); ok && name.Name == "Code" {
			for _, e := range v.Values {
				text, err := strconv.Unquote(e.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, text)
			}
		}
		return true
	})
	return values
}

// TestEveryCodeIsExplained: each constant has an entry, each entry a constant, and no
// code stands for two things.
func TestEveryCodeIsExplained(t *testing.T) {
	values := declared(t)
	if len(values) < 30 {
		t.Fatalf("found %d codes in the source", len(values))
	}
	seen := map[string]bool{}
	for _, code := range values {
		if seen[code] {
			t.Errorf("%s stands twice", code)
		}
		seen[code] = true
		if _, ok := Explain(Code(code)); !ok {
			t.Errorf("%s is not explained", code)
		}
	}
	for _, code := range Codes() {
		if !seen[string(code)] {
			t.Errorf("%s is explained and is no code", code)
		}
	}
	if !slices.IsSorted(Codes()) {
		t.Error("Codes is not sorted")
	}
}

// TestExplanationsAreWhole: four texts each, in their languages and in one manner.
func TestExplanationsAreWhole(t *testing.T) {
	form := regexp.MustCompile(`^[A-Z]+(-[A-Z]+)+$`)
	causes := map[string]Code{}
	for _, code := range Codes() {
		t.Run(string(code), func(t *testing.T) {
			if !form.MatchString(string(code)) {
				t.Error("it is not upper-case words and hyphens")
			}
			e, _ := Explain(code)
			if other, twice := causes[e.Cause]; twice {
				t.Errorf("it has the cause of %s", other)
			}
			causes[e.Cause] = code
			for name, text := range map[string]string{"cause": e.Cause, "remedy": e.Remedy} {
				if text == "" || strings.HasSuffix(text, ".") || unicode.IsUpper([]rune(text)[0]) && !strings.HasPrefix(text, "PC/SC") {
					t.Errorf("%s %q is empty, begins with a capital or ends with a period", name, text)
				}
				if japanese(text) {
					t.Errorf("%s %q is not English", name, text)
				}
			}
			for name, text := range map[string]string{"cause": e.CauseJa, "remedy": e.RemedyJa} {
				if !japanese(text) || strings.HasSuffix(text, "。") {
					t.Errorf("Japanese %s %q is not Japanese or ends with a period", name, text)
				}
			}
		})
	}
}

func japanese(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) })
}

func TestExplainKnowsNothingElse(t *testing.T) {
	for _, code := range []Code{"", "reader-none", "READER", "READER-NONE "} {
		if _, ok := Explain(code); ok {
			t.Errorf("%q is explained", code)
		}
	}
}

func TestErrorReads(t *testing.T) {
	for _, row := range []struct {
		name string
		err  *Error
		want string
	}{
		{"without detail", New(ReaderNone, "", nil), "no card reader is attached; plug a reader in and look with: cardctl readers"},
		{"with detail", New(ReaderTwoCards, "2 cards", nil), "cards are in more than one reader (2 cards); take all but one out, or name the reader: reader.name in cardd's configuration, --reader for cardctl card"},
		{"with a cause, which it does not repeat", New(ReaderNone, "", io.EOF), "no card reader is attached; plug a reader in and look with: cardctl readers"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.err.Error(); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestCodeIsFoundThroughWrapping(t *testing.T) {
	cause := errors.New("disk full")
	err := fmt.Errorf("cannot go on: %w", New(StationJournal, "", fmt.Errorf("append: %w", cause)))
	if CodeOf(err) != StationJournal {
		t.Errorf("got %q", CodeOf(err))
	}
	if !errors.Is(err, cause) {
		t.Error("the cause cannot be looked at")
	}
	nested := New(ReaderLink, "", New(ReaderRemoved, "", nil))
	if CodeOf(nested) != ReaderLink {
		t.Errorf("the outer code counts, got %q", CodeOf(nested))
	}
	for _, err := range []error{nil, cause} {
		if CodeOf(err) != "" {
			t.Errorf("%v has code %q", err, CodeOf(err))
		}
	}
}
