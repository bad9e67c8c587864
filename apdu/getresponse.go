package apdu

import "context"

// GetResponse fetches what a card announces by 61xx with GET RESPONSE until it
// announces nothing more, and gives all the data with the last status word
// (ISO/IEC 7816-4:2020, 11.8.1; 7816-3:2006, 12.2.1 for T=0). By default it sends
// at most 512 GET RESPONSE and gathers at most 65536 bytes.
//
// GET RESPONSE goes out on the command's logical channel and is itself safe to
// repeat, so put [RetryLe] inside this wrapper, not around it.
func GetResponse(b Budget) Wrapper {
	b = b.orDefault(512, MaxExtendedNe)
	return func(t Transport) Transport { return &getResponse{t: t, budget: b} }
}

type getResponse struct {
	t      Transport
	budget Budget
	next   [5]byte
	data   []byte
}

func (g *getResponse) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	answer, err := g.t.Transmit(ctx, command)
	if sw, ok := statusOf(answer); err != nil || !ok || sw.SW1() != 0x61 {
		return answer, err
	}
	clear(g.data)
	g.data = g.data[:0]
	return g.fetch(ctx, command, answer)
}

func (g *getResponse) fetch(ctx context.Context, command, answer []byte) ([]byte, error) {
	for steps := 0; ; steps++ {
		sw, ok := statusOf(answer)
		if !ok {
			return answer, nil // too short to be an answer: the caller will say so
		}
		if g.data = append(g.data, answer[:len(answer)-2]...); len(g.data) > g.budget.Bytes {
			return nil, over("get response", command, "bytes", g.budget.Bytes)
		}
		if sw.SW1() != 0x61 {
			g.data = append(g.data, answer[len(answer)-2:]...)
			return g.data, nil
		}
		if steps == g.budget.Steps {
			return nil, over("get response", command, "commands", g.budget.Steps)
		}
		g.next = [5]byte{channelOf(command), INSGetResponse, 0, 0, sw.SW2()}
		var err error
		if answer, err = g.t.Transmit(ctx, g.next[:]); err != nil {
			return nil, err
		}
	}
}

// channelOf is the CLA that has a command's logical channel and nothing else
// (ISO/IEC 7816-4:2020, 5.4.1): two bits in the first interindustry class and in
// GlobalPlatform's 8x, four in the further one.
func channelOf(command []byte) byte {
	if len(command) == 0 {
		return 0
	}
	if cla := command[0]; cla&0x40 != 0 {
		return 0x40 | cla&0x0F
	}
	return command[0] & 0x03
}
