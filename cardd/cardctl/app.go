package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"jukicard/reader"
)

// app is one run of the program: its flags, its ends, and the way to readers.
type app struct {
	in      io.Reader
	out     io.Writer // results
	err     io.Writer // progress, questions, errors
	readers reader.System

	socket, reader, lang string
	json                 bool
	began                bool // the command line was understood

	lines lineReader // what is typed when standard input is no terminal
}

// Languages of messages.
const (
	english  = "en"
	japanese = "ja"
)

// languageOf is the language that the environment asks for (POSIX, Environment
// Variables, 8.2: LC_ALL before LC_MESSAGES before LANG).
func languageOf(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := getenv(name); value != "" {
			if value == japanese || strings.HasPrefix(value, japanese+"_") || strings.HasPrefix(value, japanese+".") {
				return japanese
			}
			return english
		}
	}
	return english
}

// in2 gives the words of the run's language.
func (a *app) in2(en, ja string) string {
	if a.lang == japanese {
		return ja
	}
	return en
}

// printf writes a result. That nobody reads it is no reason to stop.
func (a *app) printf(format string, args ...any) { _, _ = fmt.Fprintf(a.out, format, args...) }

// notef writes what is not the result.
func (a *app) notef(format string, args ...any) { _, _ = fmt.Fprintf(a.err, format, args...) }

// printJSON writes one value as JSON for people and programs.
func (a *app) printJSON(v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("internal error: cannot encode a result: " + err.Error())
	}
	a.printf("%s\n", b)
}

// terminal says whether v is a terminal, and its file descriptor.
func terminal(v any) (fd int, ok bool) {
	f, isFile := v.(*os.File)
	if !isFile {
		return 0, false
	}
	return int(f.Fd()), term.IsTerminal(int(f.Fd()))
}
