package face

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // a submitted photograph's format
	_ "image/png"  // and the other one
	"io"
)

// What a submitted photograph must be (rules sheet, 7: online JPEG, 20 KB to 7
// MB, 480 to 6000 pixels a side). Whether KB is 1000 or 1024 bytes is not
// said, so the wider reading holds at either end.
const (
	PhotoBytesMin = 20 * 1000
	PhotoBytesMax = 7 << 20
	PhotoSideMin  = 480
	PhotoSideMax  = 6000
)

// scansMost bounds the scans of a progressive JPEG. Cameras write about ten;
// each one costs a pass over all pixels, and a file can be made of thousands.
const scansMost = 64

// PhotoRule is a rule that a submitted photograph breaks.
type PhotoRule string

// The rules. Each has its remedy in the error.
const (
	PhotoNotPicture PhotoRule = "it must be a JPEG or PNG picture"
	PhotoTruncated  PhotoRule = "it must be complete, but the file ends early or is damaged"
	PhotoTooSmall   PhotoRule = "it must be at least 480 pixels a side and 20 KB"
	PhotoTooLarge   PhotoRule = "it must be at most 6000 pixels a side and 7 MB"
	PhotoColour     PhotoRule = "it must be RGB or grey with 8 bits a channel"
	PhotoTooComplex PhotoRule = "it must have at most 64 JPEG scans"
)

var photoRemedies = map[PhotoRule]string{
	PhotoNotPicture: "save the photograph as JPEG",
	PhotoTruncated:  "send the file again",
	PhotoTooSmall:   "take or scan the photograph at a higher resolution",
	PhotoTooLarge:   "reduce the photograph",
	PhotoColour:     "save the photograph as an RGB JPEG",
	PhotoTooComplex: "save the photograph as a baseline JPEG",
}

// PhotoError is a submitted photograph that cannot be taken.
type PhotoError struct {
	Rule   PhotoRule
	Remedy string
}

// Error names the rule and the remedy.
func (e *PhotoError) Error() string {
	return fmt.Sprintf("cannot use the photograph: %s; %s", e.Rule, e.Remedy)
}

func photoError(r PhotoRule) error { return &PhotoError{r, photoRemedies[r]} }

// DecodePhoto reads a submitted photograph, turned upright as its Exif
// orientation says. Size and form are judged before the pixels are decoded, so
// a small file cannot claim much memory. Every refusal is a [*PhotoError].
func DecodePhoto(r []byte) (image.Image, error) {
	if len(r) > PhotoBytesMax {
		return nil, photoError(PhotoTooLarge)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(r))
	if err != nil {
		return nil, photoError(readFailure(err))
	}
	if rule := judge(r, config, format); rule != "" {
		return nil, photoError(rule)
	}
	m, _, err := image.Decode(bytes.NewReader(r))
	if err != nil {
		return nil, photoError(PhotoTruncated)
	}
	if format == "jpeg" {
		m = upright(m, exifOrientation(r))
	}
	return m, nil
}

func readFailure(err error) PhotoRule {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return PhotoTruncated
	}
	return PhotoNotPicture
}

// judge names the first rule broken, or "".
func judge(r []byte, c image.Config, format string) PhotoRule {
	switch {
	case format != "jpeg" && format != "png": // another package may have registered more
		return PhotoNotPicture
	case c.Width > PhotoSideMax || c.Height > PhotoSideMax:
		return PhotoTooLarge
	case c.Width < PhotoSideMin || c.Height < PhotoSideMin || len(r) < PhotoBytesMin:
		return PhotoTooSmall
	case c.ColorModel == color.CMYKModel || deep(c.ColorModel):
		return PhotoColour
	case format == "jpeg" && bytes.Count(r, []byte{0xFF, 0xDA}) > scansMost: // SOS, ISO/IEC 10918-1 table B.1
		return PhotoTooComplex
	}
	return ""
}

func deep(m color.Model) bool {
	return m == color.RGBA64Model || m == color.NRGBA64Model || m == color.Gray16Model
}
