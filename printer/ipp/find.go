package ipp

import (
	"context"
	"fmt"

	"github.com/OpenPrinting/goipp"
)

// JobState is a job's (RFC 8011, 5.3.7).
type JobState int

// The states up to JobStopped lead on; from JobCanceled on a job is over.
const (
	JobPending    JobState = 3
	JobHeld       JobState = 4
	JobProcessing JobState = 5
	JobStopped    JobState = 6
	JobCanceled   JobState = 7
	JobAborted    JobState = 8
	JobCompleted  JobState = 9
)

// String is the standard's keyword.
func (s JobState) String() string {
	if s < JobPending || s > JobCompleted {
		return fmt.Sprintf("state %d", int(s))
	}
	return [...]string{"pending", "pending-held", "processing", "processing-stopped", "canceled", "aborted", "completed"}[s-JobPending]
}

// Over is whether nothing more happens to it.
func (s JobState) Over() bool { return s >= JobCanceled }

// Found is a job as the printer has it.
type Found struct {
	ID      int
	State   JobState
	Reasons []string // job-state-reasons, without "none"
	Message string   // job-state-message
	Sheets  int      // printed so far, -1 unknown
	// Documents is how many it was sent, -1 unknown. A job without any that was
	// canceled or aborted never was one.
	Documents int
}

var wantedOfJob = []string{
	"job-id", "job-name", "job-state", "job-state-reasons", "job-state-message", "number-of-documents",
	"job-media-sheets-completed", "job-impressions-completed",
}

// Find looks for a job by its name, in the queue and among those that are over, for as
// long as the printer remembers them; of several it is the last. Jobs that were given up
// before they had a document are none.
func (p *Printer) Find(ctx context.Context, name string) (Found, bool, error) {
	var last Found
	for _, which := range []string{"completed", "not-completed"} {
		m := p.request(goipp.OpGetJobs)
		add(&m.Operation, "which-jobs", goipp.TagKeyword, which)
		add(&m.Operation, "requested-attributes", goipp.TagKeyword, wantedOfJob...)
		answer, err := p.exchange(ctx, m, nil)
		if err != nil {
			return Found{}, false, err
		}
		for _, g := range answer.Groups {
			if g.Tag != goipp.TagJobGroup || first(g.Attrs, "job-name") != name {
				continue
			}
			if f := foundOf(g.Attrs); !f.void() && f.ID > last.ID {
				last = f
			}
		}
	}
	return last, last.ID != 0, nil
}

func foundOf(a goipp.Attributes) Found {
	f := Found{
		ID: number(a, "job-id", 0), State: JobState(number(a, "job-state", 0)), Message: first(a, "job-state-message"),
		Documents: number(a, "number-of-documents", -1),
		Sheets:    max(number(a, "job-media-sheets-completed", -1), number(a, "job-impressions-completed", -1)),
	}
	for _, r := range texts(a, "job-state-reasons") {
		if r != "none" {
			f.Reasons = append(f.Reasons, r)
		}
	}
	return f
}

// void is a job that ended before it had a document.
func (f Found) void() bool {
	return f.Documents == 0 && (f.State == JobCanceled || f.State == JobAborted)
}

// job asks for one job (Get-Job-Attributes, RFC 8011, 4.3.4).
func (p *Printer) job(ctx context.Context, id int) (Found, error) {
	m := p.onJob(goipp.OpGetJobAttributes, id)
	add(&m.Operation, "requested-attributes", goipp.TagKeyword, wantedOfJob...)
	answer, err := p.exchange(ctx, m, nil)
	if err != nil {
		return Found{}, err
	}
	f := foundOf(answer.Job)
	f.ID = id
	return f, nil
}

// onJob is a request about a job.
func (p *Printer) onJob(op goipp.Op, id int) *goipp.Message {
	m := p.request(op)
	m.Operation.Add(goipp.MakeAttribute("job-id", goipp.TagInteger, goipp.Integer(id)))
	return m
}
