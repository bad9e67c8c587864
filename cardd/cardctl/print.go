package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-pdf/fpdf"
	"github.com/spf13/cobra"

	"jukicard/apdu/profile"
	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/order/facecheck"
	"jukicard/cardd/juki"
	"jukicard/printer"
	"jukicard/printer/face"
	"jukicard/printer/raster"
)

func (a *app) printCommand() *cobra.Command {
	print := group("print", "See what would be printed, without a printer")
	print.AddCommand(a.previewCommand())
	return print
}

// preview is what the flags of print preview say.
type preview struct {
	out, layout, cardID string
	dpi                 int
}

func (a *app) previewCommand() *cobra.Command {
	var p preview
	cmd := &cobra.Command{
		Use: "preview ORDER.json", Short: "Draw the face of an order's card into PNG and PDF files",
		Long: "Draws both sides of the card and writes them into a folder: front.png and back.png as they will look,\n" +
			"front-k.png and back-k.png with what is printed in black resin, and card.pdf with both sides at the size\n" +
			"of a card, 85.60 × 53.98 mm. What a printing station would refuse is refused here, in the same words.\n" +
			"No printer, no daemon and no card are needed. The files are personal data: only their owner can read them.\n\n" +
			"Of an order to endorse (追記) the entry alone is drawn, on white, below what the order says stands on the\n" +
			"card; where it says nothing, as the first entry.",
		Example: "  cardctl print preview adult/order.json --out preview",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.preview(args[0], p) },
	}
	f := cmd.Flags()
	f.StringVar(&p.out, "out", "", "`folder` for the files; it is made when absent")
	f.IntVar(&p.dpi, "dpi", 300, "dots per inch, as the printer has")
	f.StringVar(&p.layout, "layout", "", "layout `file`; without it the built-in one of the card's generation")
	f.StringVar(&p.cardID, "card-number", "0000000000000000", "the 16 characters of the card, which the order does not know")
	return cmd
}

func (a *app) preview(file string, p preview) error {
	if p.out == "" {
		return refused(errors.New("cannot make a preview: name a folder for it with --out"))
	}
	drawn, err := a.drawOrder(file, p)
	if err != nil {
		return err
	}
	files, err := previewFiles(drawn.face, drawn.day)
	if err != nil {
		return err
	}
	paths, err := writePrivately(p.out, files)
	if err != nil {
		return err
	}
	a.showPreview(drawn, paths)
	return nil
}

// previewLayout is what an order's card is drawn by: the file that is named, else the
// layout with which the card was printed, where the order says it, else the newest of the
// card's generation.
func (a *app) previewLayout(o *order.Order, p preview) (*face.Layout, error) {
	layout, err := a.chosenLayout(o, p.layout)
	if err != nil {
		return nil, err
	}
	layout = layout.At(p.dpi)
	return layout, refusedIf(layout.Check())
}

func (a *app) chosenLayout(o *order.Order, file string) (*face.Layout, error) {
	if file != "" {
		raw, err := a.readInput(file, face.LayoutBytesMax)
		if err != nil {
			return nil, err
		}
		layout, err := face.LoadLayout(raw)
		return layout, refusedIf(err)
	}
	card, err := profile.Shared(o.Profile)
	if err != nil {
		return nil, refused(err)
	}
	if panel := o.Endorsement.Panel; panel != nil {
		layout, err := face.LookupLayout(panel.Layout, panel.Version)
		if err == nil && layout.Name != card.Face.Layout {
			err = fmt.Errorf("%s is no layout of %s", layout.Name, card.ID)
		}
		if err != nil {
			err = failure.New(failure.EntryLayout, err.Error(), err)
		}
		return layout, refusedIf(err)
	}
	layout, err := face.NewestLayout(card.Face.Layout)
	return layout, refusedIf(err)
}

// refusedIf is refused for what is an error.
func refusedIf(err error) error {
	if err == nil {
		return nil
	}
	return refused(err)
}

// drawn is what an order would have printed.
type drawn struct {
	face   printer.Face
	layout *face.Layout
	day    juki.Date   // of the order, which dates the PDF
	entry  *drawnEntry // nil for a whole face
}

// drawOrder draws an order's card, or its entry alone.
func (a *app) drawOrder(file string, p preview) (*drawn, error) {
	fonts, err := previewFonts()
	if err != nil {
		return nil, err
	}
	sent, err := a.readApplication(file)
	if err != nil {
		return nil, err
	}
	defer sent.destroy()
	o, err := order.Parse(sent.wire, nil, facecheck.Checks(fonts))
	if err != nil {
		return nil, err
	}
	defer o.Destroy()
	layout, err := a.previewLayout(o, p)
	if err != nil {
		return nil, err
	}
	if o.Operation == order.Endorse {
		return drawEntry(fonts, o, layout)
	}
	data, err := facecheck.Data(o)
	if err != nil {
		return nil, faceRefused(err)
	}
	data.CardID = p.cardID
	f, err := fonts.Render(layout, data)
	return &drawn{face: f, layout: layout, day: o.Issued}, faceRefused(err)
}

