package apdu

import (
	"context"
	"fmt"
)

// classChaining is the bit of CLA that says "not the last of a chain"
// (ISO/IEC 7816-4:2020, 5.3.3).
const classChaining = 0x10

// Chain splits a command whose data is longer than size into a chain of commands
// of size bytes each, the last one with the rest and with Le
// (ISO/IEC 7816-4:2020, 5.3.3). It fits the first interindustry class and 8x;
// others, and commands that are already part of a chain, pass as they are. By default
// a chain has at most 65535 bytes and 512 commands; one that would be longer is
// refused before its first command is sent.
//
// A card that answers a part with anything but 9000 has refused the whole: its
// answer is the command's. After a link failure inside a chain nothing is repeated.
// It panics unless size is 1 to 65535.
func Chain(size int, b Budget) Wrapper {
	if size < 1 || size > MaxExtendedData {
		panic(fmt.Sprintf("internal error: chain in parts of %d bytes", size))
	}
	b = b.orDefault(512, MaxExtendedData)
	return func(t Transport) Transport { return &chain{t: t, size: size, budget: b} }
}

type chain struct {
	t      Transport
	size   int
	budget Budget
	part   []byte
}

func (ch *chain) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	c, err := ParseCommand(command)
	if err != nil {
		return nil, err
	}
	if len(c.Data) <= ch.size || c.CLA&^0x80&(0x60|classChaining) != 0 {
		return ch.t.Transmit(ctx, command)
	}
	if len(c.Data) > ch.budget.Bytes {
		return nil, over("chain", command, "bytes", ch.budget.Bytes)
	}
	if (len(c.Data)-1)/ch.size > ch.budget.Steps {
		return nil, over("chain", command, "commands", ch.budget.Steps)
	}
	defer func() { clear(ch.part) }() // it may have carried a key
	return ch.send(ctx, c)
}

func (ch *chain) send(ctx context.Context, c Command) ([]byte, error) {
	part := Command{CLA: c.CLA | classChaining, INS: c.INS, P1: c.P1, P2: c.P2}
	for data := c.Data; ; {
		part.Data, data = data[:min(ch.size, len(data))], data[min(ch.size, len(data)):]
		if len(data) == 0 {
			part.CLA, part.Ne = c.CLA, c.Ne
		}
		var err error
		if ch.part, err = part.Append(ch.part[:0]); err != nil {
			return nil, err
		}
		answer, err := ch.t.Transmit(ctx, ch.part)
		if err != nil || len(data) == 0 {
			return answer, err
		}
		if sw, ok := statusOf(answer); !ok || sw != SWOK {
			return answer, nil
		}
	}
}
