package quirks

import (
	"net/url"
	"strings"
	"testing"
)

func TestLookUpByName(t *testing.T) {
	tests := []struct {
		name       string
		reader     string
		commandMax int
		virtual    bool
	}{
		{"Debian's own entry", "Virtual PCD 00 00", 65535, true},
		{"a numbered entry", "Virtual PCD 3 00 01", 65535, true},
		{"unknown reader", "ACS ACR39U ICC Reader 00 00", CommandMax, false},
		{"prefix only at the start", "My Virtual PCD", CommandMax, false},
		{"no name", "", CommandMax, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := For(tt.reader)
			if q.CommandMax != tt.commandMax || q.Virtual != tt.virtual {
				t.Errorf("command %d, virtual %v; want %d, %v", q.CommandMax, q.Virtual, tt.commandMax, tt.virtual)
			}
		})
	}
}

func TestLongestPrefixCounts(t *testing.T) {
	rows := []Quirk{{Prefix: "ACS", CommandMax: 1}, {Prefix: "ACS ACR39U", CommandMax: 2}, {Prefix: "ACS A", CommandMax: 3}}
	if got := find(rows, "ACS ACR39U ICC").CommandMax; got != 2 {
		t.Errorf("row %d, want 2", got)
	}
}

func TestEveryRowHasASource(t *testing.T) {
	for _, q := range table {
		link, _, _ := strings.Cut(q.Source, " ")
		if u, err := url.Parse(link); err != nil || u.Host == "" {
			t.Errorf("%s: the source %q does not begin with a link", q.Prefix, q.Source)
		}
	}
}

func TestBadRowsAreRefused(t *testing.T) {
	tests := []struct{ name, json, want string }{
		{"no JSON", `[`, "unexpected EOF"},
		{"unknown field", `[{"prefx":"A"}]`, "prefx"},
		{"no prefix", `[{"reason":"r","source":"s"}]`, "row 1: prefix"},
		{"no source", `[{"prefix":"A","reason":"r"}]`, "source are required"},
		{"beyond the standard", `[{"prefix":"A","reason":"r","source":"s","commandMax":70000}]`, "commandMax is 70000"},
		{"no room for a header", `[{"prefix":"A","reason":"r","source":"s","commandMax":3}]`, "commandMax is 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parse([]byte(tt.json)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
