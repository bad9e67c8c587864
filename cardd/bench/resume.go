package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	daemon "jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
	"jukicard/simulator"
	"jukicard/simulator/bed"
	"jukicard/simulator/vpcd"
)

// Bounds of the section: commands that a kill costs, of which one chunk is not counted
// among the ten; and how many times longer the restarted daemon takes to the first command
// of the plan that it goes on with, than the same daemon took to serve.
const (
	resumeMoreMax  = 10 + 1
	resumeRatioMax = 6
)

// resumePatience bounds one card, both its daemons and all.
const resumePatience = time.Minute

// killedAt are the places of an issue's commands, in hundredths, at which the daemon is
// killed. The holder is asked for the PINs again while one has still to be set or proved;
// behind that the job goes on by itself.
var killedAt = []struct {
	name   string
	places []int
}{
	{"with_pins", []int{15, 30, 45, 60, 75}},
	{"by_itself", []int{90, 92, 94, 96, 98}},
}

// measureResume kills the real cardd with SIGKILL while it issues a card through pcscd
// and starts it again, as systemd would, and takes the time from there. Where the PINs are
// asked for they are there as soon as it serves: how long a person takes is left out.
func measureResume(ctx context.Context, r *report) error {
	return withDir(func(dir string) (err error) {
		h, err := openHospital(ctx, dir)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, h.bed.Close()) }()
		if h.undisturbed, err = h.issueUndisturbed(ctx); err != nil {
			return fmt.Errorf("undisturbed: %w", err)
		}
		for _, when := range killedAt {
			var seen []revival
			for _, place := range when.places {
				v, err := h.revive(ctx, max(h.undisturbed*place/100, 1))
				if err != nil {
					return fmt.Errorf("killed at %d %% of the commands: %w", place, err)
				}
				if v.asked != (when.name == "with_pins") {
					return fmt.Errorf("killed at %d %% of the commands: PINs asked for: %t", place, v.asked)
				}
				seen = append(seen, v)
			}
			tellResume(r, "resume_"+when.name+"_", seen)
		}
		return nil
	})
}

// revival is one kill and what came after. Times are from the start of the process.
type revival struct {
	serving time.Duration
	running time.Duration // to the job's being said to run
	first   time.Duration // to the first command to the card, which looks at it
	planned time.Duration // to the first of the resumed plan, which opens the channel
	done    time.Duration // to the finished card
	more    int           // commands beyond those of an undisturbed issue
	asked   bool          // for the PINs
}

func tellResume(r *report, prefix string, seen []revival) {
	middle := func(of func(revival) float64) float64 {
		var values []float64
		for _, v := range seen {
			values = append(values, of(v))
		}
		return median(values)
	}
	ms := func(of func(revival) time.Duration) float64 {
		return middle(func(v revival) float64 { return micro(of(v)) / 1e3 })
	}
	r.add(prefix+"serving_time", ms(func(v revival) time.Duration { return v.serving }), "ms", none)
	r.add(prefix+"running_time", ms(func(v revival) time.Duration { return v.running }), "ms", none)
	r.add(prefix+"first_apdu_time", ms(func(v revival) time.Duration { return v.first }), "ms", none)
	r.add(prefix+"plan_apdu_time", ms(func(v revival) time.Duration { return v.planned }), "ms", none)
	r.add(prefix+"done_time", ms(func(v revival) time.Duration { return v.done }), "ms", none)
	r.add(prefix+"plan_apdu_ratio", middle(func(v revival) float64 { return float64(v.planned) / float64(v.serving) }), unitRatio, atMost(resumeRatioMax))
	most := seen[0].more
	for _, v := range seen {
		most = max(most, v.more)
	}
	r.count(prefix+"apdus_more", most, "apdu", atMost(resumeMoreMax))
}

// hospital is where daemons die and come back: pcscd with a virtual reader, the program,
// one authority, one blank card to copy.
type hospital struct {
	dir, program string
	bed          *bed.Bed
	blank        *simulator.Card
	keys         *keyPool
	person       *applicant
	cards        int
	undisturbed  int // commands of an issue that nobody disturbs
}

func openHospital(ctx context.Context, dir string) (*hospital, error) {
	h := &hospital{dir: dir, program: filepath.Join(dir, "cardd")}
	if err := buildCardd(ctx, h.program); err != nil {
		return nil, err
	}
	var err error
	if h.keys, err = newKeyPool(); err != nil {
		return nil, err
	}
	if h.blank, err = blankCard(nil, h.keys.take); err != nil {
		return nil, err
	}
	if h.person, err = apply(filepath.Join(dir, "person"), person); err != nil {
		return nil, err
	}
	h.bed, err = bed.Up(ctx, bed.Options{})
	return h, err
}

