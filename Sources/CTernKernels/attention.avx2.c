#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "internal.h"

_Static_assert(255LL * 127LL * TERN_LIMIT_TOKENS <= INT32_MAX, "int32 sum would wrap");
_Static_assert(127LL * 127LL * TERN_LIMIT_WIDTH <= INT32_MAX, "int32 sum would wrap");

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "tile.avx2.h"

#include "attention.avx2.h"

_Static_assert(8 <= TERN_ROWS * sizeof(int16_t), "eight rows of keys do not fit where the queries go");

enum { PAIR_WORDS = 2 * TERN_TILE_CHANNELS };

/* The scratch of one call, by what it holds. */
typedef struct buffers {
    int16_t *k_panels;      /* [padded tokens / 16][width pairs][16][2]: a token is a channel */
    int16_t *v_panels;      /* [padded width / 16][token pairs][16][2] */
    int16_t *q_words;       /* [6][padded width] */
    int8_t *codes;          /* [padded width] of one row */
    float *k_scales;        /* [padded tokens] */
    float *v_scales;        /* [padded width] */
    float *scores;          /* [6][padded tokens] */
    int16_t *probabilities; /* [6][padded tokens] */
    size_t padded_tokens, padded_width;
} buffers;

/* K: each token alone, eight at a time turned into the panel's order. */
static int prepare_keys(const tern_attention *op, const float *k, const buffers *at) {
    const size_t pairs = (op->width + 1) / 2;
    int8_t *codes = (int8_t *)at->q_words; /* [8][padded width], before there are queries */
    int not_finite = 0;
    for (size_t j = 0; j < op->tokens; j += 8) {
        const size_t count = tern_minimum(8, op->tokens - j);
        int32_t sum;
        for (size_t i = 0; i < count; i++)
            not_finite |= tern_quantise_row_256(k + (j + i) * op->kv_stride, op->width, 127.0f, codes + i * at->padded_width, at->padded_width,
                                                at->k_scales + j + i, &sum);
        int16_t *to = at->k_panels + j / TERN_TILE_CHANNELS * pairs * PAIR_WORDS + j % TERN_TILE_CHANNELS * 2;
        for (size_t p = 0; p < pairs; p += 8) {
            __m256i rows[8];
            for (size_t i = 0; i < 8; i++)
                rows[i] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(codes + i * at->padded_width + 2 * p)));
            transpose_8(rows);
            for (size_t i = 0; i < tern_minimum(8, pairs - p); i++) _mm256_storeu_si256((__m256i *)(to + (p + i) * PAIR_WORDS), rows[i]);
        }
    }
    return not_finite;
}

/* V: eight channels at a time, each over all tokens; two tokens of a channel side by side. */
static int prepare_values(const tern_attention *op, const float *v, const buffers *at) {
    const size_t pairs = (op->tokens + 1) / 2;
    for (size_t d = 0; d < op->width; d += 8) {
        const __m256i mask = tern_lanes_256(op->width - d);
        __m256 r;
        if (value_factors(op, v + d, mask, &r, at->v_scales + d)) return 1;
        int16_t *to = at->v_panels + d / TERN_TILE_CHANNELS * pairs * PAIR_WORDS + d % TERN_TILE_CHANNELS * 2;
        for (size_t p = 0; p < pairs; p++, to += PAIR_WORDS) {
            const float *first = v + 2 * p * op->kv_stride + d;
            const __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_maskload_ps(first, mask), r));
            __m256i high = _mm256_setzero_si256();
            if (2 * p + 1 < op->tokens) high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_maskload_ps(first + op->kv_stride, mask), r));
            _mm256_storeu_si256((__m256i *)to, _mm256_blend_epi16(low, _mm256_slli_epi32(high, 16), 0xaa));
        }
    }
    return 0;
}

/* q of m rows as int16, with their scales. */
static int prepare_queries(const tern_attention *op, const float *q, size_t m, const buffers *at, float *scales) {
    for (size_t i = 0; i < m; i++) {
        int32_t sum;
        if (tern_quantise_row_256(q + i * op->q_stride, op->width, 127.0f, at->codes, at->padded_width, scales + i, &sum)) return 1;
        for (size_t d = 0; d < at->padded_width; d += 16)
            _mm256_storeu_si256((__m256i *)(at->q_words + i * at->padded_width + d),
                                _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(at->codes + d))));
    }
    return 0;
}

