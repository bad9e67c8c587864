package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/simulator"
)

// foreign is a card of somebody else: it has no application that anybody asks for.
type foreign struct{}

// ATR offers T=1 and says nothing more (ISO/IEC 7816-3:2006, 8.2).
func (foreign) ATR() []byte { return []byte{0x3B, 0x80, 0x01, 0x81} }
func (foreign) PowerOff()   {}
func (foreign) Reset()      {}

func (foreign) Process([]byte) []byte { return status(apdu.SWFileNotFound) }

func status(sw apdu.SW) []byte { return []byte{sw.SW1(), sw.SW2()} }

// relabelled is a card whose token label is another, as one of another generation
// has. Only answers that hold the label whole are changed.
type relabelled struct {
	simulator.ProcessingCard
	label []byte // as long as the label of this generation
}

// relabel pads the label as CK_TOKEN_INFO does; a longer one would move what
// stands behind it.
func relabel(c simulator.ProcessingCard, label string) (relabelled, error) {
	if n := len(card.Label); len(label) == 0 || len(label) > n {
		return relabelled{}, fmt.Errorf("cannot label the card: a label has 1 to %d bytes, not %d", n, len(label))
	}
	return relabelled{c, []byte(label + strings.Repeat(" ", len(card.Label)-len(label)))}, nil
}

func (r relabelled) Process(command []byte) []byte {
	return bytes.Replace(r.ProcessingCard.Process(command), []byte(card.Label), r.label, 1)
}

// pulled is a card that is pulled out at a certain command: the card carries it
// out, and the answer never arrives.
type pulled struct {
	simulator.ProcessingCard
	left int // commands until it happens
	pull func()
}

func (p *pulled) Process(command []byte) []byte {
	answer := p.ProcessingCard.Process(command)
	if p.left--; p.left != 0 {
		return answer
	}
	p.pull()
	return nil
}

// lifeCycles are the states a card's issuer domain can be brought into
// (GlobalPlatform Card Specification 2.3.1, 11.1.1).
var lifeCycles = map[string]byte{"secured": 0x0F, "card-locked": 0x7F, "terminated": 0xFF}

// setLifeCycle brings the card into a state, as its issuer would.
func setLifeCycle(ctx context.Context, c simulator.ProcessingCard, p *profile.Card, master secret.Bytes, name string) error {
	state, ok := lifeCycles[name]
	if !ok {
		return fmt.Errorf("cannot set life-cycle state %q: it is secured, card-locked or terminated", name)
	}
	t := direct(c)
	if err := card.New(t, p, card.Options{}).Select(ctx, card.Domain); err != nil {
		return fmt.Errorf("cannot set life-cycle state: %w", err)
	}
	channel, err := scp03.Open(ctx, t, scp03.Config{
		Find: scp03.Diversified(master), KeyVersion: p.Domain.KeyVersion, Level: scp03.Level(p.Writing.SecurityLevel),
	})
	if errors.Is(err, scp03.ErrCryptogram) {
		return errors.New("cannot set life-cycle state: the card's issuer key is another; give it with --master-key")
	}
	if err != nil {
		return fmt.Errorf("cannot set life-cycle state: %w", err)
	}
	defer channel.Close()
	set := apdu.Command{CLA: 0x80, INS: apdu.INSSetStatus, P1: 0x80, P2: state}
	r, err := apdu.Send(ctx, channel, set)
	if err == nil {
		err = r.Err(set, card.Domain)
	}
	c.Reset()
	return err
}

// direct is a card without any reader.
func direct(c simulator.ProcessingCard) apdu.Transport {
	return apdu.TransportFunc(func(_ context.Context, command []byte) ([]byte, error) { return c.Process(command), nil })
}
