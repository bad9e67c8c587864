package station

import (
	"context"
	"errors"
	"strconv"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/issue"
	"jukicard/cardd/plan"
	"jukicard/printer"
	"jukicard/printer/face"
)

// print prints the face, or an entry, once. Each stage is in the journal before the next can begin;
// after the commit the printer decides, and where it is not sure a person looks.
func (r *run) print(ctx context.Context, s plan.Step) (facts, error) {
	draw := r.wholeFace
	if s.On == plan.EntryOn {
		draw = r.entryFace
	}
	f, err := draw(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := r.underHead(ctx); err != nil {
		return nil, err
	}
	before, err := r.c.Printer.Status(ctx)
	if err != nil {
		return nil, failure.New(failure.PrintFailed, err.Error(), err)
	}
	err = r.c.Printer.Print(ctx, f, r.noting(ctx, before.CardsPrinted))
	return nil, r.printed(ctx, before.CardsPrinted, err)
}

// wholeFace is the face with the card's own number, at the printer's resolution.
func (r *run) wholeFace(ctx context.Context, _ plan.Step) (printer.Face, error) {
	layout, err := r.layout(r.profile)
	if err == nil {
		layout, err = r.atPrinter(ctx, layout)
	}
	if err != nil {
		return printer.Face{}, err
	}
	return r.picture(r.dossier, layout)
}

// atPrinter is a layout at the printer's own resolution.
func (s *Station) atPrinter(ctx context.Context, layout *face.Layout) (*face.Layout, error) {
	who, ok := s.c.Printer.(printer.Identifier)
	if !ok {
		return layout, nil
	}
	id, err := who.Identity(ctx)
	if err != nil {
		return nil, PrinterFailure(err)
	}
	return layout.At(id.DPI), nil
}

// marks are the stages of a print as the journal has them.
var marks = map[printer.Stage]string{
	printer.PlanesSent: issue.StagePlanesSent,
	printer.CommitSent: issue.StageCommitSent,
	printer.CommitDone: issue.StageCommitDone,
}

// noting writes each stage of a print down. The counter beside a stage is the one before
// the commit, and one more behind it.
func (r *run) noting(ctx context.Context, before uint64) printer.Mark {
	return func(s printer.Stage) error {
		counter := before
		if s == printer.CommitDone {
			counter++
		}
		return r.counted(ctx, marks[s], counter)
	}
}

// printed decides what the end of a print means.
func (r *run) printed(ctx context.Context, before uint64, err error) error {
	if err == nil {
		return nil
	}
	surface := printer.SurfaceUnknown
	var print *printer.PrintError
	if errors.As(err, &print) {
		surface = print.Surface
	}
	if surface == printer.SurfaceUnknown {
		surface = r.surface(ctx, before)
	}
	switch {
	case surface == printer.SurfacePrinted && failure.CodeOf(err) != failure.StationJournal:
		return nil
	case failure.CodeOf(err) == failure.StationJournal: // what is on the card is asked again when the journal can be written
		return err
	case surface == printer.SurfaceBlank:
		return failure.New(failure.PrintFailed, err.Error(), err)
	case surface == printer.SurfaceSpoilt:
		return failure.New(failure.PrintSpoilt, err.Error(), err)
	}
	return failure.New(failure.PrintDoubt, err.Error(), err)
}

// surface is what the printer is sure is on the card, by its counter as it was before
// the commit. A printer that knows more than its counter says so itself.
func (r *run) surface(ctx context.Context, before uint64) printer.Surface {
	st, err := r.quiet(ctx)
	if err != nil {
		return printer.SurfaceUnknown
	}
	if judge, ok := r.c.Printer.(printer.Judge); ok {
		surface, err := judge.Surface(ctx, before)
		if err != nil {
			return printer.SurfaceUnknown
		}
		return surface
	}
	return st.Since(before)
}

// counter is the printer's count of cards as a fact; empty when it cannot be read.
func (r *run) counter(ctx context.Context) facts {
	if r.c.Printer == nil {
		return nil
	}
	st, err := r.c.Printer.Status(ctx)
	if err != nil {
		return nil
	}
	return facts{issue.FactCounter: strconv.FormatUint(st.CardsPrinted, 10)}
}

// aftermath is what the printer is sure of after a print whose end nobody saw, as facts.
func (r *run) aftermath(ctx context.Context) facts {
	before, ok := r.intended()
	if !ok || r.c.Printer == nil {
		return nil
	}
	told := r.counter(ctx)
	if told == nil {
		return nil
	}
	switch r.surface(ctx, before) {
	case printer.SurfacePrinted:
		told[issue.FactSurface] = issue.SurfacePrinted
	case printer.SurfaceBlank:
		told[issue.FactSurface] = issue.SurfaceBlank
	}
	return told
}

// intended is the printer's counter in the latest intent of a print.
func (r *run) intended() (uint64, bool) {
	rec, ok := r.latest(func(rec issue.Record) bool {
		return rec.Kind == issue.Intent && prints[rec.Step]
	})
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(rec.Facts[issue.FactCounter], 10, 64)
	return n, err == nil
}
