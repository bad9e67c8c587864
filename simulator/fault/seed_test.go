package fault_test

import (
	"testing"

	"jukicard/simulator/fault"
)

// seeds are how many random days the tests try; soak tries more.
const seeds = 300

func TestASeedReplaysByteForByte(t *testing.T) {
	different := map[string]bool{}
	all := seeds / sample()
	for seed := range uint64(all) {
		odds := fault.Odds{Every: 12, Upto: 300}
		c, inner := issueWith(t, fault.Seeded(seed, odds))
		log, state := c.Log().String(), string(inner.Snapshot())
		if kept(inner) != issued() {
			t.Errorf("seed %d: after\n%sthe card is another", seed, log)
		}
		c, inner = issueWith(t, fault.Seeded(seed, odds))
		if c.Log().String() != log || string(inner.Snapshot()) != state {
			t.Errorf("seed %d: another log or another card the second time", seed)
		}
		script, err := fault.ParseScript(log)
		if err != nil {
			t.Fatalf("seed %d: the log is no script: %v", seed, err)
		}
		c, inner = issueWith(t, script)
		if c.Log().String() != log || string(inner.Snapshot()) != state {
			t.Errorf("seed %d: another log or another card from the log\n%s", seed, log)
		}
		different[log] = true
	}
	if len(different) < all*9/10 {
		t.Errorf("%d seeds gave %d logs", all, len(different))
	}
}

// BenchmarkIssue is the card's share of an issue: what was recorded once is said to a
// blank card, channel and all, but without the signatures of certificate requests.
func BenchmarkIssue(b *testing.B) {
	all, kinds := tape(), map[string]fault.Script{"no faults": nil, "one in 40": fault.Seeded(7, fault.Odds{})}
	for _, name := range []string{"no faults", "one in 40"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c := fault.Wrap(blank(b))
				c.Arm(kinds[name])
				for _, e := range all {
					if len(c.Process(e.command)) < 2 {
						c.PowerOff()
					}
				}
			}
			b.ReportMetric(float64(len(all)), "commands")
		})
	}
}

// BenchmarkDay is a card of a random day, host and mending included.
func BenchmarkDay(b *testing.B) {
	seed, faults := uint64(0), 0
	for b.Loop() {
		c, _ := issueWith(b, fault.Seeded(seed, fault.Odds{}))
		faults += c.Injected()
		seed++
	}
	b.ReportMetric(float64(faults)/float64(seed), "faults/card")
}

func BenchmarkSeeded(b *testing.B) {
	for b.Loop() {
		fault.Seeded(1, fault.Odds{})
	}
}
