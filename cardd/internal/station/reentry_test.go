package station_test

import (
	"context"
	"encoding/json"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/card"
	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/station"
	"jukicard/simulator"
)

// others are PINs that a holder may have in mind at the second time.
var others = map[string]string{"signature": "OTHER728", "authentication": "6284", "resident": "6284", "text": "6284"}

// reenter hands the order in again with the PINs named by class changed to others.
func (b *bench) reenter(t *testing.T, changed ...string) string {
	t.Helper()
	wire, p := applicant(t, "adult")
	values := map[string]string{}
	if err := json.Unmarshal(p, &values); err != nil {
		t.Fatal(err)
	}
	for _, class := range changed {
		values[class] = others[class]
	}
	p, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	o, err := order.Parse(wire, nil, b.Station.Checks())
	if err != nil {
		t.Fatal(err)
	}
	defer o.Destroy()
	pins, err := order.ParsePINs(p)
	if err != nil {
		t.Fatal(err)
	}
	job, err := b.Station.Submit(t.Context(), o, wire, pins)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// holds presents a value to the finished card, once.
func holds(t *testing.T, c *simulator.Card, on, value string) {
	t.Helper()
	p, err := profile.Load(simulator.DefaultProfile)
	if err != nil {
		t.Fatal(err)
	}
	s := card.New(apdu.TransportFunc(func(_ context.Context, command []byte) ([]byte, error) { return c.Process(command), nil }), p, card.Options{})
	defer c.Reset()
	if err := s.Verify(t.Context(), on, secret.FromString(value)); err != nil {
		t.Errorf("%s is not set to the value entered last: %v", on, err)
	}
}

// TestPINsEnteredOtherwiseSpendNoTry: a job stopped between a PIN's being set and its being
// proven is handed in again with others.
func TestPINsEnteredOtherwiseSpendNoTry(t *testing.T) {
	rows := []struct {
		name, at string // the step behind which the job is stopped
		dies     bool   // the daemon does, and forgets the PINs
		changed  []string
		on       map[string]string
	}{
		{"set, forgotten", "set-pin text/pin", true, []string{"text"}, map[string]string{"text/pin": "6284"}},
		{"two set, forgotten", "set-pin jpki/auth-pin", true, []string{"signature", "authentication"}, map[string]string{"jpki/sign-pin": "OTHER728", "jpki/auth-pin": "6284"}},
		{"set, known to be others", "set-pin jpki/auth-pin", false, []string{"signature", "authentication"}, map[string]string{"jpki/sign-pin": "OTHER728", "jpki/auth-pin": "6284"}},
		{"one of two applications proven, known to be another", "set-pin common/pin", false, []string{"resident"}, map[string]string{"resident/pin": "6284", "common/pin": "6284"}},
		{"the same, forgotten", "set-pin resident/pin", true, nil, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			b.watched(t, func(e station.Event) {
				if e.Step == row.at && e.Result == "ok" {
					stop()
				}
			})
			job, err := b.submit(t, "adult")
			if err != nil {
				t.Fatal(err)
			}
			_ = b.Station.Run(ctx, job)
			if row.dies {
				b.restart(t)
			}
			if again := b.reenter(t, row.changed...); again != job {
				t.Fatalf("it became job %s", again)
			}
			if j := b.job(t, job); j.State == journal.Held {
				b.resume(t, job)
			}
			if j := b.run(t, job); j.State != journal.Done || j.Reason != "" {
				t.Fatalf("the job ended %s: %s", j.State, j.Reason)
			}
			b.sound(t, job)
			if n := b.card.TriesSpent(); n != 0 {
				t.Errorf("%d tries were spent", n)
			}
			for on, value := range row.on {
				holds(t, b.card, on, value)
			}
		})
	}
}
