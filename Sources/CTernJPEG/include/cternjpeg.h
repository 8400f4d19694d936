#pragma once
#include <stddef.h>
#include <stdint.h>

/* libjpeg behind calls that cannot exit, cannot jump out and cannot allocate past a limit. */

typedef enum tern_jpeg_status {
    TERN_JPEG_OK = 0,
    TERN_JPEG_INVALID = 1,      /* libjpeg refuses the file: `message` has its message number */
    TERN_JPEG_CORRUPT = 2,      /* libjpeg would have guessed and warned: `message` has its message number */
    TERN_JPEG_TRUNCATED = 3,    /* the bytes end before the end of image marker */
    TERN_JPEG_COMPONENTS = 4,   /* neither grey nor three components, or a colour space that is neither RGB nor YCbCr */
    TERN_JPEG_ARITHMETIC = 5,   /* arithmetic coding */
    TERN_JPEG_MEMORY = 6,       /* the coefficient store of a multi-scan file is larger than the limit */
    TERN_JPEG_SCANS = 7,        /* more scans than the limit */
    TERN_JPEG_SHAPE = 8,        /* `sample_count` is not that of the file */
    TERN_JPEG_PRECISION = 9,    /* samples of other than 8 bits: `message` has their bits */
    TERN_JPEG_PROCESS = 10      /* neither sequential nor progressive: `message` has the frame's marker */
} tern_jpeg_status;

typedef struct tern_jpeg_header {
    uint32_t width;
    uint32_t height;
    uint32_t components;        /* 1 or 3 */
    uint32_t has_adobe_marker;  /* 1: an Adobe marker states the colour transform */
    int32_t message;            /* libjpeg's message number or what the status says, 0 when it had nothing to say */
} tern_jpeg_header;

/* Reads the headers up to the first scan. Allocates no more than libjpeg's tables. */
tern_jpeg_status tern_jpeg_read_header(const uint8_t *bytes, size_t byte_count, tern_jpeg_header *header);

/*
 * Decodes into `samples`, width * height * components bytes, interleaved: grey, or RGB. With `as_stored` three components are copied
 * without the YCbCr to RGB step. `limit_coefficient_bytes` bounds what a multi-scan file may hold in memory.
 */
tern_jpeg_status tern_jpeg_decode(const uint8_t *bytes, size_t byte_count, int32_t as_stored, size_t limit_coefficient_bytes,
                                  int32_t limit_scans, uint8_t *samples, size_t sample_count, int32_t *message);

/*
 * Encodes width * height * components interleaved bytes, grey (1) or RGB (3), as baseline JPEG with a JFIF header; `quality` is 1 ... 100 on
 * libjpeg's scale. Gives 1 and the bytes, which tern_jpeg_free frees; 0 and no bytes when memory is refused or a side is zero or past 65,500.
 */
int32_t tern_jpeg_encode(const uint8_t *samples, uint32_t width, uint32_t height, int32_t components, int32_t quality, uint8_t **bytes,
                         size_t *byte_count);
void tern_jpeg_free(uint8_t *bytes);
