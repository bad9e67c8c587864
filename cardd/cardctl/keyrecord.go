package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/printers"
	"jukicard/cardd/internal/sheet"
)

// A record says who did what to which key, when, and the check values, and no key
// material. It is kept as text and as a page to be printed and signed (PDF), and printed
// at once where a printer is named.

// recordText is a record being written.
type recordText struct{ strings.Builder }

// line writes "name (名): value", and nothing without a value.
func (b *recordText) line(en, ja, value string) {
	if value != "" {
		_, _ = fmt.Fprintf(b, "%-30s %s\n", en+" ("+ja+"):", value)
	}
}

// signatures leaves room for those of the two persons.
func (b *recordText) signatures(p persons) {
	for _, who := range []struct{ as, name string }{{"Officer (責任者)", p.Officer}, {"Witness (立会人)", p.Witness}} {
		_, _ = fmt.Fprintf(b, "\n%s: %s\n  signature (署名): ______________________\n", who.as, who.name)
	}
}

// text is the record of a ceremony.
func (c *ceremony) text(station, store string) []byte {
	var b recordText
	b.WriteString("KEY CEREMONY RECORD  鍵管理作業記録\n\n")
	b.line("Station", "端末", station)
	b.line("Store", "保管先", store)
	b.line("Begun", "開始", c.Begun.Format(time.RFC3339))
	b.line("Ended", "終了", c.Ended.Format(time.RFC3339))
	b.WriteByte('\n')
	b.line("Key", "鍵", c.Use)
	b.line("Version", "版", c.Version)
	b.line("Label", "名前", c.Label)
	b.line("Length", "長さ", fmt.Sprintf("AES-%d", c.Bits))
	b.line("Check value", "チェック値", c.KCV)
	b.line("Expected", "期待値", c.Expected)
	b.line("Came from", "入手方法", c.From)
	b.line("Wrapped under", "輸送鍵", c.Under)
	b.WriteString("\nCheck values: AES-CMAC of 16 zero bytes, first five bytes\n(チェック値: 16バイトの0に対するAES-CMACの先頭5バイト)\n")
	for i, k := range c.Custodians {
		_, _ = fmt.Fprintf(&b, "\nCustodian (管理者) %d: %s\n  component's check value (成分のチェック値): %s\n  at (時刻): %s\n  signature (署名): ______________________\n",
			i+1, k.Name, k.KCV, k.At.Format(time.RFC3339))
	}
	b.signatures(c.persons)
	return []byte(b.String())
}

// turned is the record of a rotation: the cards that were brought to a version.
type turned struct {
	persons
	to    byte
	begun time.Time
	cards []rotation
}

// text is the record of a rotation.
func (r *turned) text(station, store string, ended time.Time) []byte {
	var b recordText
	b.WriteString("KEY ROTATION RECORD  カード鍵切替記録\n\n")
	b.line("Station", "端末", station)
	b.line("Store", "保管先", store)
	b.line("Begun", "開始", r.begun.Format(time.RFC3339))
	b.line("Ended", "終了", ended.Format(time.RFC3339))
	b.line("To version", "切替後の版", fmt.Sprintf("%02X", r.to))
	b.line("Cards", "枚数", fmt.Sprint(len(r.cards)))
	b.WriteByte('\n')
	for _, c := range r.cards {
		from := c.From
		if from == "" {
			from = c.To // it had none but the new one
		}
		_, _ = fmt.Fprintf(&b, "%s  %s -> %s  %s\n", c.Card, from, c.To, c.At.Format(time.RFC3339))
	}
	b.signatures(r.persons)
	return []byte(b.String())
}

// persons are the two before whom keys are changed.
type persons struct {
	Officer string `json:"officer"`
	Witness string `json:"witness"`
}

func (p *persons) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.Officer, "officer", "", "`name` of the person who leads (required)")
	c.Flags().StringVar(&p.Witness, "witness", "", "`name` of the second person (required)")
}

