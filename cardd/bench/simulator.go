package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/reader"
	"jukicard/simulator"
)

// Bounds of the section. jCardSim 3.0.5 did 2.3 million on the same class of machine.
const (
	simulatorRateMin   = 2_500_000 // READ BINARY of 16 bytes a second on one core
	simulatorAllocsMax = 0         // a READ BINARY by the card itself
	deskAllocsMax      = 0         // the same through the desk
	readAllocsMax      = 4         // Session.Read of 16 bytes through the desk, card included
	securedAllocsMax   = 4         // the same inside the channel, both ends
)

const (
	simulatorRuns = 9
	simulatorRun  = 200 * time.Millisecond
	allocRounds   = 20_000
)

// readFile is a file that anybody may read on a card that is not yet issued.
const readFile = "jpki/token-info"

// readLen is what the published figures of other simulators read.
const readLen = 16

// measureSimulator has one card read 16 bytes of one file over and over: by the card
// itself, through the desk, by a session in the clear and inside the channel.
func measureSimulator(ctx context.Context, r *report) error {
	p, err := profile.Load(simulator.DefaultProfile)
	if err != nil {
		return err
	}
	c, err := blankCard(p, nil)
	if err != nil {
		return err
	}
	return onOneCore(func() error {
		if err := measureCard(r, p, c); err != nil {
			return err
		}
		desk := simulator.NewDesk(deskReader)
		desk.Insert(0, c)
		open, err := desk.Open(ctx, deskReader, reader.Exclusive)
		if err != nil {
			return err
		}
		defer func() { _ = open.Close(reader.Reset) }()
		return errors.Join(measureDesk(ctx, r, p, open), measureSessions(ctx, r, p, open))
	})
}

// commandsTo are SELECT of the file's application, SELECT of the file, and READ
// BINARY of 16 bytes.
func commandsTo(p *profile.Card, path string) (selects [][]byte, read []byte, err error) {
	a, f, err := p.File(path)
	if err != nil {
		return nil, nil, err
	}
	var out [3][]byte
	for i, c := range [...]apdu.Command{
		{INS: apdu.INSSelect, P1: 0x04, P2: 0x0C, Data: a.AID},
		{INS: apdu.INSSelect, P1: 0x02, P2: 0x0C, Data: []byte{byte(f.ID >> 8), byte(f.ID)}},
		{INS: apdu.INSReadBinary, Ne: readLen},
	} {
		if out[i], err = c.Bytes(); err != nil {
			return nil, nil, err
		}
	}
	return out[:2], out[2], nil
}

func measureCard(r *report, p *profile.Card, c *simulator.Card) error {
	selects, read, err := commandsTo(p, readFile)
	if err != nil {
		return err
	}
	for _, s := range selects {
		if err := expect(c.Process(s), nil, 0); err != nil {
			return err
		}
	}
	return speed(r, "simulator", atLeast(simulatorRateMin), atMost(simulatorAllocsMax), func(n int) error {
		for range n {
			if answer := c.Process(read); len(answer) != readLen+2 {
				return expect(answer, nil, readLen)
			}
		}
		return nil
	})
}

// measureDesk is what a client of the simulated reader sees.
func measureDesk(ctx context.Context, r *report, p *profile.Card, t apdu.Transport) error {
	read, err := current(ctx, p, t)
	if err != nil {
		return err
	}
	return speed(r, "desk", none, atMost(deskAllocsMax), func(n int) error { return repeat(ctx, t, read, n) })
}

// current makes the file current and gives the command that reads it.
func current(ctx context.Context, p *profile.Card, t apdu.Transport) (read []byte, err error) {
	selects, read, err := commandsTo(p, readFile)
	if err != nil {
		return nil, err
	}
	for _, s := range selects {
		answer, err := t.Transmit(ctx, s)
		if err := expect(answer, err, 0); err != nil {
			return nil, err
		}
	}
	return read, nil
}

// repeat sends the command that reads n times.
func repeat(ctx context.Context, t apdu.Transport, read []byte, n int) error {
	for range n {
		if answer, err := t.Transmit(ctx, read); err != nil || len(answer) != readLen+2 {
			return expect(answer, err, readLen)
		}
	}
	return nil
}

// expect wants n bytes of data and 9000.
func expect(answer []byte, err error, n int) error {
	if err != nil {
		return err
	}
	if len(answer) != n+2 || answer[n] != 0x90 || answer[n+1] != 0x00 {
		return fmt.Errorf("the card answered %d bytes, %d and 9000 were expected", len(answer), n)
	}
	return nil
}

// measureSessions reads through apdu/card, in the clear and then inside the channel,
// and opens channels.
func measureSessions(ctx context.Context, r *report, p *profile.Card, t apdu.Transport) error {
	s := card.New(t, p, card.Options{})
	defer s.Close()
	reads := func(n int) error {
		for range n {
			if b, err := s.Read(ctx, readFile, 0, readLen); err != nil || len(b) != readLen {
				return fmt.Errorf("read %d bytes: %w", len(b), err)
			}
		}
		return nil
	}
	if err := speed(r, "session", none, atMost(readAllocsMax), reads); err != nil {
		return err
	}
	keys := scp03.Diversified(simulator.LabTestKey)
	if err := s.Open(ctx, p.Applications[0].Name, keys); err != nil {
		return err
	}
	if err := speed(r, "channel", none, atMost(securedAllocsMax), reads); err != nil {
		return err
	}
	opens, err := rate(simulatorRuns, simulatorRun, func(n int) error {
		for range n {
			if err := s.Open(ctx, p.Applications[0].Name, keys); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.add("channel_open_rate", opens, "1/s", none)
	return nil
}

// speed adds rate and allocations of one way of reading 16 bytes.
func speed(r *report, name string, least, most bound, reads func(n int) error) error {
	persecond, err := rate(simulatorRuns, simulatorRun, reads)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	allocs, err := allocations(allocRounds, reads)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.add(name+"_read16_rate", persecond, "apdu/s", least)
	r.add(name+"_read16_allocs", allocs, "allocs/apdu", most)
	return nil
}
