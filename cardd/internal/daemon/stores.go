package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/receipt"
	"jukicard/cardd/internal/vault"
	"jukicard/pki"
	"jukicard/pki/softca"
)

// openStores opens what outlives the daemon. Each store judges itself, and what belongs
// together is compared; whatever does not hold stops the daemon before anything is made
// anew in its place or a card is touched. ordersLost lets it go on without the key of
// orders that nobody can open any more.
func (d *Daemon) openStores(ctx context.Context, ordersLost bool) (sealer *vault.Sealer, err error) {
	c := d.Config
	if d.Journal, err = journal.Open(ctx, c.JournalFile()); err != nil {
		return nil, err
	}
	if err := d.authorityThere(ctx); err != nil {
		return nil, err
	}
	own, err := d.authorityKeys()
	if err != nil {
		return nil, err
	}
	if d.Authority, err = softca.Open(c.Authority.Dir, softca.Options{Hierarchy: d.Hierarchy, Keys: own, Algorithm: pki.Algorithm(c.Authority.Algorithm)}); err != nil {
		return nil, failure.New(failure.PKIStore, err.Error(), err)
	}
	if err := d.openIssuer(ctx); err != nil {
		return nil, err
	}
	if d.Receipts, err = receipt.OpenSigner(c.StateDir); err != nil {
		return nil, failure.New(failure.StationReceiptKey, err.Error(), err)
	}
	return d.openVault(ctx, ordersLost)
}

// authorityThere refuses to begin an authority where cards were issued under one: a
// folder that is gone is mostly a disk that is not mounted.
func (d *Daemon) authorityThere(ctx context.Context) error {
	dir := d.Config.Authority.Dir
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return nil // whatever else is wrong with it, it says itself
	}
	jobs, err := d.Journal.Jobs(ctx, 1)
	if err != nil || len(jobs) == 0 {
		return err
	}
	return failure.New(failure.PKIStore, fmt.Sprintf("the folder %s is gone, and cards were issued under it; where another authority is meant, make an empty folder there", dir), nil)
}

// openVault opens the key of sealed orders. Where orders rest that no key or another
// one is there for, nothing is made anew: the right key may still be found.
func (d *Daemon) openVault(ctx context.Context, ordersLost bool) (*vault.Sealer, error) {
	dir := d.Config.StateDir
	resting, err := d.resting(ctx)
	if err != nil {
		return nil, err
	}
	there, err := vault.HasKey(dir)
	if err != nil {
		return nil, failure.New(failure.StationVaultKey, err.Error(), err)
	}
	if !there && len(resting) > 0 && !ordersLost {
		return nil, failure.New(failure.StationVaultKey, fmt.Sprintf("the key is gone from %s, and %d orders rest under it", dir, len(resting)), nil)
	}
	sealer, err := vault.OpenSealer(dir)
	if err != nil {
		return nil, failure.New(failure.StationVaultKey, err.Error(), err)
	}
	for _, job := range resting {
		if err := d.opens(ctx, sealer, job); err != nil && !ordersLost {
			return nil, err
		}
	}
	return sealer, nil
}

// resting are the jobs whose sealed orders are still needed.
func (d *Daemon) resting(ctx context.Context) ([]string, error) {
	var ids []string
	for _, list := range []func(context.Context) ([]journal.Job, error){d.Journal.Unfinished, d.Journal.Owing} {
		jobs, err := list(ctx)
		if err != nil {
			return nil, err
		}
		for _, j := range jobs {
			ids = append(ids, j.ID)
		}
	}
	return ids, nil
}

// opens is whether the key is that of a job's order.
func (d *Daemon) opens(ctx context.Context, sealer *vault.Sealer, job string) error {
	sealed, err := d.Journal.Sealed(ctx, job)
	if errors.Is(err, journal.ErrDropped) { // it has ended but for its entry
		return nil
	}
	if err != nil {
		return err
	}
	plain, err := sealer.Open(job, sealed)
	clear(plain)
	if err != nil {
		return failure.New(failure.StationVaultKey, fmt.Sprintf("it does not open the order of job %s", job), err)
	}
	return nil
}
