package main

import (
	"context"
	"time"

	"jukicard/apdu/profile"
)

// issueRuns is how often a full issue is timed in each way.
const issueRuns = 5

// timeIssue times a full issue in this process, from the order's arrival to the
// signed receipt: every step synced to disk in the journal, face rendered,
// certificates signed, every file read back. The card is made before. With premade
// keys the holder's two key pairs come from a pool, as load tests need it; with made
// keys the simulated card generates them, and how long that takes differs from run to
// run. A real card takes its own time for that, and none of the host's.
func timeIssue(ctx context.Context, r *report, dir string, p *profile.Card, a *applicant, pool *keyPool) error {
	o, err := openOffice(ctx, dir, false)
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	for _, way := range []struct {
		name string
		dry  bool
	}{{"premade_keys", false}, {"made_keys", true}} {
		var wall, cpu []float64
		for range issueRuns {
			w, c, err := o.timeOne(ctx, p, a, pool, way.dry)
			if err != nil {
				return err
			}
			wall, cpu = append(wall, w.Seconds()), append(cpu, c.Seconds()*1e3)
		}
		r.add("issue_wall_"+way.name, median(wall), "s", none)
		if cpuTime() > 0 {
			r.add("issue_cpu_"+way.name, median(cpu), "ms", none)
		}
	}
	return nil
}

func (o *office) timeOne(ctx context.Context, p *profile.Card, a *applicant, pool *keyPool, dry bool) (wall, cpu time.Duration, err error) {
	pool.dry = false
	c, err := blankCard(p, pool.take)
	if err != nil {
		return 0, 0, err
	}
	pool.dry = dry
	began, used := time.Now(), cpuTime()
	_, err = o.issue(ctx, a, c)
	return time.Since(began), cpuTime() - used, err
}
