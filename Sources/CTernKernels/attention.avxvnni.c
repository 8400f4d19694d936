#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "internal.h"

_Static_assert(255LL * 127LL * TERN_LIMIT_TOKENS <= INT32_MAX, "int32 sum would wrap");
_Static_assert(127LL * 127LL * TERN_LIMIT_WIDTH <= INT32_MAX, "int32 sum would wrap");

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#include "tile.avxvnni.h"

#include "attention.avx2.h"

enum { TILE_BYTES = TERN_TILE_CHANNELS * TERN_GROUP };

/* The scratch of one call, by what it holds. */
typedef struct buffers {
    uint8_t *k_panels;      /* [padded tokens / 16][width groups][16][4], code + 128: a token is a channel */
    uint8_t *v_panels;      /* [padded width / 16][token groups][16][4] */
    int8_t *codes;          /* [8][padded width]: keys, then 6 rows of queries */
    float *k_scales;        /* [padded tokens] */
    float *v_scales;        /* [padded width] */
    float *scores;          /* [6][padded tokens] */
    uint8_t *probabilities; /* [6][padded tokens] */
    size_t padded_tokens, padded_width;
} buffers;

/* K: each token alone, eight at a time turned into the panel's order. */
static int prepare_keys(const tern_attention *op, const float *k, const buffers *at) {
    const size_t groups = tern_groups(op->width);
    const __m256i bias = _mm256_set1_epi8((char)0x80);
    int not_finite = 0;
    for (size_t j = 0; j < op->tokens; j += 8) {
        const size_t count = tern_minimum(8, op->tokens - j);
        int32_t sum;
        for (size_t i = 0; i < count; i++)
            not_finite |= tern_quantise_row_256(k + (j + i) * op->kv_stride, op->width, 127.0f, at->codes + i * at->padded_width, at->padded_width,
                                                at->k_scales + j + i, &sum);
        uint8_t *to = at->k_panels + j / TERN_TILE_CHANNELS * groups * TILE_BYTES + j % TERN_TILE_CHANNELS * TERN_GROUP;
        for (size_t g = 0; g < groups; g += 8) {
            __m256i rows[8];
            for (size_t i = 0; i < 8; i++) {
                const __m256i codes = _mm256_loadu_si256((const __m256i *)(at->codes + i * at->padded_width + g * TERN_GROUP));
                rows[i] = _mm256_xor_si256(codes, bias);
            }
            transpose_8(rows);
            for (size_t i = 0; i < tern_minimum(8, groups - g); i++) _mm256_storeu_si256((__m256i *)(to + (g + i) * TILE_BYTES), rows[i]);
        }
    }
    return not_finite;
}

/* V: eight channels at a time, each over all tokens; four tokens of a channel side by side. */
static int prepare_values(const tern_attention *op, const float *v, const buffers *at) {
    const size_t groups = tern_groups(op->tokens);
    const __m256i byte = _mm256_set1_epi32(0xff);
    for (size_t d = 0; d < op->width; d += 8) {
        const __m256i mask = tern_lanes_256(op->width - d);
        __m256 factors;
        if (value_factors(op, v + d, mask, &factors, at->v_scales + d)) return 1;
        uint8_t *to = at->v_panels + d / TERN_TILE_CHANNELS * groups * TILE_BYTES + d % TERN_TILE_CHANNELS * TERN_GROUP;
        for (size_t j = 0; j < op->tokens; j += TERN_GROUP, to += TILE_BYTES) {
            __m256i packed = _mm256_setzero_si256();
            for (size_t i = 0; i < tern_minimum(TERN_GROUP, op->tokens - j); i++) {
                const __m256 values = _mm256_mul_ps(_mm256_maskload_ps(v + (j + i) * op->kv_stride + d, mask), factors);
                const __m256i codes = _mm256_and_si256(_mm256_cvtps_epi32(values), byte);
                packed = _mm256_or_si256(packed, _mm256_slli_epi32(codes, (int)(8 * i)));
            }
            _mm256_storeu_si256((__m256i *)to, packed);
        }
    }
    return 0;
}

