package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/receipt"
	"jukicard/cardd/internal/station"
	"jukicard/cardd/internal/vault"
	"jukicard/pki"
	"jukicard/printer/face"
	"jukicard/simulator"
)

// Options say what an office is like.
type Options struct {
	Short bool      // commands of short length only
	Disk  bool      // a real journal, in SQLite and synced; else one in memory that keeps the same
	Log   io.Writer // where the daemon's own log goes; nil: nowhere
}

// Office is one station with a reader, a printer and a clerk. One goroutine uses it.
type Office struct {
	house    *House
	number   int64 // of the office
	o        Options
	dir      string
	desk     *sockets
	press    *press
	registry *registry
	sealer   *vault.Sealer
	receipts *receipt.Signer

	books   station.Journal // the journal itself
	journal *mortal         // the same, as the daemon has it
	station *station.Station
	cards   int // made so far; they are numbered
	orders  int
}

// deskReader is the office's one reader.
const deskReader = "Desk 0"

// Office opens an office of the house with an empty journal.
func (h *House) Office(ctx context.Context, o Options) (*Office, error) {
	dir, err := os.MkdirTemp(h.dir, "office-")
	if err != nil {
		return nil, fmt.Errorf("cannot open an office: %w", err)
	}
	f := &Office{house: h, number: h.offices.Add(1), o: o, dir: dir, journal: &mortal{}, desk: &sockets{Desk: simulator.NewDesk(deskReader)}, press: newPress(), registry: newRegistry(h.ca)}
	if f.sealer, err = vault.OpenSealer(dir); err == nil {
		f.receipts, err = receipt.OpenSigner(dir)
	}
	if err == nil {
		err = f.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// start is a life of the daemon: what was in memory in the one before is gone.
func (f *Office) start(ctx context.Context) (err error) {
	switch {
	case f.o.Disk:
		if f.books, err = journal.Open(ctx, filepath.Join(f.dir, "journal.db")); err != nil {
			return err
		}
	case f.books == nil:
		f.books = newLedger()
	}
	f.journal.Journal = f.books
	log := slog.New(slog.DiscardHandler)
	if f.o.Log != nil {
		log = slog.New(slog.NewTextHandler(f.o.Log, nil))
	}
	f.station = station.New(station.Config{
		Name: "faults", Software: "faults", Readers: f.desk, Short: f.o.Short, Journal: f.journal, Pins: new(vault.PINs), Sealer: f.sealer,
		Authority: f.registry, Hierarchy: pki.Lab(), FaceSeal: f.house.seals, Keys: scp03.Diversified(simulator.LabTestKey),
		Faces: f.house.faces, Layout: face.DefaultLayout, Printer: f.press, Receipts: f.receipts, Log: log,
	})
	return f.station.Recover(ctx)
}

// restart begins a life of the daemon where the one before has ended in whatever way. The
// deaths still to come may end this one too, also before it is up.
func (f *Office) restart(ctx context.Context) (deaths int, err error) {
	for {
		f.desk.release()
		died, err := survive(func() error {
			return errors.Join(f.shut(), f.start(ctx))
		})
		if !died {
			return deaths, err
		}
		deaths++
	}
}

// survive does something that the daemon may die of.
func survive(do func() error) (died bool, err error) {
	defer func() {
		switch r := recover(); r {
		case nil:
		case errKilled:
			died, err = true, nil
		default:
			panic(r)
		}
	}()
	return false, do()
}

// shut gives up the journal's file, where there is one.
func (f *Office) shut() error {
	if file, ok := f.books.(io.Closer); ok {
		return file.Close()
	}
	return nil
}

// Close gives the office up; its folder goes with the house.
func (f *Office) Close() error {
	return errors.Join(f.shut(), os.RemoveAll(f.dir))
}

// blank makes the next blank card of a line.
func (f *Office) blank(p *profile.Card, line int) (*simulator.Card, error) {
	f.cards++
	return simulator.NewBlank(simulator.Options{
		Profile: p, LabKey: simulator.LabTestKey, Master: simulator.LabTestKey,
		CardID: fmt.Sprintf("0999%04d%08d", f.number%1e4, f.cards), KeyPool: f.house.keys.of(line), PointPool: f.house.keys.points(line),
	})
}

// next is the number of the next order.
func (f *Office) next() string {
	f.orders++
	return fmt.Sprintf("FAULTS-%d-%d", f.number, f.orders)
}

// submit hands a person's order in under that number.
func (f *Office) submit(ctx context.Context, a *applicant, number string) (job string, err error) {
	wire := a.under(number)
	o, err := order.Parse(wire, nil, order.Checks{})
	if err != nil {
		return "", err
	}
	defer o.Destroy()
	pins, err := order.ParsePINs(a.pins)
	if err != nil {
		return "", err
	}
	return f.station.Submit(ctx, o, wire, pins)
}
