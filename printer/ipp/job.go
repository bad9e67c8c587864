package ipp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/OpenPrinting/goipp"

	"jukicard/printer"
)

// Formats of documents (IANA media types; PWG 5102.4 for the raster).
const (
	PDF       = "application/pdf"
	PWGRaster = "image/pwg-raster"
)

// Job is a document to be printed once.
type Job struct {
	// Name is what the job is known by for ever: no two letters have the same. 1 to
	// 255 bytes; it is shown on panels and in logs, so it holds no personal data.
	Name     string
	Format   string // PDF or PWGRaster
	Document []byte
	Media    string // of PWG 5101.1, "iso_a4_210x297mm"; empty is the printer's
	Copies   int    // 0 is 1
	Sides    string // "one-sided", "two-sided-long-edge"; empty is the printer's
}

const (
	nameMax = 255 // RFC 8011, 5.1.3
	// pollMin and pollMax bound how often a job is asked after (ours).
	pollMin = 100 * time.Millisecond
	pollMax = 2 * time.Second
)

// JobError is a job that was not printed, or not known to be.
type JobError struct {
	Name string
	ID   int // the printer's number for it; 0 when it has none that is known
	// Paper is what is known: Blank nothing was printed, Printed all of it, Spoilt a
	// part. When it is Unknown, Print with the same name goes on where it was.
	Paper printer.Surface
	Err   error // a *printer.FaultError, a *StatusError, a *LinkError, or the job's end
}

// Error says what is known of the paper.
func (e *JobError) Error() string {
	return fmt.Sprintf("cannot print job %s, whose paper is %s: %v", e.Name, e.Paper, e.Err)
}

// Unwrap gives the cause.
func (e *JobError) Unwrap() error { return e.Err }

// Print sends a job, unless the printer has it already, and waits until it is printed or
// ctx is done. Calling it again with the same job after a failure whose paper is Unknown
// prints nothing twice, as long as the printer remembers its jobs. A job that is
// canceled or aborted is not sent again: that needs another name. Any failure is a
// *JobError.
func (p *Printer) Print(ctx context.Context, j Job) error {
	f, paper, err := p.place(ctx, j)
	if err == nil {
		f, paper, err = p.wait(ctx, f)
	}
	if err != nil {
		return &JobError{Name: j.Name, ID: f.ID, Paper: paper, Err: err}
	}
	return nil
}

// place has the job at the printer, sent now or before.
func (p *Printer) place(ctx context.Context, j Job) (Found, printer.Surface, error) {
	if err := j.valid(); err != nil {
		return Found{}, printer.SurfaceBlank, err
	}
	// Nothing is known yet: this may be the second call for a job that was sent.
	f, there, err := p.Find(ctx, j.Name)
	switch {
	case err != nil:
		return Found{}, printer.SurfaceUnknown, err
	case there && !f.empty():
		return f, printer.SurfaceUnknown, nil
	case there:
		// It was created and its document never came.
		if err := p.cancel(ctx, f.ID); err != nil {
			return f, printer.SurfaceBlank, err
		}
	}
	status, err := p.check(ctx, j)
	if err != nil {
		return Found{}, printer.SurfaceBlank, err
	}
	id, err := p.send(ctx, j, status.twoSteps)
	if err == nil {
		return Found{ID: id, State: JobPending}, printer.SurfaceUnknown, nil
	}
	var refused *StatusError
	if errors.As(err, &refused) {
		return Found{}, printer.SurfaceBlank, err
	}
	return p.settle(ctx, j, err)
}

// empty is a job that waits for a document (RFC 8011, 5.3.8).
func (f Found) empty() bool {
	waits := f.Documents == 0 || f.Documents < 0 && (slices.Contains(f.Reasons, "job-incoming") || slices.Contains(f.Reasons, "job-data-insufficient"))
	return waits && !f.State.Over()
}

// settle looks for a job whose sending was not answered.
func (p *Printer) settle(ctx context.Context, j Job, cause error) (Found, printer.Surface, error) {
	f, there, err := p.Find(context.WithoutCancel(ctx), j.Name)
	switch {
	case err != nil:
		return Found{}, printer.SurfaceUnknown, cause
	case there && !f.empty():
		return f, printer.SurfaceUnknown, nil
	}
	var link *LinkError
	if errors.As(cause, &link) && link.Op == goipp.OpCreateJob.String() {
		return f, printer.SurfaceBlank, cause // its document was never sent
	}
	// The document may be on its way still.
	return f, printer.SurfaceUnknown, cause
}

// check asks whether the printer would take the job (Validate-Job, RFC 8011, 4.2.3).
func (p *Printer) check(ctx context.Context, j Job) (Status, error) {
	s, err := p.Status(ctx)
	switch {
	case err != nil:
		return s, err
	case !s.Accepting:
		return s, &printer.FaultError{Op: opPrint, Fault: printer.Fault{Code: "not-accepting-jobs", Kind: printer.Operator, Text: "the printer takes no jobs: have it accept them"}}
	case !slices.Contains(s.Formats, j.Format):
		return s, fmt.Errorf("the format is %s and the printer reads %s: send one of these", j.Format, strings.Join(s.Formats, ", "))
	case j.Media != "" && len(s.Media) > 0 && !slices.Contains(s.Media, j.Media):
		return s, fmt.Errorf("the medium is %s and the printer has %s: lay it out for one of these", j.Media, strings.Join(s.Media, ", "))
	}
	_, err = p.exchange(ctx, p.creation(goipp.OpValidateJob, j), nil)
	return s, err
}

