package config

import "fmt"

// Error is one thing wrong with the configuration. It never holds a value, which
// could be a secret put in the wrong place.
type Error struct {
	Code   string // stable, see docs/FAILURES.md
	Source string // the file, or "the environment"
	Key    string // "reader.name", a variable's name, or empty for the whole file
	Rule   string // what is wrong
	Remedy string // what to do about it
}

// Codes of an Error.
const (
	CodeFile       = "CONFIG-FILE"        // the file cannot be read
	CodeSyntax     = "CONFIG-SYNTAX"      // it is not TOML
	CodeUnknownKey = "CONFIG-UNKNOWN-KEY" // there is no such key
	CodeType       = "CONFIG-TYPE"        // a value of another type than the key's
	CodeValue      = "CONFIG-VALUE"       // a value that the key does not take
	CodeKeyFile    = "CONFIG-KEY-FILE"    // the key file is absent or others can read it
)

// Error reads "cannot take reader.nmae from /etc/cardd.toml: there is no such
// key; did you mean reader.name".
func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("cannot read the configuration %s: %s; %s", e.Source, e.Rule, e.Remedy)
	}
	return fmt.Sprintf("cannot take %s from %s: %s; %s", e.Key, e.Source, e.Rule, e.Remedy)
}
