package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// socketMax is the longest path of a unix socket: sun_path of unix(7) holds 108
// bytes, the last of them zero.
const socketMax = 107

// check holds the values against what each key takes. from is where they were
// set, for the errors.
func (c *Config) check(from string) error {
	var wrong []error
	refuse := func(code, key, rule, remedy string) {
		wrong = append(wrong, &Error{Code: code, Source: from, Key: key, Rule: rule, Remedy: remedy})
	}
	for _, f := range []struct {
		key, value string
		takes      []string
	}{
		{"log.level", c.Log.Level, []string{"debug", "info", "warn", "error"}},
		{"log.format", c.Log.Format, []string{"text", "json"}},
		{"reader.system", c.Reader.System, []string{"pcsc"}},
		{"printer.kind", c.Printer.Kind, []string{"simulated", "none"}},
	} {
		if !slices.Contains(f.takes, f.value) {
			refuse(CodeValue, f.key, "the value is none of those it takes", "write "+strings.Join(f.takes, " or "))
		}
	}
	for _, f := range []struct {
		key             string
		value, from, to int64
	}{
		{"limits.request_bytes", c.Limits.RequestBytes, 64 << 10, 64 << 20},
		{"limits.clients", int64(c.Limits.Clients), 1, 1000},
		{"limits.shutdown_seconds", int64(c.Limits.ShutdownSeconds), 1, 3600},
		{"reader.command_seconds", int64(c.Reader.CommandSeconds), 1, 3600},
		{"authority.timeout_seconds", int64(c.Authority.TimeoutSeconds), 1, 600},
		{"authority.patience_seconds", int64(c.Authority.PatienceSeconds), 1, 3600},
		{"upstream.timeout_seconds", int64(c.Upstream.TimeoutSeconds), 1, 600},
		{"upstream.settle_seconds", int64(c.Upstream.SettleSeconds), 0, 86400},
		{"upstream.tells", int64(c.Upstream.Tells), 1, 100},
		{"upstream.poll_seconds", int64(c.Upstream.PollSeconds), 1, 3600},
		{"upstream.backoff_seconds", int64(c.Upstream.BackoffSeconds), 1, 86400},
	} {
		if f.value < f.from || f.value > f.to {
			refuse(CodeValue, f.key, "the number is out of bounds", fmt.Sprintf("write one from %d to %d", f.from, f.to))
		}
	}
	if len(c.Socket) > socketMax {
		refuse(CodeValue, "socket", fmt.Sprintf("the path has %d bytes, the system takes %d", len(c.Socket), socketMax), "name a shorter one")
	}
	if len(c.Fonts.Paths) == 0 || slices.Contains(c.Fonts.Paths, "") {
		refuse(CodeValue, "fonts.paths", "no font is named", "name at least one font file, or leave the key out")
	}
	c.GP.check(refuse)
	c.Authority.check(refuse)
	c.Upstream.check(refuse)
	c.checkPrinters(refuse)
	return join(wrong)
}

// keyFileFault says why a file must not hold a key; empty when it may.
func keyFileFault(path string) (rule, remedy string) {
	if path == "" {
		return "", ""
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "the file " + path + " cannot be found: " + reason(err), "put the key there"
	case !info.Mode().IsRegular():
		return path + " is not a file", "name the file that holds the key"
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Sprintf("others can read or write %s (mode %04o)", path, info.Mode().Perm()), "run chmod 600 on it, and change the key if somebody else may have seen it"
	}
	return "", ""
}
