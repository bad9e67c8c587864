package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"jukicard/cardd/internal/upstream"
)

// party is one side outside with who brings it its notices.
type party struct {
	line    *upstream.HTTP
	shipper *upstream.Shipper
}

// openUpstream makes the lines to the configured parties and gives their names;
// nothing is sent before [Daemon.Ship].
func (d *Daemon) openUpstream(o Options) (names []string, err error) {
	if err := d.Journal.VerifyOutbox(context.Background()); err != nil {
		return nil, err
	}
	d.upstream, d.log = map[string]*party{}, o.Log
	c := d.Config.Upstream
	secured, err := c.TLS()
	if err != nil {
		return nil, err
	}
	for _, p := range []struct{ name, url string }{{upstream.Management, c.Management}, {upstream.JPKI, c.JPKI}} {
		if p.url == "" {
			continue
		}
		line, err := upstream.NewHTTP(upstream.HTTPConfig{URL: p.url, TLS: secured})
		if err != nil {
			return nil, fmt.Errorf("cannot reach %s: %w", p.name, err)
		}
		d.upstream[p.name] = &party{line, upstream.NewShipper(upstream.Config{
			Name: p.name, Party: line, Outbox: d.Journal, Log: o.Log, Timeout: seconds(c.TimeoutSeconds), Settle: max(seconds(c.SettleSeconds), 1),
			Tells: c.Tells, Poll: seconds(c.PollSeconds), Backoff: upstream.Backoff{Max: seconds(c.BackoffSeconds)},
		})}
		names = append(names, p.name)
	}
	return names, nil
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// Ship brings notices to the parties until ctx ends.
func (d *Daemon) Ship(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make(chan error, len(d.upstream))
	for _, p := range d.upstream {
		wg.Go(func() {
			defer p.line.Close()
			errs <- p.shipper.Run(ctx)
		})
	}
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		if !errors.Is(err, context.Canceled) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// Wake has waiting notices shipped now.
func (d *Daemon) Wake() {
	for _, p := range d.upstream {
		p.shipper.Wake()
	}
}

// management is what card management says of every card; nil where nobody is
// configured to be asked.
func (d *Daemon) management(ctx context.Context) ([]upstream.ManagementView, error) {
	p, ok := d.upstream[upstream.Management]
	if !ok {
		return nil, nil
	}
	all := []upstream.ManagementView{}
	after := ""
	for range pagesMax {
		page, next, err := d.cards(ctx, p, after)
		if err != nil {
			return nil, fmt.Errorf("cannot ask card management for its cards: %w", err)
		}
		all = append(all, page...)
		if next == "" {
			return all, nil
		}
		after = next
	}
	return nil, fmt.Errorf("cannot ask card management for its cards: more than %d pages", pagesMax)
}

// cards is one page of card management's cards, within the time of one answer.
func (d *Daemon) cards(ctx context.Context, p *party, after string) ([]upstream.ManagementView, string, error) {
	ctx, stop := context.WithTimeout(ctx, seconds(d.Config.Upstream.TimeoutSeconds))
	defer stop()
	return p.line.Cards(ctx, after)
}
