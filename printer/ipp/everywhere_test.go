//go:build linux

package ipp_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/OpenPrinting/goipp"

	"jukicard/printer"
	"jukicard/printer/ipp"
	"jukicard/printer/ipp/ipptest"
)

// letter is a page of A6 at 150 dpi, as PWG raster.
func letter(t *testing.T) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 620, 874))
	for y := range 874 {
		for x := range 620 {
			m.SetGray(x, y, color.Gray{Y: byte(255 - (x*y)%97*(y%5/4))})
		}
	}
	var b bytes.Buffer
	if err := (ipp.Raster{DPI: 150, Media: "iso_a4_210x297mm"}).Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func job(t *testing.T, name string) ipp.Job {
	t.Helper()
	return ipp.Job{Name: name, Format: ipp.PWGRaster, Document: letter(t), Media: "iso_a4_210x297mm", Sides: "one-sided"}
}

// is checks what a failed job says of its paper.
func is(t *testing.T, err error, paper printer.Surface) {
	t.Helper()
	var e *ipp.JobError
	if !errors.As(err, &e) || e.Paper != paper {
		t.Errorf("got %v, want paper that is %v", err, paper)
	}
}

func TestStatusOfEverywhere(t *testing.T) {
	s, err := ipptest.NewEverywhere(t).Printer().Status(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if s.State != ipp.Idle || !s.Accepting || len(s.Faults) > 0 || s.Model != "Example Printer" {
		t.Errorf("%+v", s)
	}
	if !slices.Contains(s.Formats, ipp.PDF) || !slices.Contains(s.Formats, ipp.PWGRaster) || !slices.Contains(s.Media, "iso_a4_210x297mm") || len(s.MediaReady) == 0 {
		t.Errorf("formats %v, media %v, ready %v", s.Formats, s.Media, s.MediaReady)
	}
	if !slices.ContainsFunc(s.Supplies, func(x ipp.Supply) bool { return x.Kind == "toner" && x.Percent >= 0 && x.Name != "" }) {
		t.Errorf("supplies %+v", s.Supplies)
	}
}

// TestJobsOnEverywhere: the raster comes out byte for byte, once, however often it is
// asked for; so does a PDF.
func TestJobsOnEverywhere(t *testing.T) {
	e := ipptest.NewEverywhere(t)
	p := e.Printer()
	j := job(t, "letter-1")
	for range 2 {
		if err := p.Print(within(t), j); err != nil {
			t.Fatal(err)
		}
	}
	if got := e.Printed(); len(got) != 1 || !bytes.Equal(got[0], j.Document) {
		t.Fatalf("%d documents on paper", len(got))
	}
	pdf := ipp.Job{Name: "letter-2", Format: ipp.PDF, Document: []byte("%PDF-1.4\n%%EOF\n"), Copies: 2}
	if err := p.Print(within(t), pdf); err != nil {
		t.Fatal(err)
	}
	if got := e.Printed(); len(got) != 2 || !bytes.Equal(got[1], pdf.Document) {
		t.Errorf("%d documents on paper", len(got))
	}
	f, there, err := p.Find(within(t), "letter-1")
	if err != nil || !there || f.State != ipp.JobCompleted {
		t.Errorf("%+v, %v, %v", f, there, err)
	}
	if err := p.Cancel(within(t), "letter-1"); !errors.As(err, new(*ipp.StatusError)) {
		t.Errorf("canceled what is on paper: %v", err)
	}
	if err := p.Cancel(within(t), "letter-9"); !errors.Is(err, ipp.ErrNoJob) {
		t.Errorf("canceled nothing: %v", err)
	}
}

// TestAnswersAreLost: whichever request or answer is lost, the same call again ends with
// the letter on paper, once.
func TestAnswersAreLost(t *testing.T) {
	e := ipptest.NewEverywhere(t)
	rows := []struct {
		name  string
		loss  *loss
		fails bool // the first call; the second never does
		paper printer.Surface
	}{
		{"looking", &loss{op: goipp.OpGetJobs}, true, printer.SurfaceUnknown},
		{"status", &loss{op: goipp.OpGetPrinterAttributes}, true, printer.SurfaceBlank},
		{"validating", &loss{op: goipp.OpValidateJob}, true, printer.SurfaceBlank},
		{"creating", &loss{op: goipp.OpCreateJob}, true, printer.SurfaceBlank},
		{"the answer to creating", &loss{op: goipp.OpCreateJob, answer: true}, true, printer.SurfaceBlank},
		{"the document", &loss{op: goipp.OpSendDocument}, true, printer.SurfaceUnknown},
		{"the answer to the document", &loss{op: goipp.OpSendDocument, answer: true}, false, 0},
		{"asking after it", &loss{op: goipp.OpGetJobAttributes}, true, printer.SurfaceUnknown},
	}
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := e.Printer()
			p.Transport = row.loss
			j := job(t, "lost-"+strings.ReplaceAll(row.name, " ", "-"))
			err := p.Print(within(t), j)
			if row.fails {
				is(t, err, row.paper)
				if !errors.Is(err, errLost) {
					t.Errorf("got %v", err)
				}
				err = p.Print(within(t), j)
			}
			if err != nil {
				t.Fatal(err)
			}
			if row.loss.lost != 1 {
				t.Errorf("%d messages lost, want 1", row.loss.lost)
			}
			if got := e.Printed(); len(got) != i+1 {
				t.Errorf("%d documents on paper, want %d", len(got), i+1)
			}
		})
	}
}

