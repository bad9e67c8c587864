package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ebfe/scard"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/reader"
	"jukicard/reader/pcsc"
	"jukicard/simulator"
	"jukicard/simulator/bed"
	"jukicard/simulator/vpcd"
)

// Bounds of the section: how much of the bare binding's rate reader/pcsc keeps, and
// what it allocates beside the binding's own: nothing, but the rest of the process is
// counted too.
const (
	pcscRatioMin      = 0.9
	pcscAllocsMoreMax = 0.1
)

// A turn is short against the machine's moods and there are many, so that the median
// of their ratios is steady where a single one is not: on two cores it stayed within
// 1.00 and 1.03 with the machine to itself, and within 0.95 and 1.11 with four busy
// loops beside it.
const (
	pcscRounds   = 81
	pcscCommands = 150 // in one client's turn
	pcscWarm     = 20  // before the clock runs, after each connect
	pcscPatience = 10 * time.Second
)

// client is one way to the card in the virtual reader, taken exclusively for a turn.
type client interface {
	// turn connects, runs f and gives the card back.
	turn(ctx context.Context, f func(apdu.Transport) error) error
}

// measurePCSC lets reader/pcsc and the bare binding below it (ebfe/scard) take turns
// on one card behind a private pcscd with Debian's virtual reader.
func measurePCSC(ctx context.Context, r *report) (err error) {
	b, err := bed.Up(ctx, bed.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := os.Setenv(bed.EnvSocket, b.Socket()); err != nil { // libpcsclite reads it at the first call
		return err
	}
	p, err := profile.Load(simulator.DefaultProfile)
	if err != nil {
		return err
	}
	c, err := blankCard(p, nil)
	if err != nil {
		return err
	}
	serving, remove := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- vpcd.Serve(serving, b.Addr(0), c, vpcd.Options{}) }()
	defer func() { remove(); err = errors.Join(err, <-served) }()
	ours := &ourClient{system: pcsc.New(pcsc.Options{}), name: b.Reader(0)}
	if err := ours.wait(ctx); err != nil {
		return err
	}
	return takeTurns(ctx, r, p, ours, &bareClient{name: b.Reader(0)})
}

// takeTurns runs ours and the bare one in pairs, each first in every other pair.
func takeTurns(ctx context.Context, r *report, p *profile.Card, ours, bare client) error {
	var ratios, rates, bareRates, allocs, more []float64
	for i := range pcscRounds {
		var a, b turnResult
		var err error
		if i%2 == 0 {
			a, b, err = pair(ctx, p, ours, bare)
		} else {
			b, a, err = pair(ctx, p, bare, ours)
		}
		if err != nil {
			return err
		}
		rates, bareRates = append(rates, a.rate), append(bareRates, b.rate)
		ratios = append(ratios, a.rate/b.rate)
		allocs, more = append(allocs, a.allocs), append(more, a.allocs-b.allocs)
	}
	r.add("pcsc_read16_rate", median(rates), "apdu/s", none)
	r.add("pcsc_read16_rate_bare", median(bareRates), "apdu/s", none)
	r.add("pcsc_read16_ratio", median(ratios), unitRatio, atLeast(pcscRatioMin))
	r.add("pcsc_read16_allocs", median(allocs), "allocs/apdu", none)
	r.add("pcsc_read16_allocs_more", median(more), "allocs/apdu", atMost(pcscAllocsMoreMax))
	return nil
}

func pair(ctx context.Context, p *profile.Card, first, second client) (a, b turnResult, err error) {
	if a, err = read16(ctx, p, first); err != nil {
		return a, b, err
	}
	b, err = read16(ctx, p, second)
	return a, b, err
}

// turnResult is what one turn showed.
type turnResult struct{ rate, allocs float64 }

// read16 is one turn: the same READ BINARY over and over.
func read16(ctx context.Context, p *profile.Card, c client) (out turnResult, err error) {
	err = c.turn(ctx, func(t apdu.Transport) error {
		read, err := current(ctx, p, t)
		if err != nil {
			return err
		}
		if err := repeat(ctx, t, read, pcscWarm); err != nil {
			return err
		}
		began := time.Now()
		out.allocs, err = allocationsOnce(pcscCommands, func(n int) error { return repeat(ctx, t, read, n) })
		out.rate = pcscCommands / time.Since(began).Seconds()
		return err
	})
	return out, err
}

// ourClient is reader/pcsc.
type ourClient struct {
	system *pcsc.System
	name   string
}

// wait returns when pcscd has seen the card.
func (c *ourClient) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pcscPatience)
	defer cancel()
	for e, err := range c.system.Watch(ctx) {
		if err == nil && e.Kind == reader.Inserted && e.Reader == c.name {
			return nil
		}
	}
	return fmt.Errorf("no card appears in %s", c.name)
}

func (c *ourClient) turn(ctx context.Context, f func(apdu.Transport) error) error {
	open, err := c.system.Open(ctx, c.name, reader.Exclusive)
	if err != nil {
		return err
	}
	return errors.Join(f(open), open.Close(reader.Leave))
}

// bareClient is the binding with nothing around it.
type bareClient struct{ name string }

func (c *bareClient) turn(_ context.Context, f func(apdu.Transport) error) error {
	sc, err := scard.EstablishContext()
	if err != nil {
		return err
	}
	defer func() { _ = sc.Release() }()
	open, err := sc.Connect(c.name, scard.ShareExclusive, scard.ProtocolAny)
	if err != nil {
		return err
	}
	bare := apdu.TransportFunc(func(_ context.Context, command []byte) ([]byte, error) { return open.Transmit(command) })
	return errors.Join(f(bare), open.Disconnect(scard.LeaveCard))
}
