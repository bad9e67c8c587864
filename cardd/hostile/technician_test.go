package hostile

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"strings"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/simulator"
)

// deeds are what a technician's commands have the card layer do with any card that is
// put in.
var deeds = []struct {
	name string
	do   func(ctx context.Context, s *card.Session) error
}{
	{"identify", func(ctx context.Context, s *card.Session) error { _, err := s.Identify(ctx); return err }},
	{"select", func(ctx context.Context, s *card.Session) error { return s.Select(ctx, "jpki") }},
	{"open", func(ctx context.Context, s *card.Session) error {
		return s.Open(ctx, "jpki", scp03.Diversified(simulator.LabTestKey))
	}},
	{"number", func(ctx context.Context, s *card.Session) error { _, err := s.CardID(ctx); return err }},
	{"state", func(ctx context.Context, s *card.Session) error { _, err := s.State(ctx); return err }},
	{"data", func(ctx context.Context, s *card.Session) error {
		_, err := s.Data(ctx, 0x7F21, "cv-certificate")
		return err
	}},
	{"read all", func(ctx context.Context, s *card.Session) error { return most(s.ReadAll(ctx, "jpki/auth-cert")) }},
	{"read all of a record", func(ctx context.Context, s *card.Session) error {
		return most(s.ReadAll(ctx, "common/manufacture"))
	}},
	{"read object", func(ctx context.Context, s *card.Session) error { return most(s.ReadObject(ctx, "surface/face")) }},
	{"tries", func(ctx context.Context, s *card.Session) error {
		n, err := s.Tries(ctx, "jpki/sign-pin")
		if n < 0 || n > 15 {
			return fmt.Errorf("%w: %d tries", errUnbounded, n)
		}
		return err
	}},
	{"verify", func(ctx context.Context, s *card.Session) error {
		return s.VerifyGuarded(ctx, "jpki/sign-pin", secret.FromString("CANARY77"))
	}},
	{"public key", func(ctx context.Context, s *card.Session) error {
		_, err := s.PublicKey(ctx, "jpki/sign-key")
		return err
	}},
	{"sign", func(ctx context.Context, s *card.Session) error {
		_, err := s.Sign(ctx, "jpki/auth-key", make([]byte, 51))
		return err
	}},
}

// errUnbounded: a card got more out of the card layer than it should.
var errUnbounded = errors.New("unbounded")

// objectMax bounds what one object may grow to, and commandsOfADeed the commands that
// one deed may take.
const (
	objectMax       = 1 << 16
	commandsOfADeed = 1000
)

func most(b []byte, err error) error {
	if len(b) > objectMax {
		return fmt.Errorf("%w: an object of %d bytes", errUnbounded, len(b))
	}
	return err
}

// stranger is a card that answers a technician: noise, pieces of what cards answer, and
// now and then what is due.
type stranger struct {
	r        *rand.Rand
	answers  int
	verified int // VERIFY with data
	real     *simulator.Card
	storm    []byte
}

// Transmit implements apdu.Transport.
func (c *stranger) Transmit(_ context.Context, command []byte) ([]byte, error) {
	c.answers++
	if presents(command) {
		c.verified++
	}
	if c.storm != nil && c.r.IntN(400) > 0 {
		return c.storm, nil
	}
	c.storm = nil
	sw := statuses[c.r.IntN(len(statuses))]
	switch c.r.IntN(9) {
	case 0:
		return nil, errors.New("the link is gone")
	case 1:
		return make([]byte, c.r.IntN(3)), nil
	case 2:
		return append(make([]byte, c.r.IntN(400)), sw...), nil
	case 3:
		return append(append([]byte(nil), hugeTLV[c.r.IntN(len(hugeTLV))]...), 0x90, 0x00), nil
	case 4:
		return append(make([]byte, 65000+c.r.IntN(1200)), 0x90, 0x00), nil
	case 5:
		c.storm = append(make([]byte, c.r.IntN(300)), sw...)
		return c.storm, nil
	case 6:
		return append(strangeKey(c.r.IntN(strangeKeys)), 0x90, 0x00), nil
	}
	answer := append([]byte(nil), c.real.Process(command)...)
	if c.r.IntN(2) == 0 {
		answer[c.r.IntN(len(answer))] ^= 1 << c.r.IntN(8)
	}
	return answer, nil
}

// presents says whether a command is a VERIFY with a value, be it under secure messaging,
// where one without has a MAC of eight bytes.
func presents(command []byte) bool {
	c, err := apdu.ParseCommand(command)
	without := 0
	if scp03.Secured(c.CLA) {
		without = 8
	}
	return err == nil && c.INS == apdu.INSVerify && len(c.Data) > without
}

// technicians gives so many answers to the card layer: each deed ends, within bounds,
// shows no secret and presents a PIN once at most. It says how much the heap grew.
func technicians(ctx context.Context, seed uint64, answers int) (given int, grown uint64, err error) {
	p, err := profile.Load(simulator.DefaultProfile)
	if err != nil {
		return 0, 0, err
	}
	real, err := simulator.NewBlank(simulator.Options{LabKey: simulator.LabTestKey, Master: simulator.LabTestKey, KeyPool: inTurn()})
	if err != nil {
		return 0, 0, err
	}
	before := heap()
	c := &stranger{r: rand.New(rand.NewPCG(1, seed)), real: real}
	for did := 0; c.answers < answers; did++ {
		session := card.New(c, p, card.Options{Extended: did%2 == 0})
		for range 4 {
			if err := c.meet(ctx, session); err != nil {
				return c.answers, grown, err
			}
		}
		session.Close()
		if did%1000 == 0 {
			grown = max(grown, heap()-min(before, heap()))
		}
	}
	if grown > memoryMax {
		err = fmt.Errorf("the heap grew by %d MiB, at most %d", grown>>20, memoryMax>>20)
	}
	return c.answers, grown, err
}

// meet does one deed with the card and judges how it went.
func (c *stranger) meet(ctx context.Context, session *card.Session) error {
	deed := deeds[c.r.IntN(len(deeds))]
	answers, verified := c.answers, c.verified
	err := deed.do(ctx, session)
	switch {
	case errors.Is(err, errUnbounded):
		return fmt.Errorf("%s: %w", deed.name, err)
	case err != nil && strings.Contains(err.Error(), "CANARY77"):
		return fmt.Errorf("%s: the error shows the PIN", deed.name)
	case c.answers-answers > commandsOfADeed:
		return fmt.Errorf("%s took %d commands", deed.name, c.answers-answers)
	case c.verified-verified > 1:
		return fmt.Errorf("%s presented the PIN %d times", deed.name, c.verified-verified)
	}
	return nil
}

// heap is how many bytes of objects live.
func heap() uint64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// memoryMax is how much memory the daemon may hold whatever cards answer: all of its
// process, but for the fonts, which no card can change.
const memoryMax = 64 << 20