// TestPaperRunsOut: the job waits, the reason is told, and it goes on.
func TestPaperRunsOut(t *testing.T) {
	e := ipptest.NewEverywhere(t)
	p := e.Printer()
	e.Hold("media-empty")
	j := job(t, "waits")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := p.Print(ctx, j)
	is(t, err, printer.SurfaceUnknown)
	var f *printer.FaultError
	if !errors.As(err, &f) || f.Fault.Code != "media-empty-warning" || f.Fault.Kind != printer.Operator {
		t.Errorf("got %v", err)
	}
	e.Release()
	if err := p.Print(within(t), j); err != nil {
		t.Error(err)
	}
	if n := len(e.Printed()); n != 1 {
		t.Errorf("%d documents on paper, want 1", n)
	}
}

// TestCanceled: a job that somebody stopped is not sent again under its name.
func TestCanceled(t *testing.T) {
	e := ipptest.NewEverywhere(t)
	p := e.Printer()
	e.Hold("")
	j := job(t, "canceled")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	is(t, p.Print(ctx, j), printer.SurfaceUnknown)
	if err := p.Cancel(within(t), j.Name); err != nil {
		t.Fatal(err)
	}
	e.Spoil()
	e.Release()
	for range 2 {
		var failed *ipp.JobError
		if err := p.Print(within(t), j); !errors.As(err, &failed) || failed.ID == 0 || failed.Paper == printer.SurfacePrinted {
			t.Errorf("got %v", err)
		}
	}
	if n := len(e.Printed()); n != 0 {
		t.Errorf("%d documents on paper, want none", n)
	}
}

func TestRefusedByEverywhere(t *testing.T) {
	e := ipptest.NewEverywhere(t)
	p := e.Printer()
	rows := []struct {
		name string
		do   func(j *ipp.Job)
		says string
	}{
		{"no name", func(j *ipp.Job) { j.Name = "" }, "0 bytes: give 1 to 255"},
		{"long name", func(j *ipp.Job) { j.Name = strings.Repeat("x", 256) }, "256 bytes"},
		{"no UTF-8", func(j *ipp.Job) { j.Name = "\xff" }, "UTF-8"},
		{"no document", func(j *ipp.Job) { j.Document = nil }, "nothing to print"},
		{"a format of nobody's", func(j *ipp.Job) { j.Format = "text/plain" }, `the format is "text/plain"`},
		{"a medium that is not there", func(j *ipp.Job) { j.Media = "iso_a0_841x1189mm" }, "the medium is iso_a0_841x1189mm and the printer has"},
		{"sides that are none", func(j *ipp.Job) { j.Sides = "three-sided" }, "Validate-Job"},
		{"copies below none", func(j *ipp.Job) { j.Copies = -1 }, "copies is -1"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			j := job(t, "refused")
			row.do(&j)
			err := p.Print(within(t), j)
			is(t, err, printer.SurfaceBlank)
			if err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v, want %q", err, row.says)
			}
		})
	}
	if n := len(e.Printed()); n != 0 {
		t.Errorf("%d documents on paper, want none", n)
	}
}