/* t[i][j] of N-06 for m rows; the int32 sums are converted in place. */
static void score_rows(const tern_attention *op, size_t m, const buffers *at) {
    const size_t pairs = (op->width + 1) / 2;
    for (size_t j = 0; j < op->tokens; j += TERN_TILE_CHANNELS) {
        int32_t sums[TERN_ROWS * TERN_TILE_CHANNELS];
        tern_words_256(at->q_words, at->padded_width, at->k_panels + j * pairs * 2, pairs, m, sums, TERN_TILE_CHANNELS);
        store_scores(sums, m, at->k_scales + j, at->scores + j, at->padded_tokens);
    }
}

/* u[i][j] of one row as int16, zero past the tokens to a multiple of 8; gives 1 / f32(Z). */
static float weigh_row(const tern_attention *op, float factor, const float *scores, int16_t *probabilities) {
    const __m256 largest = largest_score(scores, op->tokens), times = _mm256_set1_ps(factor);
    const size_t whole = op->tokens / 16 * 16;
    __m256i totals[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t j = 0; j < whole; j += 16) {
        const __m256i low = weigh(scores + j, largest, times), high = weigh(scores + j + 8, largest, times);
        totals[0] = _mm256_add_epi32(totals[0], low);
        totals[1] = _mm256_add_epi32(totals[1], high);
        _mm256_storeu_si256((__m256i *)(probabilities + j), _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8));
    }
    for (size_t j = whole; j < op->tokens; j += 8) {
        const __m256i u = _mm256_and_si256(weigh(scores + j, largest, times), tern_lanes_256(op->tokens - j));
        totals[0] = _mm256_add_epi32(totals[0], u);
        _mm_storeu_si128((__m128i *)(probabilities + j), _mm_packs_epi32(_mm256_castsi256_si128(u), _mm256_extracti128_si256(u, 1)));
    }
    return 1.0f / (float)tern_reduce_add_256(_mm256_add_epi32(totals[0], totals[1]));
}

/* o[i][d] of N-06 for m rows. */
static void mix_rows(const tern_attention *op, size_t m, const float *inverses, const buffers *at, float *output) {
    const size_t pairs = (op->tokens + 1) / 2;
    for (size_t d = 0; d < op->width; d += TERN_TILE_CHANNELS) {
        int32_t sums[TERN_ROWS * TERN_TILE_CHANNELS];
        tern_words_256(at->probabilities, at->padded_tokens, at->v_panels + d * pairs * 2, pairs, m, sums, TERN_TILE_CHANNELS);
        store_mixed(op, sums, m, op->width - d, at->v_scales + d, inverses, output + d);
    }
}

int tern_attention__avx2(const tern_attention *op, size_t part, size_t parts, void *scratch) {
    const tern_attention_layout layout = tern_attention_layout_of(op->tokens, op->width);
    uint8_t *base = scratch;
    int16_t *q_words = (int16_t *)(base + layout.q_codes);
    const buffers at = {
        .k_panels = (int16_t *)(base + layout.k_panels), .v_panels = (int16_t *)(base + layout.v_panels), .q_words = q_words,
        .codes = (int8_t *)(q_words + TERN_ROWS * layout.padded_width), .k_scales = (float *)(base + layout.k_scales),
        .v_scales = (float *)(base + layout.v_scales), .scores = (float *)(base + layout.scores),
        .probabilities = (int16_t *)(base + layout.probabilities),
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
        if (prepare_queries(op, op->q + row * op->q_stride + head * op->width, m, &at, scales)) return 1;
        score_rows(op, m, &at);
        for (size_t i = 0; i < m; i++)
            inverses[i] = weigh_row(op, scales[i] * op->factor, at.scores + i * at.padded_tokens, at.probabilities + i * at.padded_tokens);
        for (size_t i = 0; i < m && op->kept_weights; i++) {
            uint8_t *to = tern_kept_weights(op, head, row + i);
            for (size_t j = 0; j < op->tokens; j++) to[j] = (uint8_t)at.probabilities[i * at.padded_tokens + j];
            op->kept_inverses[head * op->queries + row + i] = inverses[i];
        }
        mix_rows(op, m, inverses, &at, op->output + row * op->output_stride + head * op->width);
    }
    return 0;
}
#pragma clang attribute pop
#endif
