//go:build cgo

#include "jp2.h"

#include <openjpeg.h>
#include <stdlib.h>
#include <string.h>

// say keeps the first message, without its line end.
static void say(const char *message, void *why) {
	char *w = why;
	if (w[0] == 0) {
		strncpy(w, message, FACE_WHY - 1);
		w[strcspn(w, "\r\n")] = 0;
	}
}

static void quiet(const char *message, void *why) {
	(void)message;
	(void)why;
}

static OPJ_SIZE_T read_some(void *to, OPJ_SIZE_T n, void *user) {
	struct face_buffer *b = user;
	if (b->pos >= b->len)
		return (OPJ_SIZE_T)-1;
	if (n > b->len - b->pos)
		n = b->len - b->pos;
	memcpy(to, b->data + b->pos, n);
	b->pos += n;
	return n;
}

// room_for makes the buffer at least len long, new bytes zero.
static int room_for(struct face_buffer *b, size_t len) {
	if (len > b->cap) {
		size_t cap = 2 * len + 4096;
		uint8_t *data = realloc(b->data, cap);
		if (data == NULL)
			return 0;
		memset(data + b->cap, 0, cap - b->cap);
		b->data = data;
		b->cap = cap;
	}
	if (len > b->len)
		b->len = len;
	return 1;
}

static OPJ_SIZE_T write_some(void *from, OPJ_SIZE_T n, void *user) {
	struct face_buffer *b = user;
	if (!room_for(b, b->pos + n))
		return (OPJ_SIZE_T)-1;
	memcpy(b->data + b->pos, from, n);
	b->pos += n;
	return n;
}

static OPJ_BOOL seek_to(OPJ_OFF_T to, void *user) {
	struct face_buffer *b = user;
	if (to < 0 || (size_t)to > b->len)
		return OPJ_FALSE;
	b->pos = (size_t)to;
	return OPJ_TRUE;
}

static OPJ_OFF_T skip_read(OPJ_OFF_T n, void *user) {
	struct face_buffer *b = user;
	if (n < 0 || (size_t)n > b->len - b->pos)
		return -1;
	b->pos += (size_t)n;
	return n;
}

// The JP2 writer skips the codestream box's head and comes back to fill it in.
static OPJ_OFF_T skip_written(OPJ_OFF_T n, void *user) {
	struct face_buffer *b = user;
	if (n < 0 || !room_for(b, b->pos + (size_t)n))
		return -1;
	b->pos += (size_t)n;
	return n;
}

static opj_stream_t *stream_on(struct face_buffer *b, OPJ_BOOL input) {
	opj_stream_t *s = opj_stream_create(1 << 16, input);
	if (s == NULL)
		return NULL;
	opj_stream_set_user_data(s, b, NULL);
	opj_stream_set_user_data_length(s, b->len);
	opj_stream_set_read_function(s, read_some);
	opj_stream_set_write_function(s, write_some);
	opj_stream_set_seek_function(s, seek_to);
	opj_stream_set_skip_function(s, input ? skip_read : skip_written);
	return s;
}

static void listen(opj_codec_t *codec, char *why) {
	opj_set_error_handler(codec, say, why);
	opj_set_warning_handler(codec, quiet, NULL);
	opj_set_info_handler(codec, quiet, NULL);
}

static opj_image_t *image_of(const uint8_t *grey, uint32_t w, uint32_t h) {
	opj_image_cmptparm_t p = {.dx = 1, .dy = 1, .w = w, .h = h, .prec = 8};
	opj_image_t *m = opj_image_create(1, &p, OPJ_CLRSPC_GRAY);
	if (m == NULL)
		return NULL;
	m->x1 = w;
	m->y1 = h;
	for (size_t i = 0; i < (size_t)w * h; i++)
		m->comps[0].data[i] = grey[i];
	return m;
}

// Five halvings of the picture, fewer when it is smaller than that.
static int resolutions(uint32_t w, uint32_t h) {
	int n = 1;
	for (uint32_t side = w < h ? w : h; n < 6 && side >= 2; side /= 2)
		n++;
	return n;
}

int face_encode(const uint8_t *grey, uint32_t w, uint32_t h, float ratio,
	struct face_buffer *out, char why[FACE_WHY]) {
	opj_cparameters_t p;
	opj_set_default_encoder_parameters(&p);
	p.irreversible = 1;
	p.numresolution = resolutions(w, h);
	p.tcp_numlayers = 1;
	p.tcp_rates[0] = ratio;
	p.cp_disto_alloc = 1;

	opj_image_t *m = image_of(grey, w, h);
	opj_codec_t *codec = opj_create_compress(OPJ_CODEC_JP2);
	opj_stream_t *s = stream_on(out, OPJ_FALSE);
	int ok = 0;
	if (m != NULL && codec != NULL && s != NULL) {
		listen(codec, why);
		ok = opj_setup_encoder(codec, &p, m) && opj_start_compress(codec, m, s) &&
			opj_encode(codec, s) && opj_end_compress(codec, s);
	}
	if (s != NULL)
		opj_stream_destroy(s);
	if (codec != NULL)
		opj_destroy_codec(codec);
	if (m != NULL)
		opj_image_destroy(m);
	return ok ? 0 : -1;
}

static int is_grey(const opj_image_t *m, uint32_t w, uint32_t h) {
	return m->numcomps == 1 && m->comps[0].prec == 8 && !m->comps[0].sgnd &&
		m->comps[0].w == w && m->comps[0].h == h;
}

static void copy_out(const opj_image_t *m, uint8_t *grey) {
	size_t n = (size_t)m->comps[0].w * m->comps[0].h;
	for (size_t i = 0; i < n; i++) {
		OPJ_INT32 v = m->comps[0].data[i];
		grey[i] = v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v;
	}
}

int face_decode(const uint8_t *file, size_t len, uint8_t *grey, uint32_t w, uint32_t h,
	char why[FACE_WHY]) {
	struct face_buffer in = {.data = (uint8_t *)file, .len = len};
	opj_dparameters_t p;
	opj_set_default_decoder_parameters(&p);

	opj_image_t *m = NULL;
	opj_codec_t *codec = opj_create_decompress(OPJ_CODEC_JP2);
	opj_stream_t *s = stream_on(&in, OPJ_TRUE);
	int ok = 0;
	if (codec != NULL && s != NULL) {
		listen(codec, why);
		ok = opj_setup_decoder(codec, &p) && opj_decoder_set_strict_mode(codec, OPJ_TRUE) &&
			opj_read_header(s, codec, &m) && is_grey(m, w, h) &&
			opj_decode(codec, s, m) && opj_end_decompress(codec, s) &&
			is_grey(m, w, h) && m->comps[0].data != NULL;
	}
	if (ok)
		copy_out(m, grey);
	if (s != NULL)
		opj_stream_destroy(s);
	if (codec != NULL)
		opj_destroy_codec(codec);
	if (m != NULL)
		opj_image_destroy(m);
	return ok ? 0 : -1;
}
