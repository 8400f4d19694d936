/* Content checks of a model file. Whole chunks are tested without branches, then the chunk that fails is searched. */
#include <string.h>

#include "internal.h"

enum { CHUNK = 4096, GROUP_BYTES = TERN_PANEL * TERN_GROUP };

static uint32_t float_bits(const float *value) {
    uint32_t bits;
    memcpy(&bits, value, sizeof bits);
    return bits;
}

size_t tern_scan_f32(const float *values, size_t count) {
    for (size_t begin = 0; begin < count; begin += CHUNK) {
        const size_t end = tern_minimum(begin + CHUNK, count);
        uint32_t bad = 0;
        for (size_t i = begin; i < end; i++) bad |= (float_bits(values + i) & 0x7f800000u) == 0x7f800000u;
        if (!bad) continue;
        for (size_t i = begin; i < end; i++)
            if ((float_bits(values + i) & 0x7f800000u) == 0x7f800000u) return i;
    }
    return count;
}

size_t tern_scan_f16(const uint16_t *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if ((values[i] & 0x7c00u) == 0x7c00u) return i;
    return count;
}

size_t tern_scan_positive_f32(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const uint32_t bits = float_bits(values + i);
        if (bits == 0 || bits >= 0x7f800000u) return i;
    }
    return count;
}

/* A t5 byte encodes five digits when it is ceil(256 v / 243), v = 0 ... 242: when 243 x = 256 v + r with r < 243. */
static uint8_t is_bad_t5(uint8_t byte) { return (uint8_t)(byte * 243u) >= 243; }

/* The first byte of a code that may not occur whatever its place, or `count`. */
static size_t scan_codes(tern_weights_kind kind, const uint8_t *bytes, size_t count) {
    for (size_t begin = 0; begin < count; begin += CHUNK) {
        const size_t end = tern_minimum(begin + CHUNK, count);
        uint8_t bad = 0;
        if (kind == TERN_WEIGHTS_S8) {
            for (size_t i = begin; i < end; i++) bad |= bytes[i] == 0x80;
        } else if (kind == TERN_WEIGHTS_T2) {
            for (size_t i = begin; i < end; i++) bad |= bytes[i] & bytes[i] >> 1 & 0x55;
        } else {
            for (size_t i = begin; i < end; i++) bad |= is_bad_t5(bytes[i]);
        }
        if (!bad) continue;
        for (size_t i = begin; i < end; i++) {
            if (kind == TERN_WEIGHTS_S8 ? bytes[i] == 0x80 : kind == TERN_WEIGHTS_T2 ? (bytes[i] & bytes[i] >> 1 & 0x55) != 0 : is_bad_t5(bytes[i]))
                return i;
        }
    }
    return count;
}

/* 1 when the weight of group `index` inside a block's byte is not zero. */
static int is_nonzero(tern_weights_kind kind, uint8_t byte, size_t index) {
    if (kind == TERN_WEIGHTS_S8) return byte != 0;
    if (kind == TERN_WEIGHTS_T2) return (byte >> (2 * index) & 3) != 1;
    unsigned x = byte, digit = 0;
    for (size_t j = 0; j <= index; j++) digit = x * 3 >> 8, x = x * 3 & 255;
    return digit != 1;
}

size_t tern_scan_weights(tern_weights_kind kind, const void *packed, size_t n, size_t k) {
    const uint8_t *bytes = packed;
    const size_t count = tern_packed_bytes(kind, n, k);
    if (kind == TERN_WEIGHTS_F32) return tern_scan_f32(packed, count / sizeof(float));
    size_t first = scan_codes(kind, bytes, count);
    const size_t groups_per_block = kind == TERN_WEIGHTS_S8 ? 1 : kind == TERN_WEIGHTS_T2 ? 4 : 5;
    const size_t panel_bytes = tern_panel_bytes(kind, k), blocks = panel_bytes / GROUP_BYTES;
    const size_t panels = (n + TERN_PANEL - 1) / TERN_PANEL;
    /* Bit j of an entry: the weight of group j in that byte is not zero. */
    uint8_t nonzero[256];
    for (unsigned byte = 0; byte < 256; byte++) {
        nonzero[byte] = 0;
        for (size_t j = 0; j < groups_per_block; j++) nonzero[byte] |= (uint8_t)(is_nonzero(kind, (uint8_t)byte, j) << j);
    }
    for (size_t panel = 0; panel < panels; panel++) {
        const int is_last = panel + 1 == panels && n % TERN_PANEL != 0;
        /* Channels past n in every block of the last panel; K past the end in the last block of every panel. */
        for (size_t block = is_last ? 0 : blocks - 1; block < blocks; block++) {
            const size_t at = panel * panel_bytes + block * GROUP_BYTES;
            if (at >= first) return first;
            uint8_t past_k[TERN_GROUP] = {0};
            for (size_t i = 0; i < TERN_GROUP; i++)
                for (size_t j = 0; j < groups_per_block; j++) past_k[i] |= (uint8_t)(((block * groups_per_block + j) * TERN_GROUP + i >= k) << j);
            for (size_t p = 0; p < GROUP_BYTES && at + p < first; p++) {
                const int is_past_n = panel * TERN_PANEL + p / TERN_GROUP >= n;
                if (nonzero[bytes[at + p]] & (is_past_n ? 0xff : past_k[p % TERN_GROUP])) first = at + p;
            }
        }
    }
    return first;
}
