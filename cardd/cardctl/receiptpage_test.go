//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/receipt"
	"jukicard/cardd/internal/sheet"
	"jukicard/printer/ipp"
	"jukicard/printer/ipp/ipptest"
)

// TestPrintReceiptOnAPage: what a receipt says lies on the paper of a real ippeveprinter,
// dot by dot, once however often it is asked for, and only when its signature holds.
func TestPrintReceiptOnAPage(t *testing.T) {
	e := ipptest.NewEverywhere(t)
	file, key := signed(t)
	run := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &out, err: &errs}
		code := a.run(t.Context(), append([]string{"receipt", "print", "--page", e.URI}, args...))
		return code, out.String() + errs.String()
	}
	other := filepath.Join(t.TempDir(), "other.pem")
	stranger, err := receipt.OpenSigner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, stranger.Public(), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said := run(file, "--key", other); code == 0 || len(e.Printed()) != 0 {
		t.Fatalf("of another station: exit %d: %s", code, said)
	}
	for range 2 {
		if code, said := run(file, "--key", key); code != 0 {
			t.Fatalf("exit %d: %s", code, said)
		}
	}
	pages := e.Printed()
	if len(pages) != 1 || !bytes.Equal(pages[0], receiptPage(t, file, key)) {
		t.Errorf("%d pages lie there, or the page is another", len(pages))
	}
	e.Spoil()
	file, key = signed(t)
	if code, said := run(file, "--key", key); code != 0 {
		t.Errorf("a page that is there is not asked for again: exit %d: %s", code, said)
	}
}

// receiptPage is the raster that a receipt must be on paper.
func receiptPage(t *testing.T, file, key string) []byte {
	t.Helper()
	c, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{}
	st, err := a.verifiedReceipt(t.Context(), file, key)
	if err != nil {
		t.Fatal(err)
	}
	page, err := drawPage(a.receiptLines(st), sheet.Style{Font: c.Fonts.Paths[0], Size: pageText})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := (ipp.Raster{DPI: 300, Media: "iso_a4_210x297mm"}).Encode(&b, page); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
