package sheet

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/color"
	"strings"
)

// PDF is a document each of whose pages shows an image in grey, at so many dots an inch
// (ISO 32000-1:2008, 7.5 and 8.9.5). It holds no text, no date and no name, so the same
// images give the same bytes.
func PDF(pages []image.Image, dpi int) ([]byte, error) {
	if len(pages) == 0 || dpi < 1 {
		return nil, fmt.Errorf("cannot make a document of %d pages at %d dots an inch", len(pages), dpi)
	}
	var d document
	d.WriteString("%PDF-1.4\n%\xE2\xE3\xCF\xD3\n") // 7.5.2: bytes above 127 say that it is binary
	d.object("<< /Type /Catalog /Pages 2 0 R >>", nil)
	var kids strings.Builder
	for i := range pages {
		_, _ = fmt.Fprintf(&kids, "%d 0 R ", firstPage+perPage*i)
	}
	d.object(fmt.Sprintf("<< /Type /Pages /Kids [ %s] /Count %d >>", &kids, len(pages)), nil)
	for _, img := range pages {
		if err := d.page(img, dpi); err != nil {
			return nil, err
		}
	}
	d.end()
	return d.Bytes(), nil
}

// Numbers of objects: the catalogue, the tree of pages, and what each page has.
const firstPage, perPage = 3, 3

// page writes a page, what draws it and the image that it draws.
func (d *document) page(img image.Image, dpi int) error {
	b := img.Bounds()
	if b.Empty() {
		return fmt.Errorf("cannot make a page of %d by %d dots", b.Dx(), b.Dy())
	}
	pixels, err := deflated(img)
	if err != nil {
		return fmt.Errorf("cannot make a page: %w", err)
	}
	const points = 72 // to the inch (8.3.2.3)
	width, height := float64(b.Dx()*points)/float64(dpi), float64(b.Dy()*points)/float64(dpi)
	show := fmt.Appendf(nil, "q %.2f 0 0 %.2f 0 0 cm /P Do Q", width, height)
	n := len(d.starts) + 1
	d.object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.2f %.2f] /Contents %d 0 R /Resources << /XObject << /P %d 0 R >> >> >>", width, height, n+1, n+2), nil)
	d.object(fmt.Sprintf("<< /Length %d >>", len(show)), show)
	d.object(fmt.Sprintf("<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode /Length %d >>", b.Dx(), b.Dy(), len(pixels)), pixels)
	return nil
}

// document is a PDF file being written: objects in order, and where each begins.
type document struct {
	bytes.Buffer
	starts []int
}

// object writes the next one, with a stream where there is one (7.3.8, 7.3.10).
func (d *document) object(dictionary string, stream []byte) {
	d.starts = append(d.starts, d.Len())
	_, _ = fmt.Fprintf(d, "%d 0 obj\n%s\n", len(d.starts), dictionary)
	if stream != nil {
		d.WriteString("stream\n")
		d.Write(stream)
		d.WriteString("\nendstream\n")
	}
	d.WriteString("endobj\n")
}

// end writes the cross-reference table and the trailer (7.5.4, 7.5.5).
func (d *document) end() {
	table := d.Len()
	_, _ = fmt.Fprintf(d, "xref\n0 %d\n0000000000 65535 f \n", len(d.starts)+1)
	for _, at := range d.starts {
		_, _ = fmt.Fprintf(d, "%010d 00000 n \n", at)
	}
	_, _ = fmt.Fprintf(d, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(d.starts)+1, table)
}

// deflated is the image's grey values, row by row from the top (7.4.4).
func deflated(img image.Image) ([]byte, error) {
	b := img.Bounds()
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	row := make([]byte, b.Dx())
	for y := b.Min.Y; y < b.Max.Y; y++ {
		if g, ok := img.(*image.Gray); ok {
			copy(row, g.Pix[g.PixOffset(b.Min.X, y):])
		} else {
			for x := range row {
				row[x] = color.GrayModel.Convert(img.At(b.Min.X+x, y)).(color.Gray).Y
			}
		}
		if _, err := z.Write(row); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}
