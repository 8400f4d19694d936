#include "cternzlib.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct tern_inflater {
    z_stream stream;
};

/* zlib counts room in 32 bits: larger buffers are handed over in parts. */
enum { PART = 1 << 30 };

static uInt part(size_t count) { return count < PART ? (uInt)count : (uInt)PART; }

tern_inflater *tern_inflater_open(int is_gzip) {
    tern_inflater *inflater = malloc(sizeof *inflater);
    if (inflater == NULL) return NULL;
    memset(inflater, 0, sizeof *inflater);
    /* Negative window bits: a stream without a head; 16 more: one with gzip's and no other. */
    if (inflateInit2(&inflater->stream, is_gzip ? MAX_WBITS + 16 : -MAX_WBITS) != Z_OK) {
        free(inflater);
        return NULL;
    }
    return inflater;
}

tern_zlib_status tern_inflater_step(
    tern_inflater *inflater, const uint8_t *source, size_t source_count, size_t *consumed, uint8_t *target, size_t target_count, size_t *produced) {
    z_stream *const stream = &inflater->stream;
    *consumed = 0;
    *produced = 0;
    for (;;) {
        const uInt input = part(source_count - *consumed), room = part(target_count - *produced);
        /* zlib wants a pointer even where there is nothing to read. */
        static const uint8_t nothing;
        stream->next_in = (z_const Bytef *)(source_count > *consumed ? source + *consumed : &nothing);
        stream->avail_in = input;
        stream->next_out = target + *produced;
        stream->avail_out = room;
        const int status = inflate(stream, Z_NO_FLUSH);
        *consumed += input - stream->avail_in;
        *produced += room - stream->avail_out;
        stream->next_in = NULL;
        stream->next_out = NULL;
        if (status == Z_STREAM_END) return TERN_ZLIB_END;
        if (status == Z_MEM_ERROR) return TERN_ZLIB_MEMORY;
        /* Z_BUF_ERROR: no progress was possible, for want of input since there is room. */
        if (status == Z_BUF_ERROR) return *produced == target_count ? TERN_ZLIB_OK : TERN_ZLIB_TRUNCATED;
        if (status != Z_OK) return TERN_ZLIB_DAMAGED;
        if (*produced == target_count) return TERN_ZLIB_OK;
    }
}

tern_zlib_status tern_inflater_restart(tern_inflater *inflater) {
    return inflateReset(&inflater->stream) == Z_OK ? TERN_ZLIB_OK : TERN_ZLIB_DAMAGED;
}

void tern_inflater_close(tern_inflater *inflater) {
    inflateEnd(&inflater->stream);
    free(inflater);
}

uint32_t tern_zlib_crc32(const uint8_t *bytes, size_t count) { return (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, count); }
