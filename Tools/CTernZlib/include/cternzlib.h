/* zlib behind two calls that print nothing, keep no pointer and write only inside the room they are given. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum tern_zlib_status {
    TERN_ZLIB_OK = 0,
    TERN_ZLIB_DAMAGED = 1, /* not a deflate stream, or one that does not end where the source does */
    TERN_ZLIB_COUNT = 2,   /* the stream holds more or fewer bytes than target_count */
    TERN_ZLIB_MEMORY = 3
} tern_zlib_status;

/* Inflates a raw deflate stream (RFC 1951) of source_count bytes to exactly target_count bytes. */
tern_zlib_status tern_zlib_inflate(const uint8_t *source, size_t source_count, uint8_t *target, size_t target_count);

/* The CRC-32 of ISO 3309, as zip files store it. */
uint32_t tern_zlib_crc32(const uint8_t *bytes, size_t count);
