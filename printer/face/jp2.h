//go:build cgo

// What face wants of OpenJPEG 2.5: one grey 8-bit picture, memory to memory.

#ifndef FACE_JP2_H
#define FACE_JP2_H

#include <stddef.h>
#include <stdint.h>

enum { FACE_WHY = 160 };

// face_buffer is a file in memory. An encoded one is the caller's to free.
struct face_buffer {
	uint8_t *data;
	size_t len, cap, pos;
};

// face_encode writes w × h grey pixels as JP2, compressed to 1/ratio of their
// bytes. It returns 0, or -1 with a reason in why.
int face_encode(const uint8_t *grey, uint32_t w, uint32_t h, float ratio,
	struct face_buffer *out, char why[FACE_WHY]);

// face_decode reads a JP2 file strictly into w × h grey pixels, which must be
// the picture's very size. It returns 0, or -1 with a reason in why.
int face_decode(const uint8_t *file, size_t len, uint8_t *grey, uint32_t w, uint32_t h,
	char why[FACE_WHY]);

#endif
