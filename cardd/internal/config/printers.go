package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/knadh/koanf/v2"

	"jukicard/cardd/internal/printers"
)

// CardPrinter is one of the section [printers]: a card printer with a reader in it, and so
// a station of its own.
type CardPrinter struct {
	Kind    string `koanf:"kind"`    // one of printers.Kinds
	Address string `koanf:"address"` // see printers.Address
	Ribbon  string `koanf:"ribbon"`  // the maker's letters; empty: the kind's usual one
	Reader  string `koanf:"reader"`  // the reader in it, as PC/SC names it
	Station string `koanf:"station"` // where the reader is: contact or contactless
}

// printerKeys are the keys of one printer with their defaults.
var printerKeys = map[string]any{"kind": "", "address": "usb", "ribbon": "", "reader": "", "station": "contact"}

// printerKey gives the default of a key below printers.NAME; ok is false for any other.
func printerKey(key string) (like any, ok bool) {
	parts := strings.Split(key, ".")
	if len(parts) != 3 || parts[0] != "printers" {
		return nil, false
	}
	like, ok = printerKeys[parts[2]]
	return like, ok
}

// fillPrinters gives every named printer the defaults of what it leaves out.
func fillPrinters(k *koanf.Koanf) {
	if !k.Exists("printers") {
		lay(k, map[string]any{"printers": map[string]any{}})
	}
	for _, name := range k.MapKeys("printers") {
		for field, value := range printerKeys {
			if key := "printers." + name + "." + field; !k.Exists(key) {
				lay(k, map[string]any{key: value})
			}
		}
	}
}

// printerName is a name that fits in a command, a URL and a journal.
var printerName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// checkPrinters refuses printers that could not be opened or told from each other.
func (c *Config) checkPrinters(refuse func(code, key, rule, remedy string)) {
	readers := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Printers)) {
		p, key := c.Printers[name], "printers."+name
		if !printerName.MatchString(name) || name == c.Station.Name {
			refuse(CodeValue, key, "the name is none for a printer", "write 1 to 32 small letters, digits and hyphens, and not the station's own name")
		}
		if _, err := printers.New(printers.Spec{Name: name, Kind: p.Kind, Address: p.Address, Ribbon: p.Ribbon}); err != nil {
			refuse(CodeValue, key, err.Error(), fmt.Sprintf("write kind as one of %s and the address it is reached at", strings.Join(printers.Kinds(), ", ")))
		}
		if p.Station != "contact" && p.Station != "contactless" {
			refuse(CodeValue, key+".station", "the value is none of those it takes", "write contact or contactless")
		}
		if p.Reader == "" {
			refuse(CodeValue, key+".reader", "the reader in the printer is not named", "write its name as cardctl readers shows it")
		}
		if other := readers[p.Reader]; other != "" {
			refuse(CodeValue, key+".reader", "printers."+other+" has the same reader", "name for each printer the reader in it")
		}
		readers[p.Reader] = name
	}
}