/* t[i][j] of N-06 for m rows whose codes have `q_sums`. The panel holds code + 128, so each sum starts 128 times the row's sum lower. */
static void score_rows(const tern_attention *op, size_t m, const int32_t *q_sums, const buffers *at) {
    const size_t groups = tern_groups(op->width);
    for (size_t j = 0; j < op->tokens; j += TERN_TILE_CHANNELS) {
        int32_t sums[TERN_ROWS * TERN_TILE_CHANNELS];
        for (size_t i = 0; i < m * TERN_TILE_CHANNELS; i++) sums[i] = -128 * q_sums[i / TERN_TILE_CHANNELS];
        tern_bytes_vnni((const uint8_t *)at->codes, at->padded_width, at->k_panels + j * groups * TERN_GROUP, groups, m, TERN_PANEL_UNSIGNED, sums);
        store_scores(sums, m, at->k_scales + j, at->scores + j, at->padded_tokens);
    }
}

/* u[i][j] of one row as bytes, zero past the tokens to a multiple of 8; gives 1 / f32(Z). */
static float weigh_row(const tern_attention *op, float factor, const float *scores, uint8_t *probabilities) {
    const __m256 largest = largest_score(scores, op->tokens), times = _mm256_set1_ps(factor);
    const size_t whole = op->tokens / 16 * 16;
    __m256i totals[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t j = 0; j < whole; j += 16) {
        const __m256i low = weigh(scores + j, largest, times), high = weigh(scores + j + 8, largest, times);
        totals[0] = _mm256_add_epi32(totals[0], low);
        totals[1] = _mm256_add_epi32(totals[1], high);
        const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
        _mm_storeu_si128((__m128i *)(probabilities + j), _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
    }
    for (size_t j = whole; j < op->tokens; j += 8) {
        const __m256i u = _mm256_and_si256(weigh(scores + j, largest, times), tern_lanes_256(op->tokens - j));
        totals[0] = _mm256_add_epi32(totals[0], u);
        const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(u), _mm256_extracti128_si256(u, 1));
        _mm_storel_epi64((__m128i *)(probabilities + j), _mm_packus_epi16(words, words));
    }
    return 1.0f / (float)tern_reduce_add_256(_mm256_add_epi32(totals[0], totals[1]));
}

/* o[i][d] of N-06 for m rows. */
static void mix_rows(const tern_attention *op, size_t m, const float *inverses, const buffers *at, float *output) {
    const size_t groups = tern_groups(op->tokens);
    for (size_t d = 0; d < op->width; d += TERN_TILE_CHANNELS) {
        int32_t sums[TERN_ROWS * TERN_TILE_CHANNELS] = {0};
        tern_bytes_vnni(at->probabilities, at->padded_tokens, at->v_panels + d * groups * TERN_GROUP, groups, m, TERN_ROWS_UNSIGNED, sums);
        store_mixed(op, sums, m, op->width - d, at->v_scales + d, inverses, output + d);
    }
}

int tern_attention__avxvnni(const tern_attention *op, size_t part, size_t parts, void *scratch) {
    const tern_attention_layout layout = tern_attention_layout_of(op->tokens, op->width);
    uint8_t *base = scratch;
    const buffers at = {
        .k_panels = base + layout.k_panels, .v_panels = base + layout.v_panels, .codes = (int8_t *)(base + layout.q_codes),
        .k_scales = (float *)(base + layout.k_scales), .v_scales = (float *)(base + layout.v_scales), .scores = (float *)(base + layout.scores),
        .probabilities = base + layout.probabilities, .padded_tokens = layout.padded_tokens, .padded_width = layout.padded_width,
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
        int32_t sums[TERN_ROWS];
        for (size_t i = 0; i < m; i++) {
            if (tern_quantise_row_256(op->q + (row + i) * op->q_stride + head * op->width, op->width, 127.0f, at.codes + i * at.padded_width,
                                      at.padded_width, scales + i, sums + i))
                return 1;
        }
        score_rows(op, m, sums, &at);
        for (size_t i = 0; i < m; i++)
            inverses[i] = weigh_row(op, scales[i] * op->factor, at.scores + i * at.padded_tokens, at.probabilities + i * at.padded_tokens);
        tern_keep_rows(op, head, row, m, at.probabilities, at.padded_tokens, inverses);
        mix_rows(op, m, inverses, &at, op->output + row * op->output_stride + head * op->width);
    }
    return 0;
}
#pragma clang attribute pop
#endif
