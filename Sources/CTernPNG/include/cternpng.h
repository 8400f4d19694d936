#pragma once
#include <stddef.h>
#include <stdint.h>

/* libpng behind two calls that cannot jump out and cannot allocate past a limit. */

typedef enum tern_png_status {
    TERN_PNG_OK = 0,
    TERN_PNG_INVALID = 1,       /* libpng refuses the file, or it is damaged */
    TERN_PNG_TRUNCATED = 2,     /* the bytes end before the end of the image */
    TERN_PNG_TRANSPARENT = 3,   /* a pixel is not opaque */
    TERN_PNG_SHAPE = 4,         /* `storage_byte_count` is not that of the file */
    TERN_PNG_MEMORY = 5
} tern_png_status;

typedef struct tern_png_header {
    uint32_t width;
    uint32_t height;
    uint32_t channels;          /* of the result: 1 grey or 3 RGB */
    uint32_t has_alpha;         /* 1: decoding needs room for one more channel, which is then checked and dropped */
    uint32_t sample_byte_count; /* 1 or 2 */
    uint32_t exif_byte_count;   /* of the EXIF block that `exif` received, 0 when there is none or it is longer than the room */
} tern_png_header;

/* Reads the chunks before the image data; copies a short EXIF block into `exif`. Sides past `limit_side` are refused. */
tern_png_status tern_png_read_header(const uint8_t *bytes, size_t byte_count, uint32_t limit_side, uint8_t *exif,
                                     size_t exif_capacity, tern_png_header *header);

/*
 * Decodes into `storage`, width * height * (channels + has_alpha) samples of `sample_byte_count` bytes in the order of this machine. Grey of
 * less than 8 bits is scaled to 0 ... 255 and a palette is looked up. Of an image with alpha, the first width * height * channels samples are
 * the result.
 */
tern_png_status tern_png_decode(const uint8_t *bytes, size_t byte_count, uint32_t limit_side, void *storage, size_t storage_byte_count);
