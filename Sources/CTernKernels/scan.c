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

size_t tern_scan_positive_f32(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const uint32_t bits = float_bits(values + i);
        if (bits == 0 || bits >= 0x7f800000u) return i;
    }
    return count;
}

/* 1 where a t5 byte encodes five digits: ceil(256 v / 243), v = 0 ... 242. */
static void valid_t5(uint8_t valid[256]) {
    memset(valid, 0, 256);
    for (unsigned v = 0; v < 243; v++) valid[(256 * v + 242) / 243] = 1;
}

/* The first byte of a code that may not occur whatever its place, or `count`. */
static size_t scan_codes(tern_weights_kind kind, const uint8_t *bytes, size_t count) {
    uint8_t valid[256];
    valid_t5(valid);
    for (size_t begin = 0; begin < count; begin += CHUNK) {
        const size_t end = tern_minimum(begin + CHUNK, count);
        uint8_t bad = 0;
        if (kind == TERN_WEIGHTS_S8) {
            for (size_t i = begin; i < end; i++) bad |= bytes[i] == 0x80;
        } else if (kind == TERN_WEIGHTS_T2) {
            for (size_t i = begin; i < end; i++) bad |= bytes[i] & bytes[i] >> 1 & 0x55;
        } else {
            for (size_t i = begin; i < end; i++) bad |= !valid[bytes[i]];
        }
        if (!bad) continue;
        for (size_t i = begin; i < end; i++) {
            if (kind == TERN_WEIGHTS_S8 ? bytes[i] == 0x80 : kind == TERN_WEIGHTS_T2 ? (bytes[i] & bytes[i] >> 1 & 0x55) != 0 : !valid[bytes[i]])
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
    for (size_t panel = 0; panel < panels; panel++) {
        const int is_last = panel + 1 == panels && n % TERN_PANEL != 0;
        /* Channels past n in every block of the last panel; K past the end in the last block of every panel. */
        for (size_t block = is_last ? 0 : blocks - 1; block < blocks; block++) {
            const size_t at = panel * panel_bytes + block * GROUP_BYTES;
            if (at >= first) return first;
            for (size_t p = 0; p < GROUP_BYTES && at + p < first; p++) {
                const int is_past_n = panel * TERN_PANEL + p / TERN_GROUP >= n;
                for (size_t j = 0; j < groups_per_block; j++) {
                    const size_t kk = (block * groups_per_block + j) * TERN_GROUP + p % TERN_GROUP;
                    if ((is_past_n || kk >= k) && is_nonzero(kind, bytes[at + p], j)) first = at + p;
                }
            }
        }
    }
    return first;
}