// stay is one card in the reader, and the folder of the daemons that issue it.
type stay struct {
	*hospital
	dir    string
	order  []byte
	card   *timedCard
	remove func() error
}

// admit puts a fresh card into the reader.
func (h *hospital) admit(ctx context.Context) (*stay, error) {
	h.cards++
	card, err := h.blank.Clone(simulator.Options{KeyPool: h.keys.take})
	if err != nil {
		return nil, err
	}
	s := &stay{hospital: h, card: &timedCard{Card: card}, order: h.person.next()}
	s.dir = filepath.Join(h.dir, fmt.Sprint("stay-", h.cards))
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return nil, err
	}
	serving, stop := context.WithCancel(ctx)
	served, attached := make(chan error, 1), make(chan struct{}, 1)
	go func() {
		served <- vpcd.Serve(serving, h.bed.Addr(0), s.card, vpcd.Options{OnAttach: func() {
			select {
			case attached <- struct{}{}:
			default:
			}
		}})
	}()
	s.remove = func() error { stop(); return <-served }
	select {
	case <-attached:
		return s, nil
	case err := <-served:
		stop()
		return nil, fmt.Errorf("no card in the reader: %w", err)
	}
}

// issueUndisturbed counts an issue's commands.
func (h *hospital) issueUndisturbed(ctx context.Context) (commands int, err error) {
	ctx, cancel := context.WithTimeout(ctx, resumePatience)
	defer cancel()
	s, err := h.admit(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	l, err := s.launch(ctx)
	if err != nil {
		return 0, err
	}
	job, err := l.hand(ctx)
	if err == nil {
		err = l.follow(ctx, job.ID)
	}
	return s.card.count(), errors.Join(err, l.stop())
}

// revive has a daemon killed at a command of an issue and another finish the card.
func (h *hospital) revive(ctx context.Context, at int) (v revival, err error) {
	ctx, cancel := context.WithTimeout(ctx, resumePatience)
	defer cancel()
	s, err := h.admit(ctx)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	first, err := s.launch(ctx)
	if err != nil {
		return v, err
	}
	s.card.at(at, first.kill)
	var refused *daemon.Failure
	if _, err := first.hand(ctx); errors.As(err, &refused) && refused.Code != string(failure.APIAnswer) { // any other error is that of the kill
		return v, errors.Join(err, first.stop())
	}
	if err := first.killed(); err != nil {
		return v, err
	}
	s.card.mark()
	second, err := s.launch(ctx)
	if err != nil {
		return v, err
	}
	v.serving = second.took
	err = second.finish(ctx, &v)
	looked, planned := s.card.marks()
	v.first, v.planned, v.more = looked.Sub(second.began), planned.Sub(second.began), s.card.count()-h.undisturbed
	return v, errors.Join(err, second.stop())
}

// finish does what a clerk does after a restart: nothing where the job goes on by itself,
// the PINs again where they are asked for.
func (l *life) finish(ctx context.Context, v *revival) error {
	jobs, err := l.client.Jobs(ctx)
	if err != nil || len(jobs) != 1 {
		return fmt.Errorf("the restarted daemon has %d jobs: %w", len(jobs), err)
	}
	job := &jobs[0]
	if v.asked = job.State == journal.Held && job.Code == string(failure.StationPIN); v.asked {
		if job, err = l.hand(ctx); err != nil {
			return err
		}
	}
	v.running = time.Since(l.began)
	err = l.follow(ctx, job.ID)
	v.done = time.Since(l.began)
	return err
}

// hand hands the order in, or, while its job lives, its PINs again. PC/SC clients are told
// of a card a moment after the reader has it.
func (l *life) hand(ctx context.Context) (*daemon.Job, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		job, err := l.client.Issue(ctx, l.stay.order, l.stay.person.pins, false)
		var refused *daemon.Failure
		if !errors.As(err, &refused) || refused.Code != string(failure.ReaderNoCard) {
			return job, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}

// follow waits until the card is done.
func (l *life) follow(ctx context.Context, id string) error {
	if err := l.client.Watch(ctx, id, func(daemon.Event) bool { return true }); err != nil {
		return err
	}
	job, err := l.client.Job(ctx, id)
	if err == nil && job.State != journal.Done {
		err = fmt.Errorf("the job ended %s: %s %s", job.State, job.Code, job.Reason)
	}
	return err
}