// previewFonts are those of cardd's configuration.
func previewFonts() (*face.Fonts, error) {
	c, err := config.Load("")
	if err != nil {
		return nil, refused(fmt.Errorf("cannot find the fonts: %w", err))
	}
	return face.LoadFonts(c.Fonts.Paths...)
}

// faceRefused gives what a face refuses its code; nil stays nil.
func faceRefused(err error) error {
	var glyph *face.GlyphError
	var overflow *face.OverflowError
	var stroke *face.StrokeError
	var photo *face.PhotoError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &glyph):
		return refused(failure.New(failure.FaceGlyph, err.Error(), err))
	case errors.As(err, &overflow) && overflow.Reissue:
		return refused(failure.New(failure.EntryNoRoom, overflow.Rule, err))
	case errors.As(err, &overflow), errors.As(err, &stroke):
		return refused(failure.New(failure.FaceOverflow, err.Error(), err))
	case errors.As(err, &photo):
		return refused(failure.New(failure.FacePhoto, err.Error(), err))
	}
	return refused(err)
}

// privateFile is a file that only its owner may read.
type privateFile struct {
	name string
	data []byte
}

// previewFiles are the pictures of either side, its resin, and both sides as PDF.
func previewFiles(f printer.Face, issued juki.Date) ([]privateFile, error) {
	front, errFront := face.CardPNG(f.Front)
	back, errBack := face.CardPNG(f.Back)
	frontK, errFrontK := face.ResinPNG(raster.Separate(f.Front))
	backK, errBackK := face.ResinPNG(raster.Separate(f.Back))
	if err := errors.Join(errFront, errBack, errFrontK, errBackK); err != nil {
		return nil, err
	}
	var pdf bytes.Buffer
	if err := facePDF(&pdf, issued, front, back); err != nil {
		return nil, err
	}
	return []privateFile{
		{"front.png", front}, {"back.png", back}, {"front-k.png", frontK}, {"back-k.png", backK}, {"card.pdf", pdf.Bytes()},
	}, nil
}

// facePDF writes a page of the size of a card for each side. The file is dated with the
// order's day of issue, not with the day on which somebody looked.
func facePDF(w io.Writer, issued juki.Date, sides ...[]byte) error {
	size := fpdf.SizeType{Wd: face.CardWidth, Ht: face.CardHeight}
	const asGiven = "P" // to fpdf landscape means that width and height are exchanged
	pdf := fpdf.NewCustom(&fpdf.InitType{OrientationStr: asGiven, UnitStr: "mm", Size: size})
	pdf.SetMargins(0, 0, 0)
	pdf.SetAutoPageBreak(false, 0)
	day := issued.EndJST()
	pdf.SetCreationDate(day)
	pdf.SetModificationDate(day)
	for i, side := range sides {
		name, kind := fmt.Sprint("side", i), fpdf.ImageOptions{ImageType: "PNG"}
		pdf.RegisterImageOptionsReader(name, kind, bytes.NewReader(side))
		pdf.AddPageFormat(asGiven, size)
		pdf.ImageOptions(name, 0, 0, face.CardWidth, face.CardHeight, false, kind, 0, "")
	}
	if err := pdf.Output(w); err != nil {
		return fmt.Errorf("cannot make the preview's PDF: %w", err)
	}
	return nil
}

// writePrivately puts files into a folder (mode 0700 when it is made) as mode 0600.
func writePrivately(dir string, files []privateFile) ([]string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, refused(fmt.Errorf("cannot make the preview's folder: %w; name another with --out", err))
	}
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = filepath.Join(dir, f.name)
		err := os.WriteFile(paths[i], f.data, 0o600)
		if err == nil {
			err = os.Chmod(paths[i], 0o600) // also where the file was there before
		}
		if err != nil {
			return nil, fmt.Errorf("cannot write the preview: %w", err)
		}
	}
	return paths, nil
}

func (a *app) showPreview(d *drawn, paths []string) {
	layout := d.layout
	size := layout.Size()
	if a.json {
		a.printJSON(struct {
			Layout  string      `json:"layout"`
			Version int         `json:"version"`
			DPI     int         `json:"dpi"`
			Width   int         `json:"width"`
			Height  int         `json:"height"`
			Files   []string    `json:"files"`
			Entry   *drawnEntry `json:"entry,omitempty"`
		}{layout.Name, layout.Version, layout.DPI, size.X, size.Y, paths, d.entry})
		return
	}
	for _, path := range paths {
		a.printf("%s\n", path)
	}
	a.printf(a.in2("layout %s version %d (%s), %d × %d pixels a side at %d dpi\n", "レイアウト %s 第%d版 (%s)、片面 %d × %d 画素、%d dpi\n"),
		layout.Name, layout.Version, layout.Source, size.X, size.Y, layout.DPI)
	if d.entry != nil {
		a.showEntry(d.entry)
	}
}
