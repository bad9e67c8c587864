package daemon

import (
	"context"
	"errors"
	"maps"
	"slices"

	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/printers"
	"jukicard/cardd/internal/station"
	"jukicard/printer"
)

// chipStations are the places of a reader in a printer, as the configuration names them.
var chipStations = map[string]printer.Position{"contact": printer.Contact, "contactless": printer.Contactless}

// openStations makes the desk's station and one for each card printer with a reader in it.
// A printer that is switched off is no reason not to start.
func (d *Daemon) openStations(ctx context.Context, desk station.Config, open func(printers.Spec) (*printers.Printer, error)) error {
	if open == nil {
		open = printers.New
	}
	desk.Owns = func(name string) bool { _, other := d.Config.Printers[name]; return !other }
	d.Station = station.New(desk)
	d.stations, d.Printers = map[string]*station.Station{}, map[string]*printers.Printer{}
	for _, name := range slices.Sorted(maps.Keys(d.Config.Printers)) {
		p := d.Config.Printers[name]
		device, err := open(specOf(name, p))
		if err != nil {
			return err
		}
		at := desk
		at.Name, at.Reader, at.Printer, at.ChipStation = name, p.Reader, device, chipStations[p.Station]
		at.Owns = func(of string) bool { return of == name }
		d.stations[name], d.Printers[name] = station.New(at), device
	}
	return d.recover(ctx)
}

func specOf(name string, p config.CardPrinter) printers.Spec {
	return printers.Spec{Name: name, Kind: p.Kind, Address: p.Address, Ribbon: p.Ribbon}
}

// recover has every station take note of what was in doubt when the daemon died.
func (d *Daemon) recover(ctx context.Context) error {
	if err := d.Station.Recover(ctx); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(d.stations)) {
		if err := d.stations[name].Recover(ctx); err != nil {
			return err
		}
	}
	return nil
}

// At is the station of that name; the desk's for its own and for none.
func (d *Daemon) At(name string) (*station.Station, error) {
	if name == "" || name == d.Config.Station.Name {
		return d.Station, nil
	}
	if s := d.stations[name]; s != nil {
		return s, nil
	}
	return nil, failure.New(failure.PrinterUnknown, name, nil)
}

// Of is the station that a job belongs to. Whose job is not known is the desk's, which
// says so.
func (d *Daemon) Of(ctx context.Context, jobID string) *station.Station {
	j, err := d.Journal.Job(ctx, jobID)
	if s := d.stations[j.Station]; err == nil && s != nil {
		return s
	}
	return d.Station
}

// PrinterNamed is a configured card printer.
func (d *Daemon) PrinterNamed(name string) (*printers.Printer, error) {
	if p := d.Printers[name]; p != nil {
		return p, nil
	}
	return nil, failure.New(failure.PrinterUnknown, name, nil)
}

func (d *Daemon) closeStations() error {
	if d.Station != nil {
		d.Station.Close()
	}
	for _, s := range d.stations {
		s.Close()
	}
	var errs []error
	for _, p := range d.Printers {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}
