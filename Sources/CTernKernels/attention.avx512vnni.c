#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "internal.h"

_Static_assert(255LL * 127LL * TERN_LIMIT_TOKENS <= INT32_MAX, "int32 sum would wrap");
_Static_assert(127LL * 127LL * TERN_LIMIT_WIDTH <= INT32_MAX, "int32 sum would wrap");

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#include "tile.avx512vnni.h"

enum { GROUP_BYTES = TERN_PANEL * TERN_GROUP };

/* The scratch of one call, by what it holds. */
typedef struct buffers {
    uint8_t *k_panels;     /* [padded tokens / 64][width groups][256]: a token is a channel */
    uint8_t *v_panels;     /* [padded width / 64][token groups][256] */
    int8_t *q_codes;       /* [16][padded width] */
    float *k_scales;       /* [padded tokens] */
    int32_t *k_sums;       /* [padded tokens], -128 * the sum of a token's codes */
    float *v_scales;       /* [padded width] */
    float *scores;         /* [6][padded tokens] */
    uint8_t *probabilities;/* [6][padded tokens] */
    size_t padded_tokens, padded_width;
} buffers;

/* Row i of 16 int32 becomes lane i of every row. */
TERN_INLINE void transpose(__m512i rows[16]) {
    __m512i t[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 4) {
        rows[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        rows[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        rows[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        rows[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    /* rows[4 r + c] holds, in quarter q, column 4 q + c of rows 4 r ... 4 r + 3. */
#pragma clang loop unroll(full)
    for (int c = 0; c < 4; c++) {
        const __m512i low = _mm512_shuffle_i32x4(rows[c], rows[4 + c], 0x88), high = _mm512_shuffle_i32x4(rows[c], rows[4 + c], 0xdd);
        const __m512i low2 = _mm512_shuffle_i32x4(rows[8 + c], rows[12 + c], 0x88), high2 = _mm512_shuffle_i32x4(rows[8 + c], rows[12 + c], 0xdd);
        t[c] = _mm512_shuffle_i32x4(low, low2, 0x88);
        t[8 + c] = _mm512_shuffle_i32x4(low, low2, 0xdd);
        t[4 + c] = _mm512_shuffle_i32x4(high, high2, 0x88);
        t[12 + c] = _mm512_shuffle_i32x4(high, high2, 0xdd);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) rows[i] = t[i];
}

/* K: 16 tokens at a time, each quantised alone, their groups of four turned into the panel's order. */
static int prepare_keys(const tern_attention *op, const float *k, const buffers *at) {
    const size_t groups = tern_groups(op->width), panel_bytes = groups * GROUP_BYTES;
    int not_finite = 0;
    for (size_t j = 0; j < op->tokens; j += 16) {
        for (size_t i = 0; i < 16; i++) {
            int8_t *codes = at->q_codes + i * at->padded_width;
            int32_t sum = 0;
            if (j + i < op->tokens)
                not_finite |= tern_quantise_row_512(k + (j + i) * op->kv_stride, op->width, 127.0f, codes, at->padded_width,
                                                    at->k_scales + j + i, &sum);
            else
                memset(codes, 0, at->padded_width);
            at->k_sums[j + i] = -128 * sum;
        }
        uint8_t *to = at->k_panels + j / TERN_PANEL * panel_bytes + j % TERN_PANEL * TERN_GROUP;
        for (size_t g = 0; g < groups; g += 16) {
            __m512i rows[16];
            for (size_t i = 0; i < 16; i++) rows[i] = _mm512_loadu_si512(at->q_codes + i * at->padded_width + g * TERN_GROUP);
            transpose(rows);
            for (size_t i = 0; i < tern_minimum(16, groups - g); i++) _mm512_storeu_si512(to + (g + i) * GROUP_BYTES, rows[i]);
        }
    }
    return not_finite;
}

/* V: 16 channels at a time, each over all tokens; four tokens of a channel side by side. */
static int prepare_values(const tern_attention *op, const float *v, const buffers *at) {
    const size_t groups = tern_groups(op->tokens);
    const __m512i byte = _mm512_set1_epi32(0xff);
    for (size_t d = 0; d < op->width; d += 16) {
        const __mmask16 mask = tern_lanes_512(op->width - d);
        __m512i largest = _mm512_setzero_si512();
        for (size_t j = 0; j < op->tokens; j++)
            largest = _mm512_max_epu32(largest, tern_magnitude_512(_mm512_maskz_loadu_ps(mask, v + j * op->kv_stride + d)));
        if (_mm512_cmpge_epu32_mask(largest, _mm512_set1_epi32(TERN_INFINITY_BITS))) return 1;
        const __m512 absmax = _mm512_castsi512_ps(largest), levels = _mm512_set1_ps(127.0f);
        const __mmask16 has_codes = _mm512_cmp_ps_mask(absmax, _mm512_set1_ps(TERN_QUANTISE_FLOOR), _CMP_GE_OQ);
        const __m512 r = _mm512_maskz_div_ps(has_codes, levels, absmax);
        _mm512_storeu_ps(at->v_scales + d, _mm512_maskz_div_ps(has_codes, absmax, levels));
        uint8_t *to = at->v_panels + d / TERN_PANEL * groups * GROUP_BYTES + d % TERN_PANEL * TERN_GROUP;
        for (size_t g = 0; g < groups; g++, to += GROUP_BYTES) {
            __m512i packed = _mm512_setzero_si512();
            for (size_t i = 0; i < tern_minimum(TERN_GROUP, op->tokens - g * TERN_GROUP); i++) {
                const __m512 values = _mm512_maskz_loadu_ps(mask, v + (g * TERN_GROUP + i) * op->kv_stride + d);
                const __m512i codes = _mm512_and_si512(_mm512_cvtps_epi32(_mm512_mul_ps(values, r)), byte);
                packed = _mm512_or_si512(packed, _mm512_sllv_epi32(codes, _mm512_set1_epi32((int)(8 * i))));
            }
            _mm512_storeu_si512(to, packed);
        }
    }
    return 0;
}

/* t[i][j] of N-06 for m rows. */
static void score_rows(const tern_attention *op, size_t m, const buffers *at) {
    _Alignas(64) int32_t sums[TERN_ROWS * TERN_PANEL];
    const size_t groups = tern_groups(op->width);
    tern_tile tile = {.rows = (const uint8_t *)at->q_codes, .stride = at->padded_width, .groups = groups, .sums = sums};
    for (size_t j = 0; j < op->tokens; j += TERN_PANEL) {
        tile.panel = at->k_panels + j / TERN_PANEL * groups * GROUP_BYTES;
        tile.channel_sums = at->k_sums + j;
        tern_tile_512(&tile, m, tern_minimum(TERN_PANEL, op->tokens - j), TERN_ROWS_BIASED);
        for (size_t i = 0; i < m; i++) {
            for (size_t lane = 0; lane < TERN_PANEL; lane += 16) {
                const __m512 sum = _mm512_cvtepi32_ps(_mm512_loadu_si512(sums + i * TERN_PANEL + lane));
                _mm512_storeu_ps(at->scores + i * at->padded_tokens + j + lane, _mm512_mul_ps(sum, _mm512_loadu_ps(at->k_scales + j + lane)));
            }
        }
    }
}

/* u of 16 scores. */
TERN_INLINE __m512i weigh(const float *scores, __m512 largest, __m512 factor) {
    const __m512 x = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(scores), largest), factor);
    return _mm512_cvtps_epi32(tern_weight_512(x));
}

/* u[i][j] of one row to bytes, zero past the tokens to a multiple of 16; gives 1 / f32(Z). */
static float weigh_row(const tern_attention *op, float factor, const float *scores, uint8_t *probabilities) {
    const size_t whole = op->tokens / 16 * 16;
    const __mmask16 rest = tern_lanes_512(op->tokens - whole);
    __m512 highest = _mm512_mask_loadu_ps(_mm512_set1_ps(-__builtin_inff()), rest, scores + whole);
    for (size_t j = 0; j < whole; j += 16) highest = _mm512_max_ps(_mm512_loadu_ps(scores + j), highest);
    const __m512 largest = _mm512_set1_ps(_mm512_reduce_max_ps(highest)), times = _mm512_set1_ps(factor);
    __m512i total = _mm512_setzero_si512();
    size_t j = 0;
    for (; j < whole; j += 16) {
        const __m512i u = weigh(scores + j, largest, times);
        total = _mm512_add_epi32(total, u);
        _mm_storeu_si128((__m128i *)(probabilities + j), _mm512_cvtepi32_epi8(u));
    }
    if (rest) {
        const __m512i u = _mm512_maskz_mov_epi32(rest, weigh(scores + j, largest, times));
        total = _mm512_add_epi32(total, u);
        _mm_storeu_si128((__m128i *)(probabilities + j), _mm512_cvtepi32_epi8(u));
    }
    return 1.0f / (float)_mm512_reduce_add_epi32(total);
}

/* o[i][d] of N-06 for m rows. */
static void mix_rows(const tern_attention *op, size_t m, const float *inverses, const buffers *at, float *output) {
    _Alignas(64) int32_t sums[TERN_ROWS * TERN_PANEL];
    const size_t groups = tern_groups(op->tokens);
    tern_tile tile = {.rows = at->probabilities, .stride = at->padded_tokens, .groups = groups, .sums = sums};
    for (size_t d = 0; d < op->width; d += TERN_PANEL) {
        const size_t columns = tern_minimum(TERN_PANEL, op->width - d);
        tile.panel = at->v_panels + d / TERN_PANEL * groups * GROUP_BYTES;
        tern_tile_512(&tile, m, columns, TERN_ROWS_UNSIGNED);
        for (size_t i = 0; i < m; i++) {
            for (size_t lane = 0; lane < columns; lane += 16) {
                const __m512 sum = _mm512_cvtepi32_ps(_mm512_loadu_si512(sums + i * TERN_PANEL + lane));
                const __m512 scaled = _mm512_mul_ps(sum, _mm512_loadu_ps(at->v_scales + d + lane));
                _mm512_mask_storeu_ps(output + i * op->output_stride + d + lane, tern_lanes_512(columns - lane),
                                      _mm512_mul_ps(scaled, _mm512_set1_ps(inverses[i])));
            }
        }
    }
}

int tern_attention__avx512vnni(const tern_attention *op, size_t part, size_t parts, void *scratch) {
    const tern_attention_layout layout = tern_attention_layout_of(op->tokens, op->width);
    uint8_t *base = scratch;
    const buffers at = {
        .k_panels = base + layout.k_panels, .v_panels = base + layout.v_panels, .q_codes = (int8_t *)(base + layout.q_codes),
        .k_scales = (float *)(base + layout.k_scales), .k_sums = (int32_t *)(base + layout.k_sums),
        .v_scales = (float *)(base + layout.v_scales), .scores = (float *)(base + layout.scores), .probabilities = base + layout.probabilities,
        .padded_tokens = layout.padded_tokens, .padded_width = layout.padded_width,
    };
    const size_t blocks = (op->queries + TERN_ROWS - 1) / TERN_ROWS;
    const tern_share units = tern_share_of(op->heads * blocks, part, parts);
    size_t prepared = SIZE_MAX;
    for (size_t unit = units.begin; unit < units.end; unit++) {
        const size_t head = unit / blocks, row = unit % blocks * TERN_ROWS, m = tern_minimum(TERN_ROWS, op->queries - row);
        const size_t kv_head = head * op->kv_heads / op->heads;
        if (prepared != kv_head) {
            if (prepare_keys(op, op->k + kv_head * op->width, &at) || prepare_values(op, op->v + kv_head * op->width, &at)) return 1;
            prepared = kv_head;
        }
        float scales[TERN_ROWS], inverses[TERN_ROWS];
        int32_t sum;
        for (size_t i = 0; i < m; i++) {
            if (tern_quantise_row_512(op->q + (row + i) * op->q_stride + head * op->width, op->width, 127.0f, at.q_codes + i * at.padded_width,
                                      at.padded_width, scales + i, &sum))
                return 1;
        }
        score_rows(op, m, &at);
        for (size_t i = 0; i < m; i++)
            inverses[i] = weigh_row(op, scales[i] * op->factor, at.scores + i * at.padded_tokens, at.probabilities + i * at.padded_tokens);
        mix_rows(op, m, inverses, &at, op->output + row * op->output_stride + head * op->width);
    }
    return 0;
}
#pragma clang attribute pop
#endif
