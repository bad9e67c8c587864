package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	tomltext "github.com/pelletier/go-toml/v2"
)

const (
	environment = "the environment"
	prefix      = "CARDD_"
	fileMax     = 1 << 20 // bytes of a configuration file
)

// ConfigVariable is the environment variable that names the file for Load where
// its caller names none. It is no key.
const ConfigVariable = "CARDD_CONFIG"

// paths are the keys whose value is a file or a folder.
var paths = append(append(storePaths, authorityPaths...), "state_dir", "socket", "gp.master_key_file", "upstream.ca_file", "upstream.cert_file", "upstream.key_file", "authority.dir", "printer.dir", "fonts.paths")

// source names where the values came from, for errors about them.
func source(path string) string {
	if path == "" {
		return environment
	}
	return path + " or " + environment
}

// readFile gives the values of a file by their flat keys, each of its key's type.
func readFile(path string, known map[string]any) (map[string]any, error) {
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(text), toml.Parser()); err != nil {
		return nil, syntaxError(path, err)
	}
	return judge(k.All(), known, path, filepath.Dir(path))
}

func readText(path string) ([]byte, error) {
	refuse := func(rule, remedy string) error {
		return &Error{Code: CodeFile, Source: path, Rule: rule, Remedy: remedy}
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refuse("there is no such file", "name another, or leave it out and take the defaults")
	}
	if err != nil {
		return nil, refuse(reason(err), "give the daemon's user the right to read it")
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err != nil {
		return nil, refuse(reason(err), "name a file that can be read")
	}
	if len(text) > fileMax {
		return nil, refuse(fmt.Sprintf("it has more than %d bytes", fileMax), "name a configuration file")
	}
	return text, nil
}

// reason is the system's own word without the path, which the error names anyway.
func reason(err error) string {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

// syntaxError says where the TOML breaks. The decoder's own picture of the place
// is left out: the line could hold a secret.
func syntaxError(path string, err error) error {
	at := path
	var e *tomltext.DecodeError
	if errors.As(err, &e) {
		line, column := e.Position()
		at = fmt.Sprintf("%s line %d column %d", path, line, column)
	}
	return &Error{Code: CodeSyntax, Source: at, Rule: "it is not TOML: " + strings.TrimPrefix(err.Error(), "toml: "), Remedy: "see toml.io, or start from what cardd defaults prints"}
}

// readEnvironment gives the values of variables that begin with CARDD_.
func readEnvironment(environ []string, known map[string]any, dir string) (map[string]any, error) {
	names := map[string]string{}
	for key := range known {
		names[variable(key)] = key
	}
	values := map[string]any{}
	var wrong []error
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, prefix) || name == ConfigVariable {
			continue
		}
		key, ok := names[name]
		if !ok {
			wrong = append(wrong, unknown(name, environment, slices.Collect(maps.Keys(names))))
			continue
		}
		value, ok := parse(text, known[key])
		if !ok {
			wrong = append(wrong, typeError(name, environment, known[key]))
			continue
		}
		values[key] = value
	}
	if err := join(wrong); err != nil {
		return nil, err
	}
	return judge(values, known, environment, dir)
}

// variable is the name by which the environment knows a key.
func variable(key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// parse reads a variable as a value of like's type; a list is separated by colons
// as in PATH.
func parse(text string, like any) (any, bool) {
	switch like.(type) {
	case bool:
		v, err := strconv.ParseBool(text)
		return v, err == nil
	case int64:
		v, err := strconv.ParseInt(text, 10, 64)
		return v, err == nil
	case []any:
		var list []any
		for _, s := range filepath.SplitList(text) {
			list = append(list, s)
		}
		return list, true
	}
	return text, true
}

// judge refuses keys that are not known and values of another type than the
// default's, and makes paths absolute.
func judge(values, known map[string]any, from, dir string) (map[string]any, error) {
	var wrong []error
	for _, key := range slices.Sorted(maps.Keys(values)) {
		like, ok := known[key]
		if !ok {
			like, ok = printerKey(key)
		}
		switch {
		case !ok && emptySection(key, values[key], known): // [reader] with nothing under it
			delete(values, key)
		case !ok:
			wrong = append(wrong, unknown(key, from, slices.Collect(maps.Keys(known))))
		case !alike(values[key], like):
			wrong = append(wrong, typeError(key, from, like))
		case slices.Contains(paths, key):
			values[key] = absolute(values[key], dir)
		}
	}
	return values, join(wrong)
}

func emptySection(key string, value any, known map[string]any) bool {
	section, ok := value.(map[string]any)
	return ok && len(section) == 0 && slices.ContainsFunc(slices.Collect(maps.Keys(known)), func(k string) bool { return strings.HasPrefix(k, key+".") })
}

// alike is whether two values are of one TOML type; a list is one of text.
func alike(value, like any) bool {
	if list, ok := value.([]any); ok {
		_, both := like.([]any)
		return both && !slices.ContainsFunc(list, func(v any) bool { _, text := v.(string); return !text })
	}
	return fmt.Sprintf("%T", value) == fmt.Sprintf("%T", like)
}

func absolute(value any, dir string) any {
	switch v := value.(type) {
	case string:
		if v == "" || filepath.IsAbs(v) {
			return v
		}
		full, err := filepath.Abs(filepath.Join(dir, v))
		if err != nil {
			return v
		}
		return full
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = absolute(v[i], dir)
		}
		return all
	}
	return value
}

func typeError(key, from string, like any) error {
	want := map[string]string{"bool": "true or false", "int64": "a whole number", "string": "text in quotes", "[]interface {}": "a list of texts"}[fmt.Sprintf("%T", like)]
	if from == environment {
		want = strings.TrimSuffix(want, " in quotes")
	}
	return &Error{Code: CodeType, Source: from, Key: key, Rule: "the value is of another type", Remedy: "write " + want}
}

// unknown names the known key that is nearest by letters.
func unknown(key, from string, known []string) error {
	slices.Sort(known)
	nearest := slices.MinFunc(known, func(a, b string) int { return cmp.Compare(distance(key, a), distance(key, b)) })
	remedy := "did you mean " + nearest
	if distance(key, nearest) > max(3, len(nearest)/2) {
		remedy = "cardd defaults lists all keys"
	}
	return &Error{Code: CodeUnknownKey, Source: from, Key: key, Rule: "there is no such key", Remedy: remedy}
}

// distance is how many letters must be added, taken out or changed to make b of a
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// join is errors.Join, except that one error stays itself.
func join(wrong []error) error {
	if len(wrong) == 1 {
		return wrong[0]
	}
	return errors.Join(wrong...)
}
