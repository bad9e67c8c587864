//go:build !cgo

package face

import (
	"errors"
	"image"
)

var errNoOpenJPEG = errors.New("this program was built without cgo, and JPEG 2000 needs cgo and OpenJPEG: install libopenjp2-7-dev and build with CGO_ENABLED=1")

func openjpegEncode(*image.Gray, float32) ([]byte, error) { return nil, errNoOpenJPEG }

func openjpegDecode([]byte, image.Point) (*image.Gray, error) { return nil, errNoOpenJPEG }
