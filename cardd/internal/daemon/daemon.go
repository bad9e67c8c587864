// Package daemon puts a station together from a configuration: journal, vault,
// authority, keys, fonts, printer, readers. It is the only place that knows which
// implementation stands behind which interface.
package daemon

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/printers"
	"jukicard/cardd/internal/receipt"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/internal/vault"
	"jukicard/cardd/internal/watchdog"
	"jukicard/pki"
	"jukicard/pki/keystore"
	"jukicard/pki/softca"
	"jukicard/printer"
	"jukicard/printer/face"
	"jukicard/printer/pngfile"
	"jukicard/reader"
)

// Daemon is a station with everything it owns.
type Daemon struct {
	Config    *config.Config
	Station   *station.Station
	Journal   *journal.Journal
	Authority *softca.Authority // the embedded one, which seals whoever certifies
	issuer    issuer            // who certifies
	Hierarchy pki.Hierarchy
	Receipts  *receipt.Signer
	Readers   reader.System
	Printer   *pngfile.Printer             // the desk's; nil when nothing is printed there
	Printers  map[string]*printers.Printer // card printers with a reader in them, each a station of its own, by name
	stations  map[string]*station.Station
	upstream  map[string]*party
	log       *slog.Logger
	keys      keystore.Store // nil: a master key in this process's memory
}

// Options are what a configuration file cannot say.
type Options struct {
	Readers reader.System                 // required
	Watch   func(station.Event)           // told of progress; may be nil
	Trace   func(job string) apdu.Wrapper // keeps transcripts; may be nil
	Lab     func(string, station.Lab)     // told of every card done where the configuration says lab; may be nil
	Log     *slog.Logger                  // required
	Master  secret.Bytes                  // the cards' master key, instead of the configured file
	Short   bool                          // short length even where the card takes extended

	OrdersLost bool // go on without the key of orders at rest; see docs/FAILURES.md, STATION-VAULT-KEY
	// Printer opens a configured card printer; nil is printers.New. Pause waits between
	// two questions to one; nil really waits. Tests have their own printers and clocks.
	Printer func(printers.Spec) (*printers.Printer, error)
	Pause   func(context.Context, time.Duration) error
}

// Open makes the state directory (mode 0700) and everything in it that is missing.
func Open(ctx context.Context, c *config.Config, o Options) (*Daemon, error) {
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make state directory: %w", err)
	}
	d := &Daemon{Config: c, Readers: o.Readers, Hierarchy: hierarchy(c)}
	if err := d.open(ctx, o); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// hierarchy is the laboratory's, under the configured organisation's name.
func hierarchy(c *config.Config) pki.Hierarchy {
	h := pki.Lab()
	if c.Authority.Organization != "" {
		h.Organization = c.Authority.Organization
	}
	return h
}

func (d *Daemon) open(ctx context.Context, o Options) (err error) {
	c := d.Config
	if err := d.openKeys(); err != nil {
		return err
	}
	sealer, err := d.openStores(ctx, o.OrdersLost)
	if err != nil {
		return err
	}
	faces, err := newPainter(c.Fonts.Paths)
	if err != nil {
		return err
	}
	find, err := d.finder(o)
	if err != nil {
		return err
	}
	cfg := station.Config{
		Name: c.Station.Name, Software: Software(), Readers: watchdog.Guard(o.Readers, seconds(c.Reader.CommandSeconds)), Reader: c.Reader.Name,
		Journal: d.Journal, Pins: new(vault.PINs), Sealer: sealer, Authority: d.issuer.Authority, Revoker: d.issuer.Revoker, Hierarchy: d.Hierarchy, FaceSeal: d.Authority,
		Keys: find, Faces: faces, Layout: face.DefaultLayout, Receipts: d.Receipts,
		Log: o.Log, Watch: o.Watch, Trace: o.Trace, Short: o.Short || c.Reader.Short,
	}
	if c.Lab {
		cfg.Lab = o.Lab
	}
	if cfg.Parties, err = d.openUpstream(o); err != nil {
		return err
	}
	if cfg.Printer, err = d.openPrinter(); err != nil {
		return err
	}
	cfg.Pause = o.Pause
	return d.openStations(ctx, cfg, o.Printer)
}

// openPrinter opens the configured printer; none is a nil Device.
func (d *Daemon) openPrinter() (printer.Device, error) {
	if d.Config.Printer.Kind == "none" {
		return nil, nil
	}
	p, err := pngfile.Open(d.Config.Printer.Dir)
	if err != nil {
		return nil, err
	}
	d.Printer = p
	return p, nil
}

// Close gives everything up.
func (d *Daemon) Close() error {
	var errs []error
	errs = append(errs, d.closeStations())
	errs = append(errs, d.closeIssuer())
	if d.Authority != nil {
		errs = append(errs, d.Authority.Close())
	}
	if d.keys != nil {
		errs = append(errs, d.keys.Close())
	}
	if d.Journal != nil {
		errs = append(errs, d.Journal.Close())
	}
	return errors.Join(errs...)
}

// Master reads the cards' master key, hex digits in a file that only its owner may
// read. Without a file it is the well-known test key 40…4F, which only cards of a
// laboratory hold.
func Master(path string) (secret.Bytes, error) {
	if path == "" {
		return scp03.TestKeys().Enc, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return secret.Bytes{}, fmt.Errorf("cannot read master key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return secret.Bytes{}, fmt.Errorf("cannot use master key %s: others may read it; chmod 600 %s", path, filepath.Base(path))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return secret.Bytes{}, fmt.Errorf("cannot read master key: %w", err)
	}
	defer clear(b)
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || (len(key) != 16 && len(key) != 24 && len(key) != 32) {
		return secret.Bytes{}, fmt.Errorf("cannot use master key %s: it holds no 16, 24 or 32 bytes in hex digits", path)
	}
	defer clear(key)
	return secret.New(key), nil
}

// Software is name and version of this program as receipts tell it.
func Software() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "cardd"
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			version = s.Value[:min(len(s.Value), 12)]
		}
	}
	return "cardd " + version
}