// send gives the job to the printer, in two steps if it can: then its number is known
// before the document goes.
func (p *Printer) send(ctx context.Context, j Job, twoSteps bool) (int, error) {
	if !twoSteps {
		answer, err := p.exchange(ctx, p.creation(goipp.OpPrintJob, j), j.Document)
		return idOf(answer), err
	}
	answer, err := p.exchange(ctx, p.creation(goipp.OpCreateJob, j), nil)
	id := idOf(answer)
	if err != nil {
		return 0, err
	}
	m := p.onJob(goipp.OpSendDocument, id)
	add(&m.Operation, "document-format", goipp.TagMimeType, j.Format)
	m.Operation.Add(goipp.MakeAttribute("last-document", goipp.TagBoolean, goipp.Boolean(true)))
	if _, err := p.exchange(ctx, m, j.Document); err != nil {
		var refused *StatusError
		if errors.As(err, &refused) {
			_ = p.cancel(ctx, id) // an empty job; its refusal says more
		}
		return id, err
	}
	return id, nil
}

func idOf(answer *goipp.Message) int {
	if answer == nil {
		return 0
	}
	return number(answer.Job, "job-id", 0)
}

// creation is a request that makes a job, or asks whether one could be made.
func (p *Printer) creation(op goipp.Op, j Job) *goipp.Message {
	m := p.request(op)
	add(&m.Operation, "job-name", goipp.TagName, j.Name)
	if op != goipp.OpCreateJob { // RFC 8011, 4.2.4: there it is the document's
		add(&m.Operation, "document-format", goipp.TagMimeType, j.Format)
	}
	// Nothing is to be left out in silence (RFC 8011, 4.1.7).
	m.Operation.Add(goipp.MakeAttribute("ipp-attribute-fidelity", goipp.TagBoolean, goipp.Boolean(true)))
	if j.Copies > 1 {
		m.Job.Add(goipp.MakeAttribute("copies", goipp.TagInteger, goipp.Integer(j.Copies)))
	}
	if j.Media != "" {
		add(&m.Job, "media", goipp.TagKeyword, j.Media)
	}
	if j.Sides != "" {
		add(&m.Job, "sides", goipp.TagKeyword, j.Sides)
	}
	return m
}

// wait asks after a job until it is over.
func (p *Printer) wait(ctx context.Context, f Found) (Found, printer.Surface, error) {
	pause := pollMin
	for {
		next, err := p.job(ctx, f.ID)
		if err != nil {
			return f, printer.SurfaceUnknown, err
		}
		f = next
		if f.State.Over() {
			return f, f.paper(), f.end()
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return f, printer.SurfaceUnknown, p.why(ctx, f)
		}
		pause = min(2*pause, pollMax)
	}
}

// paper is what a job's end says of the paper.
func (f Found) paper() printer.Surface {
	switch {
	case f.State == JobCompleted:
		return printer.SurfacePrinted
	case f.Documents == 0:
		return printer.SurfaceBlank
	case f.Sheets > 0:
		return printer.SurfaceSpoilt
	}
	// A printer that counts no sheets says 0 as well as one that printed none.
	return printer.SurfaceUnknown
}

// end is nil for a job that was printed.
func (f Found) end() error {
	if f.State == JobCompleted {
		return nil
	}
	return fmt.Errorf("the printer has it as %s (%s) %s", f.State, strings.Join(f.Reasons, ", "), f.Message)
}

// why a job was still not over when ctx was.
func (p *Printer) why(ctx context.Context, f Found) error {
	if s, err := p.Status(context.WithoutCancel(ctx)); err == nil {
		// A job that does not move makes a cause of what was a warning.
		if all := faults(s, true); len(all) > 0 {
			return &printer.FaultError{Op: opPrint, Fault: all[0]}
		}
	}
	return fmt.Errorf("the printer has it as %s: %w", f.State, ctx.Err())
}

const opPrint = "print a job"

// ErrNoJob is a job that the printer does not know, or has forgotten.
var ErrNoJob = errors.New("the printer knows no job of this name")

// Cancel stops a job that is not over (Cancel-Job, RFC 8011, 4.3.3). One that is over, or
// not there, is an error: ErrNoJob or a *StatusError.
func (p *Printer) Cancel(ctx context.Context, name string) error {
	f, there, err := p.Find(ctx, name)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("cannot cancel job %s: %w", name, ErrNoJob)
	}
	return p.cancel(ctx, f.ID)
}

func (p *Printer) cancel(ctx context.Context, id int) error {
	_, err := p.exchange(ctx, p.onJob(goipp.OpCancelJob, id), nil)
	return err
}

// valid names what a job must not be.
func (j Job) valid() error {
	switch {
	case j.Name == "" || len(j.Name) > nameMax || !utf8.ValidString(j.Name):
		return fmt.Errorf("the job's name has %d bytes: give 1 to %d of UTF-8", len(j.Name), nameMax)
	case j.Format != PDF && j.Format != PWGRaster:
		return fmt.Errorf("the format is %q: give %s or %s", j.Format, PDF, PWGRaster)
	case len(j.Document) == 0:
		return errors.New("the document is empty: there is nothing to print")
	case j.Copies < 0:
		return fmt.Errorf("copies is %d: give 1 or more", j.Copies)
	}
	return nil
}
