#pragma once
#include <stddef.h>
#include <stdint.h>

/* OpenJPEG behind one call that prints nothing, starts no thread and keeps no pointer. */

typedef enum tern_openjpeg_status {
    TERN_OPENJPEG_OK = 0,
    TERN_OPENJPEG_CORRUPT = 1, /* OpenJPEG refuses the code stream, or warns and would have guessed */
    TERN_OPENJPEG_SHAPE = 2,   /* OpenJPEG reads another shape than the caller */
    TERN_OPENJPEG_MEMORY = 3,  /* OpenJPEG could not be set up */
} tern_openjpeg_status;

/* What the caller has read of the header. */
typedef struct tern_openjpeg_shape {
    uint32_t width, height;
    uint32_t components;        /* each sampled once */
    uint32_t precision;         /* bits of a sample, 1 ... 16 */
    uint32_t is_signed;         /* 0 or 1 */
    uint32_t sample_byte_count; /* 1 or 2 */
} tern_openjpeg_shape;

/*
 * Decodes a raw code stream into `samples`, width * height * components samples of `sample_byte_count` bytes, interleaved. The multiple
 * component transformation is undone. The caller has bounded what the code stream may make OpenJPEG allocate.
 */
tern_openjpeg_status tern_openjpeg_decode(const uint8_t *bytes, size_t byte_count, const tern_openjpeg_shape *shape, void *samples,
                                          size_t sample_count);
