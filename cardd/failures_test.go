package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/order/facecheck"
	"jukicard/cardd/juki"
)

var update = flag.Bool("update", false, "write docs/FAILURES.md anew")

const failuresHead = `# Failures

Everything that can go wrong where an operator sees it. Each has a code that stays, a cause and a remedy; ` + "`cardctl`" + `
prints the code first, the API gives it as ` + "`code`" + `. A job that is *held* loses nothing and goes on with
` + "`cardctl job resume`" + ` once the cause is mended; a *spoiled* card must not be handed out.

This page is made from the program's own tables: ` + "`go test ./cardd -run FailuresDocument -update`" + `.
`

// TestFailuresDocument keeps docs/FAILURES.md what the program says.
func TestFailuresDocument(t *testing.T) {
	got := failuresDocument()
	if *update {
		if err := os.WriteFile("../docs/FAILURES.md", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("../docs/FAILURES.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/FAILURES.md is not what the program says; write it anew with -update and read the difference")
	}
}

func failuresDocument() []byte {
	var b bytes.Buffer
	b.WriteString(failuresHead)
	section(&b, "Reader, card, station, printer", "code | what is wrong | what to do | 日本語")
	for _, c := range failure.Codes() {
		e, _ := failure.Explain(c)
		row(&b, string(c), e.Cause, e.Remedy, e.CauseJa+"。"+e.RemedyJa)
	}
	section(&b, "Orders and PINs", "code | the rule | what to do | 日本語")
	for _, e := range inputs() {
		row(&b, e.Code, e.Rule, e.Remedy, e.Ja)
	}
	section(&b, "Journal", "code | what is wrong | what to do")
	for _, e := range journal.Kinds() {
		row(&b, e.Code, e.Wrong, e.Remedy)
	}
	section(&b, "Configuration", "code | what is wrong")
	for _, e := range configuration {
		row(&b, e[0], e[1])
	}
	return b.Bytes()
}

// inputs are the refusals of orders and PINs, by code.
func inputs() []juki.InputError {
	all := facecheck.Handbook()
	add := func(codes []string, explain func(string) (string, string, string, bool)) {
		for _, c := range codes {
			rule, remedy, ja, _ := explain(c)
			all = append(all, juki.InputError{Code: c, Rule: rule, Remedy: remedy, Ja: ja})
		}
	}
	add(juki.Codes(), juki.Explain)
	add(order.Codes(), order.Explain)
	slices.SortFunc(all, func(a, b juki.InputError) int { return strings.Compare(a.Code, b.Code) })
	return slices.CompactFunc(all, func(a, b juki.InputError) bool { return a.Code == b.Code })
}

// configuration are the refusals of a configuration; each names the key and what
// would be right when it happens.
var configuration = [][2]string{
	{config.CodeFile, "the configuration file cannot be read"},
	{config.CodeSyntax, "the configuration file is not TOML"},
	{config.CodeUnknownKey, "there is no such key; the nearest one is named"},
	{config.CodeType, "a value has another type than its key"},
	{config.CodeValue, "a value is none that its key takes"},
	{config.CodeKeyFile, "a key file is absent, is no file, or can be read by others"},
}

func section(b *bytes.Buffer, title, columns string) {
	n := strings.Count(columns, "|") + 1
	fmt.Fprintf(b, "\n## %s\n\n| %s |\n|%s\n", title, columns, strings.Repeat("---|", n))
}

func row(b *bytes.Buffer, cells ...string) {
	for i := range cells {
		cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
	}
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}
