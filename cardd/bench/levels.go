package main

import (
	"bytes"
	"context"
	"fmt"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
)

// What the channel's levels cost, counted on the wire and computed. The formulas are
// those of GlobalPlatform Amendment D 1.1.2, 6.2.4 to 6.2.7, and ISO/IEC 7816-3:2006,
// 12.1, for commands in short form; they share no line with apdu/scp03.

// protection is a level in a mode.
type protection struct {
	name       string
	level      scp03.Level
	mode       scp03.Mode
	enc        bool // C-ENC: data is padded to whole blocks and encrypted
	rmac, renc bool
}

// protections are all there are; a C-MAC is in each.
func protections() (all []protection) {
	for _, mode := range []scp03.Mode{scp03.S8, scp03.S16} {
		for _, p := range []protection{
			{name: "01", level: scp03.LevelCMAC},
			{name: "03", level: scp03.LevelCMACCENC, enc: true},
			{name: "11", level: scp03.LevelCMACRMAC, rmac: true},
			{name: "13", level: scp03.LevelCMACCENCRMAC, enc: true, rmac: true},
			{name: "33", level: scp03.LevelFull, enc: true, rmac: true, renc: true},
		} {
			p.name, p.mode = fmt.Sprintf("level_%s_s%d", p.name, int(mode)), mode
			all = append(all, p)
		}
	}
	return all
}

// clearLength is the length of a command of n bytes that is answered by m, and of the
// answer.
func clearLength(n, m int) (command, answer int) {
	command = header
	if n > 0 {
		command += 1 + n
	}
	if m > 0 {
		command++ // Le
	}
	return command, m + status
}

// length is the same inside the channel. Le counts plain bytes: where the MAC alone comes
// back there is none.
func (p protection) length(n, m int) (command, answer int) {
	command, _ = clearLength(p.up(n), m)
	return command, p.down(m) + status
}

// up is what n bytes of command data become.
func (p protection) up(n int) int { return blocks(n, p.enc) + int(p.mode) }

// down is what m bytes of an answer become.
func (p protection) down(m int) int {
	if p.rmac {
		return blocks(m, p.renc) + int(p.mode)
	}
	return blocks(m, p.renc)
}

// blocks is n padded by at least one byte to whole blocks, where it is encrypted and
// there is any.
func blocks(n int, encrypted bool) int {
	const block = 16
	if encrypted && n > 0 {
		return (n/block + 1) * block
	}
	return n
}

// most is the longest plain command and answer in short form.
func (p protection) most() (n, m int) {
	for n = shortDataMax; p.up(n) > shortDataMax; n-- {
	}
	for m = shortAnswerMax; p.down(m) > shortAnswerMax; m-- {
	}
	return n, m
}

// cost is what a protection cost over many exchanges.
type cost struct {
	counted, computed int // bytes more than in the clear
	off               int // exchanges that differ from the formula
}

// measureLevels sends every length of command and of answer there is at each level.
func measureLevels(ctx context.Context, r *report) error {
	for _, p := range protections() {
		c, s, err := p.exchanges(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		r.count(p.name+"_overhead", c.counted, "B", atMost(float64(c.computed)))
		r.count(p.name+"_off_formula", c.off, "exchanges", atMost(0))
		n, _ := p.most()
		write := apdu.Command{INS: apdu.INSUpdateBinary, Data: make([]byte, n)}
		err = perSecond(r, p.name+"_wrapped_rate", "B/s", float64(n), func() error {
			_, err := apdu.Send(ctx, s, write)
			return err
		})
		s.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// exchanges counts, and gives the session it used.
func (p protection) exchanges(ctx context.Context) (c cost, s *scp03.Session, err error) {
	keys := scp03.TestKeys()
	end := newCardEnd(keys, p.mode)
	s, err = scp03.Open(ctx, end, scp03.Config{Find: scp03.Fixed(keys), Level: p.level, Mode: p.mode})
	if err != nil {
		return c, nil, err
	}
	n, m := p.most()
	for up := range n + 1 {
		err = p.exchange(ctx, &c, s, end, up, 0)
		for _, down := range []int{1, 15, 16, 17, m} {
			if err == nil {
				err = p.exchange(ctx, &c, s, end, up, down)
			}
		}
		if err != nil {
			return c, nil, err
		}
	}
	for down := range m {
		if err := p.exchange(ctx, &c, s, end, 0, down+1); err != nil {
			return c, nil, err
		}
	}
	return c, s, nil
}

func (p protection) exchange(ctx context.Context, c *cost, s *scp03.Session, end *cardEnd, n, m int) error {
	end.answers = make([]byte, m)
	command := apdu.Command{INS: apdu.INSPutData, Data: make([]byte, n), Ne: m}
	r, err := apdu.Send(ctx, s, command)
	if err != nil || r.SW != apdu.SWOK || len(r.Data) != m {
		return fmt.Errorf("%d bytes for %d: %d bytes, %v, %w", n, m, len(r.Data), r.SW, err)
	}
	sent, received := p.length(n, m)
	if end.sent != sent || end.received != received {
		c.off++
	}
	plain, answer := clearLength(n, m)
	c.counted += end.sent + end.received - plain - answer
	c.computed += sent + received - plain - answer
	return nil
}

// cardEnd is the card's end of a channel, with nothing behind it but an answer.
type cardEnd struct {
	scp03.CardSession
	params         scp03.CardParams
	answers        []byte
	sent, received int // lengths of the last command and its answer
}

func newCardEnd(k scp03.StaticKeys, m scp03.Mode) *cardEnd {
	options := scp03.OptionPseudoRandom | scp03.OptionRMAC | scp03.OptionRENC
	if m == scp03.S16 {
		options |= scp03.OptionS16
	}
	info := scp03.Info{Diversification: benchDiversification, KeyVersion: benchVersion, Options: options}
	return &cardEnd{params: scp03.CardParams{Info: info, Keys: k, AID: bytes.Repeat([]byte{0xA0}, 8)}}
}

// Transmit implements apdu.Transport.
func (e *cardEnd) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return nil, err
	}
	answer, err := e.process(ctx, c)
	e.sent, e.received = len(command), len(answer)
	return answer, err
}

func (e *cardEnd) process(ctx context.Context, c apdu.Command) ([]byte, error) {
	switch c.INS {
	case apdu.INSInitializeUpdate:
		e.params.Sequence++
		r, err := e.InitializeUpdate(ctx, e.params, c)
		return r.Append(nil), err
	case apdu.INSExternalAuthenticate:
		return apdu.Response{SW: e.ExternalAuthenticate(c)}.Append(nil), nil
	}
	if _, sw := e.Unwrap(c); sw != apdu.SWOK {
		return apdu.Response{SW: sw}.Append(nil), nil
	}
	return e.Wrap(nil, apdu.Response{Data: e.answers, SW: apdu.SWOK}), nil
}
