package config

import (
	"os"
	"path/filepath"
)

// place is what of the machine and the user decides empty defaults.
type place struct {
	root       bool   // the user is root
	home       string // the user's home
	stateHome  string // $XDG_STATE_HOME (XDG Base Directory Specification 0.8)
	runtimeDir string // $XDG_RUNTIME_DIR
	workDir    string
	host       string
}

// here is the place of this process. What cannot be learnt is left empty.
func here() place {
	home, _ := os.UserHomeDir()
	work, _ := os.Getwd()
	host, _ := os.Hostname()
	return place{
		root: os.Geteuid() == 0, home: home, stateHome: os.Getenv("XDG_STATE_HOME"),
		runtimeDir: os.Getenv("XDG_RUNTIME_DIR"), workDir: work, host: host,
	}
}

// DefaultSocket is where cardd listens unless it is told otherwise, for clients
// that know no configuration.
func DefaultSocket() string { return here().socket() }

// stateDir is the default of state_dir. Relative XDG folders are to be ignored, as
// that specification says.
func (p place) stateDir() string {
	switch {
	case p.root:
		return "/var/lib/cardd"
	case filepath.IsAbs(p.stateHome):
		return filepath.Join(p.stateHome, "cardd")
	}
	return filepath.Join(p.home, ".local", "state", "cardd")
}

func (p place) socket() string {
	switch {
	case p.root:
		return "/run/cardd/cardd.sock"
	case filepath.IsAbs(p.runtimeDir):
		return filepath.Join(p.runtimeDir, "cardd.sock")
	}
	return filepath.Join(p.stateDir(), "cardd.sock")
}

// fill puts this place's own values where the configuration is empty.
func (p place) fill(c *Config) {
	for _, f := range []struct {
		field *string
		value func() string
	}{
		{&c.StateDir, p.stateDir},
		{&c.Socket, p.socket},
		{&c.Station.Name, func() string { return p.host }},
		{&c.GP.File.Path, func() string { return filepath.Join(c.StateDir, "keys.sealed") }},
		{&c.Authority.Dir, func() string { return filepath.Join(c.StateDir, "authority") }},
		{&c.Printer.Dir, func() string { return filepath.Join(c.StateDir, "faces") }},
	} {
		if *f.field == "" {
			*f.field = f.value()
		}
	}
}
