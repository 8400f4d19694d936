/* zlib's inflate behind calls that print nothing, keep no pointer into the bytes and write only inside the room they are given. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum tern_zlib_status {
    TERN_ZLIB_OK = 0,        /* the room is full, or all input is used; the stream goes on */
    TERN_ZLIB_END = 1,       /* the stream ended, its checksum included */
    TERN_ZLIB_DAMAGED = 2,   /* not such a stream */
    TERN_ZLIB_TRUNCATED = 3, /* no input is left and the stream has not ended */
    TERN_ZLIB_MEMORY = 4
} tern_zlib_status;

/* The state of one stream: about 40 KiB. */
typedef struct tern_inflater tern_inflater;

/* Starts a raw deflate stream (RFC 1951), or a gzip member (RFC 1952) when is_gzip is not 0. NULL: no memory. */
tern_inflater *tern_inflater_open(int is_gzip);

/* Unpacks as much of source as fits into target; adds nothing beyond target_count bytes. consumed and produced are set always. target_count is at least 1. */
tern_zlib_status tern_inflater_step(
    tern_inflater *inflater, const uint8_t *source, size_t source_count, size_t *consumed, uint8_t *target, size_t target_count, size_t *produced);

/* Makes the state ready for another stream of the same format. Returns TERN_ZLIB_OK or TERN_ZLIB_DAMAGED. */
tern_zlib_status tern_inflater_restart(tern_inflater *inflater);

void tern_inflater_close(tern_inflater *inflater);

/* The CRC-32 of ISO 3309, as gzip and zip files store it. */
uint32_t tern_zlib_crc32(const uint8_t *bytes, size_t count);
