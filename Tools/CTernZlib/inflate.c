#include "cternzlib.h"

#include <string.h>
#include <zlib.h>

/* zlib counts room in 32 bits: larger buffers are handed over in parts. */
enum { PART = 1 << 30 };

static uInt part(size_t count) { return count < PART ? (uInt)count : (uInt)PART; }

tern_zlib_status tern_zlib_inflate(const uint8_t *source, size_t source_count, uint8_t *target, size_t target_count) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    /* Negative window bits: a stream without zlib's own head. */
    const int started = inflateInit2(&stream, -MAX_WBITS);
    if (started != Z_OK) return started == Z_MEM_ERROR ? TERN_ZLIB_MEMORY : TERN_ZLIB_DAMAGED;
    /* zlib wants a place to write even when nothing may be written; one byte more also tells a longer stream from one that fits. */
    uint8_t beyond;
    size_t read = 0, written = 0;
    int status = Z_OK;
    tern_zlib_status result = TERN_ZLIB_DAMAGED;
    for (;;) {
        const uInt input = part(source_count - read);
        const int isFull = written == target_count;
        const uInt room = isFull ? 1 : part(target_count - written);
        stream.next_in = (z_const Bytef *)(source + read);
        stream.avail_in = input;
        stream.next_out = isFull ? &beyond : target + written;
        stream.avail_out = room;
        status = inflate(&stream, Z_NO_FLUSH);
        read += input - stream.avail_in;
        const uInt produced = room - stream.avail_out;
        if (isFull && produced > 0) {
            result = TERN_ZLIB_COUNT;
            break;
        }
        written += produced;
        if (status == Z_STREAM_END) {
            result = written != target_count ? TERN_ZLIB_COUNT : read != source_count ? TERN_ZLIB_DAMAGED : TERN_ZLIB_OK;
            break;
        }
        if (status == Z_MEM_ERROR) result = TERN_ZLIB_MEMORY;
        /* Z_BUF_ERROR: no progress is possible, the source ends too early. */
        if (status != Z_OK) break;
    }
    inflateEnd(&stream);
    return result;
}

uint32_t tern_zlib_crc32(const uint8_t *bytes, size_t count) { return (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, count); }