// check wants two, and not one under two names that are written alike.
func (p *persons) check() error {
	p.Officer, p.Witness = strings.TrimSpace(p.Officer), strings.TrimSpace(p.Witness)
	if p.Officer == "" || p.Witness == "" {
		return refused(errors.New("cannot change keys: two persons are wanted; give --officer NAME and --witness NAME"))
	}
	return differ("--witness", p.Witness, p.Officer)
}

// paper is where a record goes besides the state directory.
type paper struct{ file, slip, page string }

func (p *paper) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.file, "record", "", "also write the record into this `file`; it is kept in the state directory anyway, as text and as PDF")
	c.Flags().StringVar(&p.slip, "slip", "", "also print the record on the slip printer at this `address` (usb, usb:SERIAL, tcp:HOST, serial:/dev/PATH)")
	c.Flags().StringVar(&p.page, "page", "", "also print the record on an A4 page at this `URI` (ipp://localhost/printers/NAME)")
}

// check refuses a printer that cannot be, before anything is done.
func (p *paper) check() error {
	if p.slip != "" && p.page != "" {
		return refused(errors.New("cannot print the record on both: give --slip ADDRESS or --page URI"))
	}
	if p.slip != "" {
		if _, err := printers.ParseAddress(p.slip); err != nil {
			return refused(err)
		}
	}
	if p.page != "" {
		return checkPageURI(p.page)
	}
	return nil
}

// recordSize is the size of a record's text on the page, in dots: 9.6 points.
const recordSize = 40

// keep keeps a record as path.txt and path.pdf. Without the page, which wants a font, the
// text is the record: that is said, and is no failure.
func (r *keyRoom) keep(path string, text []byte, p paper) error {
	for _, to := range []string{path + ".txt", p.file} {
		if to == "" {
			continue
		}
		if err := saveFile(to, text); err != nil {
			return err
		}
	}
	document, err := pdfOf(recordPages(text), r.config.Fonts.Paths[0])
	if err == nil {
		err = saveFile(path+".pdf", document)
	}
	if err != nil {
		r.notef(r.in2("There is no page to print: %v. The text is the record.\n", "印刷用ページを作れません: %v。テキストを記録としてください。\n"), err)
	}
	return nil
}

// pdfOf sets pages of lines.
func pdfOf(pages [][]string, font string) ([]byte, error) {
	var images []image.Image
	for _, lines := range pages {
		page, err := drawPage(lines, sheet.Style{Font: font, Size: recordSize})
		if err != nil {
			return nil, err
		}
		images = append(images, page)
	}
	return sheet.PDF(images, pageDPI)
}

// print prints a record that is kept. A page printer takes a page of one name once; so
// the name says which record it is.
func (r *keyRoom) print(ctx context.Context, path string, text []byte, p paper) (err error) {
	pages, font := recordPages(text), r.config.Fonts.Paths[0]
	if p.slip != "" {
		err = printSlip(ctx, p.slip, slices.Concat(pages...), font)
	}
	for i := 0; i < len(pages) && p.page != "" && err == nil; i++ {
		name := fmt.Sprintf("cardd key record %s %.4x, page %d", filepath.Base(path), sha256.Sum256(text), i+1)
		err = printPage(ctx, p.page, name, pages[i], sheet.Style{Font: font, Size: recordSize})
	}
	if err != nil {
		return failure.New(failure.PrintFailed, fmt.Sprintf("%v; nothing else is left to do: print %s.pdf by other means", err, path), err)
	}
	return nil
}

// recordRows is how many lines a page gets: fifty fit, and some are broken.
const recordRows = 42

// recordPages is a record in lines, page by page.
func recordPages(text []byte) [][]string {
	return slices.Collect(slices.Chunk(strings.Split(strings.TrimRight(string(text), "\n"), "\n"), recordRows))
}

// putAside gives the state and the record of an earlier key of the same name another
// name: a record is not written over.
func putAside(path string, ended time.Time) error {
	base := strings.TrimSuffix(path, ".json")
	for _, ext := range []string{".txt", ".pdf", ".json"} { // the state last: while it stands this is done again
		err := os.Rename(base+ext, base+"."+ended.UTC().Format("20060102T150405Z")+ext)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot put the earlier record aside: %w", err)
		}
	}
	return nil
}
