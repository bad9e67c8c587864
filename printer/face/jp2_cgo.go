//go:build cgo

package face

// #cgo pkg-config: libopenjp2
// #include <stdlib.h>
// #include "jp2.h"
import "C"

import (
	"errors"
	"image"
	"unsafe"
)

// openjpegEncode compresses to about 1/ratio of the pixels' bytes. grey has no
// gaps between its rows.
func openjpegEncode(grey *image.Gray, ratio float32) ([]byte, error) {
	var out C.struct_face_buffer
	var why [C.FACE_WHY]C.char
	status := C.face_encode((*C.uint8_t)(&grey.Pix[0]), C.uint32_t(grey.Rect.Dx()), C.uint32_t(grey.Rect.Dy()), C.float(ratio), &out, &why[0])
	defer C.free(unsafe.Pointer(out.data))
	if status != 0 {
		return nil, openjpegError(why)
	}
	return C.GoBytes(unsafe.Pointer(out.data), C.int(out.len)), nil
}

// openjpegDecode reads a picture of exactly that size.
func openjpegDecode(file []byte, size image.Point) (*image.Gray, error) {
	g := image.NewGray(image.Rectangle{Max: size})
	var why [C.FACE_WHY]C.char
	if C.face_decode((*C.uint8_t)(&file[0]), C.size_t(len(file)), (*C.uint8_t)(&g.Pix[0]), C.uint32_t(size.X), C.uint32_t(size.Y), &why[0]) != 0 {
		return nil, openjpegError(why)
	}
	return g, nil
}

func openjpegError(why [C.FACE_WHY]C.char) error {
	if s := C.GoString(&why[0]); s != "" {
		return errors.New("OpenJPEG: " + s)
	}
	return errors.New("OpenJPEG gives no reason; the file may not hold what its header promises")
}
