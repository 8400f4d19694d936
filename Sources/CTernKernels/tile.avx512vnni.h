/* The integer tile of linear layers and attention: up to 6 rows by 32 or 64 channels, 24 accumulators. Include inside the target attribute. */
#pragma once

#include <immintrin.h>
#include <string.h>

#include "internal.h"
#include "math.avx512vnni.h"

/* vpdpbusd multiplies unsigned by signed bytes; a tile names the side that is unsigned and how its sums start. */
typedef enum tern_operands {
    TERN_ROWS_BIASED,      /* rows int8, read as value + 128; panel int8; sums start at -128 * the channel's weight sum */
    TERN_ROWS_UNSIGNED,    /* rows uint8; panel int8; sums start at 0 */
    TERN_PANEL_UNSIGNED,   /* rows int8; panel codes weight + 1; sums start at -1 * the row's sum */
} tern_operands;

typedef struct tern_tile {
    const uint8_t *rows;          /* [count][stride] bytes, whole groups of four */
    size_t stride;
    size_t count;                 /* 1 ... 6 */
    const uint8_t *panel;         /* [groups][256] bytes */
    size_t groups;
    const int32_t *channel_sums;  /* [64] start values, TERN_ROWS_BIASED */
    const int32_t *row_sums;      /* [count], TERN_PANEL_UNSIGNED */
    int32_t *sums;                /* [6][64] */
} tern_tile;

/* The sums of m rows by 16 * vectors channels, in registers. Only one row and six are compiled: rows from `tile->count` on repeat the one
   before. */
TERN_INLINE void tern_sum_512(const tern_tile *tile, const int m, const int vectors, const tern_operands operands, __m512i sums[TERN_ROWS][4]) {
    const uint8_t *row[TERN_ROWS];
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
        const size_t at = tern_minimum((size_t)i, tile->count - 1);
        row[i] = tile->rows + at * tile->stride;
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++) {
            sums[i][j] = operands == TERN_ROWS_BIASED    ? _mm512_loadu_si512(tile->channel_sums + 16 * j)
                         : operands == TERN_PANEL_UNSIGNED ? _mm512_set1_epi32(-tile->row_sums[at])
                                                           : _mm512_setzero_si512();
        }
    }
    const __m512i bias = _mm512_set1_epi8((char)0x80);
    const uint8_t *panel = tile->panel;
    for (size_t g = 0; g < tile->groups; g++, panel += TERN_PANEL * TERN_GROUP) {
        __m512i weights[4];
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++) weights[j] = _mm512_loadu_si512(panel + 64 * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            int32_t four;
            memcpy(&four, row[i] + g * TERN_GROUP, sizeof four);
            __m512i values = _mm512_set1_epi32(four);
            if (operands == TERN_ROWS_BIASED) values = _mm512_xor_si512(values, bias);
#pragma clang loop unroll(full)
            for (int j = 0; j < vectors; j++) {
                sums[i][j] = operands == TERN_PANEL_UNSIGNED ? _mm512_dpbusd_epi32(sums[i][j], weights[j], values)
                                                             : _mm512_dpbusd_epi32(sums[i][j], values, weights[j]);
            }
        }
    }
}

TERN_INLINE void tern_tile_fixed_512(const tern_tile *tile, const int m, const int vectors, const tern_operands operands) {
    __m512i sums[TERN_ROWS][4];
    tern_sum_512(tile, m, vectors, operands, sums);
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++) _mm512_storeu_si512(tile->sums + i * TERN_PANEL + 16 * j, sums[i][j]);
    }
}

/* Rows past `count` and channels past `columns` hold anything. */
TERN_INLINE void tern_tile_512(const tern_tile *tile, size_t columns, const tern_operands operands) {
    if (tile->count == 1) tern_tile_fixed_512(tile, 1, 4, operands);
    else if (columns > 32) tern_tile_fixed_512(tile, TERN_ROWS, 4, operands);
    else tern_tile_fixed_512(tile, TERN_ROWS, 2, operands);
}
