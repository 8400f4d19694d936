/* Ternary layers with at most 63 levels on `avx2` and `avxvnni`, by tables of sums. Include inside the target attribute.

   Two ternary weights have four combinations that are not zero, up to sign. A step is eight consecutive activations x of a row, as four
   pairs in the order (x0, x1), (x4, x5), (x2, x3), (x6, x7); its table of 16 bytes holds a, b, a + b, a - b of each pair (a, b), plus 128.
   The weights of a step for one channel are four bytes of index into the table and four of sign, -1, 0 or 1. Looked up, multiplied by the
   signs and summed they are the step's sum plus 128 times the signs, which the channel's start value takes off. */
#pragma once

#include <immintrin.h>

#include "linear.avx2.h"

enum {
    TERN_STEP = 8,             /* activations of one table */
    TERN_TABLE_BYTES = 16,
    TERN_STEP_BYTES = 64,      /* of one step of eight channels: 32 indices, 32 signs */
    TERN_LOOKUP_LEVELS = 63,   /* most levels */
    TERN_LOOKUP_ROWS = 5,      /* rows of one tile: 10 accumulators, 4 registers of weights, a table and what is looked up */
};
_Static_assert(2 * TERN_LOOKUP_LEVELS + 128 <= UINT8_MAX && 128 - 2 * TERN_LOOKUP_LEVELS >= 0, "a sum of two activations would not fit a byte");
_Static_assert(TERN_TABLE_BYTES == TERN_STEP * sizeof(int16_t), "tables do not fit the rows of the scratch");
_Static_assert(128LL * (TERN_LIMIT_DEPTH / 2) + 63LL * TERN_LIMIT_DEPTH <= INT32_MAX, "int32 sum would wrap");

TERN_INLINE int is_looked_up(const tern_linear *op) {
    return (op->kind == TERN_WEIGHTS_T2 || op->kind == TERN_WEIGHTS_T5) && op->levels > 0 && op->levels <= TERN_LOOKUP_LEVELS;
}

TERN_INLINE size_t table_stride(size_t k) { return tern_round_up(k, 2 * TERN_STEP) * sizeof(int16_t); }

/* The tables of the rows `rows`: [row][stride]. */
static void build_tables(const tern_linear *op, tern_share rows, size_t stride, uint8_t *tables) {
    const __m256i a = _mm256_setr_epi8(0, 1, 0, 0, 4, 5, 4, 4, 2, 3, 2, 2, 6, 7, 6, 6, 8, 9, 8, 8, 12, 13, 12, 12, 10, 11, 10, 10, 14, 15, 14, 14);
    const __m256i b = _mm256_setr_epi8(0, 0, 1, 1, 0, 0, 5, 5, 0, 0, 3, 3, 0, 0, 7, 7, 0, 0, 9, 9, 0, 0, 13, 13, 0, 0, 11, 11, 0, 0, 15, 15);
    const __m256i signs = _mm256_set1_epi32((int)0xff010000), bias = _mm256_set1_epi8((char)0x80);
    for (size_t row = rows.begin; row < rows.end; row++) {
        const int8_t *codes = op->codes + row * op->codes_stride;
        for (size_t k = 0; k < op->k; k += 2 * TERN_STEP) {
            const __m256i x = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(codes + k)));
            const __m256i sums = _mm256_add_epi8(_mm256_shuffle_epi8(x, a), _mm256_sign_epi8(_mm256_shuffle_epi8(x, b), signs));
            _mm256_storeu_si256((__m256i *)(tables + row * stride + k * sizeof(int16_t)), _mm256_add_epi8(sums, bias));
        }
    }
}

/* Codes of two groups of eight channels to one step of indices and signs; the signs are added to `sum`. */
TERN_INLINE void store_step(__m256i first, __m256i second, uint8_t *to, __m256i *sum) {
    /* By 3 c + d of a pair's codes: index 0 is a, 1 is b, 2 is a + b, 3 is a - b. */
    const __m256i indices = _mm256_broadcastsi128_si256(_mm_setr_epi8(2, 0, 3, 1, 0, 1, 3, 0, 2, 0, 0, 0, 0, 0, 0, 0));
    const __m256i signs = _mm256_broadcastsi128_si256(_mm_setr_epi8(-1, -1, -1, -1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0));
    const __m256i digits = _mm256_set1_epi16(0x0103), pair = _mm256_set1_epi32(0x0c080400);
    const __m256i low = _mm256_maddubs_epi16(first, digits), high = _mm256_maddubs_epi16(second, digits);
    const __m256i both = _mm256_or_si256(low, _mm256_slli_epi16(high, 8)), sign = _mm256_shuffle_epi8(signs, both);
    _mm256_storeu_si256((__m256i *)to, _mm256_or_si256(_mm256_shuffle_epi8(indices, both), pair));
    _mm256_storeu_si256((__m256i *)(to + 32), sign);
    *sum = _mm256_add_epi32(*sum, tern_sums_256(sign));
}

/* A panel as the look-ups read it, [4 tiles][padded steps][2][64]; starts [64] are -128 times the signs of each channel. Gives the padded
   steps: whole pairs of t5 blocks, whole t2 blocks. */
static size_t unpack_lookups(const tern_linear *op, const uint8_t *packed, uint8_t *panel, int32_t *starts) {
    const int is_t2 = op->kind == TERN_WEIGHTS_T2;
    const size_t blocks = is_t2 ? (op->k + TERN_T2_BLOCK - 1) / TERN_T2_BLOCK : (op->k + TERN_T5_BLOCK - 1) / TERN_T5_BLOCK;
    const size_t steps = is_t2 ? 2 * blocks : (blocks + 1) / 2 * 5;
    const __m256i mask = _mm256_set1_epi8(3);
    for (size_t at = 0; at < GROUP_BYTES; at += 32) {
        uint8_t *to = panel + at / TILE_BYTES * steps * 2 * TERN_STEP_BYTES + at % TILE_BYTES / 32 * TERN_STEP_BYTES;
        __m256i sum = _mm256_setzero_si256();
        for (size_t block = 0; block < blocks; block += is_t2 ? 1 : 2) {
            const uint8_t *from = packed + block * GROUP_BYTES + at;
            if (is_t2) {
                const __m256i x = _mm256_loadu_si256((const __m256i *)from);
                store_step(_mm256_and_si256(x, mask), _mm256_and_si256(_mm256_srli_epi16(x, 2), mask), to, &sum);
                store_step(_mm256_and_si256(_mm256_srli_epi16(x, 4), mask), _mm256_and_si256(_mm256_srli_epi16(x, 6), mask), to + 2 * TERN_STEP_BYTES, &sum);
                to += 4 * TERN_STEP_BYTES;
            } else {
                /* 128 less 128 is five digits of the zero weight. */
                __m256i digits[10], x = load_t5(from), y = block + 1 < blocks ? load_t5(from + GROUP_BYTES) : _mm256_setzero_si256();
#pragma clang loop unroll(full)
                for (int j = 0; j < 5; j++) digits[j] = take_digit(&x), digits[5 + j] = take_digit(&y);
#pragma clang loop unroll(full)
                for (int j = 0; j < 10; j += 2, to += 2 * TERN_STEP_BYTES) store_step(digits[j], digits[j + 1], to, &sum);
            }
        }
        _mm256_storeu_si256((__m256i *)(starts + at / TERN_GROUP), _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32(sum, 7)));
    }
    return steps;
}
