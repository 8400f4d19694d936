#include "cternopenjpeg.h"

#include <string.h>

/* The folder has the version in its name; Ubuntu 22.04 has 2.4, which is strict without being asked. */
#if __has_include(<openjpeg-2.5/openjpeg.h>)
#include <openjpeg-2.5/openjpeg.h>
#define HAS_STRICT_MODE 1
#else
#include <openjpeg-2.4/openjpeg.h>
#endif

/* OpenJPEG's own buffer of a stream; more would only be copied once more. */
enum { STREAM_BYTES = 16384 };

typedef struct source {
    const uint8_t *bytes;
    size_t byte_count, offset;
    int has_complained;
} source;

static OPJ_SIZE_T on_read(void *buffer, OPJ_SIZE_T count, void *user) {
    source *self = user;
    size_t left = self->byte_count - self->offset;
    if (left == 0) return (OPJ_SIZE_T)-1;
    if (count > left) count = left;
    memcpy(buffer, self->bytes + self->offset, count);
    self->offset += count;
    return count;
}

static OPJ_OFF_T on_skip(OPJ_OFF_T count, void *user) {
    source *self = user;
    if (count < 0 || (uint64_t)count > self->byte_count - self->offset) return -1;
    self->offset += (size_t)count;
    return count;
}

static OPJ_BOOL on_seek(OPJ_OFF_T offset, void *user) {
    source *self = user;
    if (offset < 0 || (uint64_t)offset > self->byte_count) return OPJ_FALSE;
    self->offset = (size_t)offset;
    return OPJ_TRUE;
}

/* OpenJPEG goes on after a warning with samples that it guessed; a guessed pixel is no diagnosis. */
static void on_complaint(const char *message, void *user) {
    (void)message;
    ((source *)user)->has_complained = 1;
}

/* GDCM's files announce one tile-part too few. The caller has followed the parts to the end: nothing is guessed. */
static void on_warning(const char *message, void *user) {
    static const char few_parts[] = "Non conformant codestream TPsot==TNsot";
    if (strncmp(message, few_parts, sizeof few_parts - 1) != 0) on_complaint(message, user);
}

static int has_shape(const opj_image_t *image, const tern_openjpeg_shape *shape, int is_decoded) {
    if (image->numcomps != shape->components) return 0;
    for (uint32_t index = 0; index < shape->components; index++) {
        const opj_image_comp_t *component = &image->comps[index];
        if (component->dx != 1 || component->dy != 1 || component->prec != shape->precision || component->sgnd != shape->is_signed) return 0;
        if (component->w != shape->width || component->h != shape->height) return 0;
        if (is_decoded && component->data == NULL) return 0;
    }
    return 1;
}

static void interleave(const opj_image_t *image, const tern_openjpeg_shape *shape, void *samples) {
    size_t count = (size_t)shape->width * shape->height, step = shape->components;
    for (size_t index = 0; index < step; index++) {
        const OPJ_INT32 *from = image->comps[index].data;
        if (shape->sample_byte_count == 1) {
            uint8_t *to = (uint8_t *)samples + index;
            for (size_t pixel = 0; pixel < count; pixel++) to[pixel * step] = (uint8_t)from[pixel];
        } else {
            uint16_t *to = (uint16_t *)samples + index;
            for (size_t pixel = 0; pixel < count; pixel++) to[pixel * step] = (uint16_t)from[pixel];
        }
    }
}

static tern_openjpeg_status decode(opj_codec_t *codec, opj_stream_t *stream, source *self, const tern_openjpeg_shape *shape, void *samples) {
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    opj_set_error_handler(codec, on_complaint, self);
    opj_set_warning_handler(codec, on_warning, self);
    if (!opj_setup_decoder(codec, &parameters)) return TERN_OPENJPEG_MEMORY;
#ifdef HAS_STRICT_MODE
    if (!opj_decoder_set_strict_mode(codec, OPJ_TRUE)) return TERN_OPENJPEG_MEMORY;
#endif
    /* Without this an environment variable could start threads. */
    if (!opj_codec_set_threads(codec, 0)) return TERN_OPENJPEG_MEMORY;
    opj_image_t *image = NULL;
    tern_openjpeg_status status = TERN_OPENJPEG_CORRUPT;
    if (opj_read_header(stream, codec, &image) && image != NULL && !self->has_complained) {
        status = has_shape(image, shape, 0) ? TERN_OPENJPEG_CORRUPT : TERN_OPENJPEG_SHAPE;
        if (status == TERN_OPENJPEG_CORRUPT && opj_decode(codec, stream, image) && opj_end_decompress(codec, stream)
            && !self->has_complained && has_shape(image, shape, 1)) {
            interleave(image, shape, samples);
            status = TERN_OPENJPEG_OK;
        }
    }
    opj_image_destroy(image);
    return status;
}

tern_openjpeg_status tern_openjpeg_decode(const uint8_t *bytes, size_t byte_count, const tern_openjpeg_shape *shape, void *samples,
                                          size_t sample_count) {
    if (sample_count != (size_t)shape->width * shape->height * shape->components) return TERN_OPENJPEG_SHAPE;
    source self = {.bytes = bytes, .byte_count = byte_count};
    opj_codec_t *codec = opj_create_decompress(OPJ_CODEC_J2K);
    opj_stream_t *stream = opj_stream_create(STREAM_BYTES, OPJ_TRUE);
    tern_openjpeg_status status = TERN_OPENJPEG_MEMORY;
    if (codec != NULL && stream != NULL) {
        opj_stream_set_user_data(stream, &self, NULL);
        opj_stream_set_user_data_length(stream, byte_count);
        opj_stream_set_read_function(stream, on_read);
        opj_stream_set_skip_function(stream, on_skip);
        opj_stream_set_seek_function(stream, on_seek);
        status = decode(codec, stream, &self, shape, samples);
    }
    if (stream != NULL) opj_stream_destroy(stream);
    if (codec != NULL) opj_destroy_codec(codec);
    return status;
}
