package faults

import (
	"context"
	"math/rand/v2"

	"jukicard/cardd/internal/failure"
)

// dice draws from a seed. Uint64 alone is used: PCG's numbers are a standard, how
// rand.Rand shapes them is not.
type dice struct{ *rand.PCG }

func newDice(seed, stream uint64) dice { return dice{rand.NewPCG(seed, stream)} }

// below is 0 to n-1.
func (d dice) below(n int) int { return int(d.Uint64() % uint64(n)) }

// once is true once in n.
func (d dice) once(n int) bool { return d.below(n) == 0 }

// habits are what a clerk does now and then besides what he is told.
type habits struct{ dice dice }

// stray does something else first, once in two. enough says that he leaves it at that.
func (c *counter) stray(ctx context.Context) (enough bool, err error) {
	switch c.habits.dice.below(12) {
	case 0: // he lets it go on and has mended nothing
		return true, c.resume(ctx)
	case 1: // he has another card in his hand
		c.desk.Insert(0, c.other)
		c.press.under(c.other.ID())
		c.lies = false
		if err := c.resume(ctx); err != nil {
			return false, err
		}
		_, err := c.alive(ctx, func() error { return c.station.Run(ctx, c.job) })
		c.reinsert()
		return false, err
	case 2: // he hands the order in again
		return false, c.enterPINs(ctx)
	case 3: // he starts the daemon again
		c.end.Deaths++
		more, err := c.restart(ctx)
		c.end.Deaths += more
		return false, err
	case 4: // the next in the queue is served with the card that lies there
		return false, c.usurp(ctx)
	case 5: // he has had enough
		if c.habits.dice.once(4) {
			return true, c.putAside(ctx)
		}
	}
	return false, nil
}

// usurp hands another person's order in while the card is another's: it must be refused.
func (c *counter) usurp(ctx context.Context) error {
	if !c.lies {
		return nil
	}
	next := c.house.people["opted-out"]
	_, err := c.alive(ctx, func() error {
		if _, err := c.submit(ctx, next, c.number+"-NEXT"); err == nil || failure.CodeOf(err) == "" {
			c.end.Wrong = append(c.end.Wrong, "a card in work was taken for another order")
		}
		return nil
	})
	return err
}
