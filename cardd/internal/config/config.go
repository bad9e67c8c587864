// Package config reads cardd's configuration: the embedded defaults, a TOML file
// over them, the environment over both. What it does not know it refuses, with
// the nearest name it does; what it gives is whole: every path is absolute and
// every empty default is filled in.
//
// defaults.toml names every key and says what it means. A laboratory needs two
// lines:
//
//	lab = true
//	state_dir = "demo/state"
//
// and a municipal office perhaps
//
//	[station]
//	name = "市民課 窓口1"
//
//	[gp]
//	master_key_file = "/etc/cardd/issuer-domain.key"
//
//	[printer]
//	kind = "none"
//
// It opens no device and no key: it only looks whether a named key file is one.
package config

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

//go:embed defaults.toml
var defaults []byte

// Defaults is the text of defaults.toml: every key with its meaning and default.
func Defaults() string { return string(defaults) }

// Config is the whole configuration, as defaults.toml explains it.
type Config struct {
	Lab       bool      `koanf:"lab"`       // a laboratory with invented people
	StateDir  string    `koanf:"state_dir"` // absolute
	Socket    string    `koanf:"socket"`    // absolute
	Log       Log       `koanf:"log"`
	Reader    Reader    `koanf:"reader"`
	Station   Station   `koanf:"station"`
	GP        GP        `koanf:"gp"`
	Authority Authority `koanf:"authority"`
	Printer   Printer   `koanf:"printer"`
	Upstream  Upstream  `koanf:"upstream"`
	Fonts     Fonts     `koanf:"fonts"`
	Limits    Limits    `koanf:"limits"`

	Printers map[string]CardPrinter `koanf:"printers"` // by name; none by default
}

// Log is what is logged and how.
type Log struct {
	Level  string `koanf:"level"`  // debug, info, warn or error
	Format string `koanf:"format"` // text or json
}

// Reader is where the card is.
type Reader struct {
	System string `koanf:"system"` // pcsc
	Name   string `koanf:"name"`   // empty: the only one with a card
	Short  bool   `koanf:"short"`  // short length only

	CommandSeconds int `koanf:"command_seconds"` // one command may take
}

// Station is this place.
type Station struct {
	Name string `koanf:"name"` // never empty
}

// Printer is what prints the face.
type Printer struct {
	Kind string `koanf:"kind"` // simulated or none
	Dir  string `koanf:"dir"`  // absolute
}

// Upstream is who is told how a card ended; empty for nobody.
type Upstream struct {
	Management string `koanf:"management"` // URL of card management
	JPKI       string `koanf:"jpki"`       // URL of the certificates' side

	CAFile   string `koanf:"ca_file"`   // absolute; empty: the system's authorities
	CertFile string `koanf:"cert_file"` // absolute; empty: no client certificate
	KeyFile  string `koanf:"key_file"`  // absolute; of CertFile

	TimeoutSeconds int `koanf:"timeout_seconds"` // an answer is waited for
	SettleSeconds  int `koanf:"settle_seconds"`  // after that a telegram may still arrive
	Tells          int `koanf:"tells"`           // of one notice before a person must look
	PollSeconds    int `koanf:"poll_seconds"`    // between two looks for waiting notices
	BackoffSeconds int `koanf:"backoff_seconds"` // the longest pause while a party is silent
}

// Fonts are the printed face's.
type Fonts struct {
	Paths []string `koanf:"paths"` // absolute, at least one
}

// Limits bound what cardd takes on.
type Limits struct {
	RequestBytes    int64 `koanf:"request_bytes"`    // of one request
	Clients         int   `koanf:"clients"`          // connections at once
	ShutdownSeconds int   `koanf:"shutdown_seconds"` // for the step in work
}

// JournalFile is where the journal is.
func (c *Config) JournalFile() string { return filepath.Join(c.StateDir, "journal.db") }

// Load reads the file at path, where that is empty the one CARDD_CONFIG names,
// where that is empty none, and the environment. Its errors are one or more *Error joined: all that is wrong, not
// only the first.
func Load(path string) (*Config, error) {
	if path == "" {
		path = os.Getenv(ConfigVariable)
	}
	return load(path, os.Environ(), here())
}

func load(path string, environ []string, at place) (*Config, error) {
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(defaults), toml.Parser()); err != nil {
		panic(fmt.Sprintf("internal error: defaults.toml: %v", err))
	}
	known := k.All()
	if path != "" {
		values, err := readFile(path, known)
		if err != nil {
			return nil, err
		}
		lay(k, values)
	}
	values, err := readEnvironment(environ, known, at.workDir)
	if err != nil {
		return nil, err
	}
	lay(k, values)
	fillPrinters(k)
	c, err := decode(k)
	if err != nil {
		return nil, err
	}
	if len(c.Printers) == 0 {
		c.Printers = nil
	}
	at.fill(c)
	if err := c.check(source(path)); err != nil {
		return nil, err
	}
	return c, nil
}

// lay puts checked values over what k holds.
func lay(k *koanf.Koanf, values map[string]any) {
	for key, value := range values {
		if err := k.Set(key, value); err != nil {
			panic(fmt.Sprintf("internal error: cannot set %s: %v", key, err))
		}
	}
}

// decode fills a Config. Every value has its key's own type by now, so nothing is
// converted, and a key without a field or a field without a key is our mistake.
func decode(k *koanf.Koanf) (*Config, error) {
	var c Config
	err := k.UnmarshalWithConf("", &c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{ErrorUnused: true, ErrorUnset: true}})
	if err != nil {
		return nil, fmt.Errorf("internal error: defaults.toml and Config differ: %w", err)
	}
	return &c, nil
}
