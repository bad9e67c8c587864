package api

import (
	"context"
	"sync"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/station"
)

// Hub keeps the events of the latest jobs and hands them to whoever follows one.
// Its methods may be called by several goroutines; Tell never blocks.
type Hub struct {
	mu     sync.Mutex
	jobs   map[string][]client.Event
	order  []string      // jobs by first event, oldest first
	change chan struct{} // closed and replaced at every event
}

// hubJobs bounds the jobs whose events are kept; an ended job's history is in the
// journal.
const hubJobs = 64

// NewHub is an empty hub.
func NewHub() *Hub {
	return &Hub{jobs: map[string][]client.Event{}, change: make(chan struct{})}
}

// Tell adds an event; it is what a station's Watch is set to.
func (h *Hub) Tell(e station.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.jobs[e.Job]; !ok {
		h.order = append(h.order, e.Job)
		if len(h.order) > hubJobs {
			delete(h.jobs, h.order[0])
			h.order = h.order[1:]
		}
	}
	h.jobs[e.Job] = append(h.jobs[e.Job], client.Event{
		Job: e.Job, State: string(e.State), Step: e.Step, Result: e.Result, Done: e.Done, Total: e.Total, Code: e.Code, Text: e.Text,
	})
	close(h.change)
	h.change = make(chan struct{})
}

// since gives a job's events behind the first n, and a channel that closes at the
// next event of any job.
func (h *Hub) since(job string, n int) ([]client.Event, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	events := h.jobs[job]
	return events[min(n, len(events)):], h.change
}

// Follow calls send for each event of a job behind the first n, until send fails,
// the job has ended or ctx does.
func (h *Hub) Follow(ctx context.Context, job string, n int, send func(id int, e client.Event) error) error {
	for {
		events, change := h.since(job, n)
		for _, e := range events {
			n++
			if err := send(n, e); err != nil {
				return err
			}
		}
		if len(events) > 0 && events[len(events)-1].Ended() && h.last(job, n) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-change:
		}
	}
}

// last says whether the n-th event is the job's latest.
func (h *Hub) last(job string, n int) bool {
	events, _ := h.since(job, n)
	return len(events) == 0
}
