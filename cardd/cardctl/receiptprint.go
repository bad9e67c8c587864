package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/printers"
	"jukicard/cardd/internal/receipt"
	"jukicard/cardd/internal/sheet"
	"jukicard/printer/escpos"
	"jukicard/printer/ipp"
	"jukicard/printer/wire"
)

// onPaper is what the flags of `receipt print` say.
type onPaper struct {
	key, slip, page string
}

func (a *app) receiptPrintCommand() *cobra.Command {
	var p onPaper
	c := &cobra.Command{
		Use: "print FILE", Short: "Verify a receipt and print what it says on a slip or a page",
		Long: "Verifies a receipt and prints what it says: on a slip printer that speaks ESC/POS (--slip, an address\n" +
			"as usb, usb:SERIAL, tcp:HOST or serial:/dev/PATH), or on an A4 page by IPP (--page, as\n" +
			"ipp://localhost/printers/NAME). A page is printed once however often it is asked for: the job's number\n" +
			"is its name at the printer. Nothing of the resident is on it.",
		Example: "  cardctl receipt print receipt.cose --slip tcp:192.0.2.9",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.printReceipt(cmd.Context(), args[0], p) },
	}
	c.Flags().StringVar(&p.key, "key", "", "public key of the signing station (PEM `file`)")
	c.Flags().StringVar(&p.slip, "slip", "", "`address` of the slip printer")
	c.Flags().StringVar(&p.page, "page", "", "`URI` of the page printer")
	return c
}

func (a *app) printReceipt(ctx context.Context, file string, p onPaper) error {
	if (p.slip == "") == (p.page == "") {
		return refused(errors.New("cannot print the receipt: name one printer, with --slip ADDRESS or --page URI"))
	}
	st, err := a.verifiedReceipt(ctx, file, p.key)
	if err != nil {
		return err
	}
	c, err := config.Load("")
	if err != nil {
		return err
	}
	if p.slip != "" {
		return printSlip(ctx, p.slip, a.receiptLines(st), c.Fonts.Paths[0])
	}
	return printPage(ctx, p.page, "cardd receipt "+st.Job, a.receiptLines(st), sheet.Style{Font: c.Fonts.Paths[0], Size: pageText})
}

// receiptLines are what a receipt says in few words. They name no resident.
func (a *app) receiptLines(st *receipt.Statement) []string {
	title := a.in2("Receipt of a card's issuance", "カード発行の受領証")
	if st.Endorsed != nil {
		title = a.in2("Receipt of an entry on a card", "カード追記の受領証")
	}
	lines := []string{
		title, "",
		a.in2("Order ", "申請 ") + st.Order, a.in2("Card ", "カード ") + st.Card, a.in2("Kind ", "種別 ") + st.Profile + " " + st.Product,
		a.in2("Station ", "端末 ") + st.Station, a.in2("Finished ", "終了 ") + st.Finished.Local().Format(time.DateTime), a.in2("Job ", "処理 ") + st.Job, "",
	}
	if st.Endorsed != nil {
		lines = append(lines, a.in2("Entry ", "追記 ")+a.entryText(st.Endorsed))
	}
	for _, c := range st.Certificates {
		lines = append(lines, a.in2("Certificate ", "証明書 ")+c.On, "  "+a.in2("serial ", "番号 ")+c.Serial)
	}
	return append(lines, "", a.in2("Journal ", "記録 ")+st.Journal)
}

// Slips are of paper 80 mm wide at 203 dots an inch.
const (
	slipText   = 24
	slipMargin = 8
)

// epson is the vendor of slip printers on the USB bus (usb.ids 2025.07.26); another maker's
// is reached over TCP or a serial line.
const epson = 0x04B8

func printSlip(ctx context.Context, address string, lines []string, fontFile string) error {
	at, err := printers.ParseAddress(address)
	if err != nil {
		return refused(err)
	}
	d, err := at.Dialer(wire.USB{Vendor: epson}, 9100)
	if err != nil {
		return refused(fmt.Errorf("cannot reach %s: %w", address, err))
	}
	slip, err := sheet.Draw(lines, sheet.Style{Font: fontFile, Width: escpos.DotsDefault, Size: slipText, Margin: slipMargin})
	if err != nil {
		return err
	}
	return (&escpos.Printer{Dialer: d}).Print(ctx, slip)
}

// An A4 page at 300 dots an inch.
const (
	pageDPI               = 300
	pageWidth, pageHeight = 2480, 3508
	pageText, pageMargin  = 50, 240
	pageMedia             = "iso_a4_210x297mm"
)

func checkPageURI(uri string) error {
	if !strings.HasPrefix(uri, "ipp://") && !strings.HasPrefix(uri, "ipps://") {
		return refused(fmt.Errorf("cannot print on %s: write a URI as ipp://localhost/printers/NAME", uri))
	}
	return nil
}

// drawPage sets lines on an A4 page; of the style, font and size are the caller's.
func drawPage(lines []string, s sheet.Style) (image.Image, error) {
	s.Width, s.Height, s.Margin = pageWidth, pageHeight, pageMargin
	return sheet.Draw(lines, s)
}

func printPage(ctx context.Context, uri, name string, lines []string, s sheet.Style) error {
	if err := checkPageURI(uri); err != nil {
		return err
	}
	page, err := drawPage(lines, s)
	if err != nil {
		return err
	}
	var document bytes.Buffer
	if err := (ipp.Raster{DPI: pageDPI, Color: ipp.Gray, Media: pageMedia}).Encode(&document, page); err != nil {
		return err
	}
	return (&ipp.Printer{URI: uri}).Print(ctx, ipp.Job{Name: name, Format: ipp.PWGRaster, Document: document.Bytes(), Media: pageMedia})
}
