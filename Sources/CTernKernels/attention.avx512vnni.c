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
    uint8_t *k_panels;      /* [padded tokens / 64][width groups][256]: a token is a channel */
    int8_t *q_codes;        /* [padded tokens][padded width]; the second half of what other sets use for K */
    uint8_t *v_panels;      /* [padded width / 64][token groups][256] */
    float *q_scales;        /* [padded tokens]; the second half of what other sets use for V */
    int8_t *codes;          /* [16][padded width] */
    float *k_scales;        /* [padded tokens] */
    int32_t *k_sums;        /* [padded tokens], -128 * the sum of a token's codes */
    float *v_scales;        /* [padded width] */
    float *scores;          /* [6][padded tokens] */
    uint8_t *probabilities; /* [6][padded tokens] */
    size_t padded_tokens, padded_width;
} buffers;

static buffers buffers_of(const tern_attention *op, uint8_t *scratch) {
    const tern_attention_layout layout = tern_attention_layout_of(op->tokens, op->width);
    const size_t panel_bytes = layout.padded_tokens * layout.padded_width;
    return (buffers){
        .k_panels = scratch + layout.k_panels,
        .q_codes = (int8_t *)scratch + layout.k_panels + panel_bytes,
        .v_panels = scratch + layout.v_panels,
        .q_scales = (float *)(scratch + layout.v_panels + panel_bytes),
        .codes = (int8_t *)scratch + layout.q_codes,
        .k_scales = (float *)(scratch + layout.k_scales),
        .k_sums = (int32_t *)(scratch + layout.k_sums),
        .v_scales = (float *)(scratch + layout.v_scales),
        .scores = (float *)(scratch + layout.scores),
        .probabilities = scratch + layout.probabilities,
        .padded_tokens = layout.padded_tokens,
        .padded_width = layout.padded_width,
    };
}

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

/* Lane i takes what `join` makes of all lanes of row i: the tree is halved while it is turned. */
#define TERN_FOLD(rows, join)                                                                                                        \
    do {                                                                                                                             \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 16; i += 2)                                                           \
            rows[i / 2] = join(_mm512_unpacklo_epi32(rows[i], rows[i + 1]), _mm512_unpackhi_epi32(rows[i], rows[i + 1]));            \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i += 2)                                                            \
            rows[i / 2] = join(_mm512_unpacklo_epi64(rows[i], rows[i + 1]), _mm512_unpackhi_epi64(rows[i], rows[i + 1]));            \
        _Pragma("clang loop unroll(full)") for (int count = 4; count > 1; count /= 2)                                                \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < count; i += 2)                                                    \
                rows[i / 2] = join(_mm512_shuffle_i32x4(rows[i], rows[i + 1], 0x88), _mm512_shuffle_i32x4(rows[i], rows[i + 1], 0xdd)); \
    } while (0)

static __m512i fold_max(__m512i rows[16]) {
    TERN_FOLD(rows, _mm512_max_epu32);
    return rows[0];
}

TERN_INLINE __m512i larger(__m512i a, __m512i b) {
    return _mm512_castps_si512(_mm512_max_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b)));
}

static __m512i fold_max_float(__m512i rows[16]) {
    TERN_FOLD(rows, larger);
    return rows[0];
}

static __m512i fold_add(__m512i rows[16]) {
    TERN_FOLD(rows, _mm512_add_epi32);
    return rows[0];
}

/* 64 values of a row from column d on, zero past `width`. */
TERN_INLINE void load_values(const float *x, size_t d, size_t width, __m512 values[4]) {
    if (d + 64 <= width) {
#pragma clang loop unroll(full)
        for (size_t j = 0; j < 4; j++) values[j] = _mm512_loadu_ps(x + d + 16 * j);
        return;
    }
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 4; j++) {
        const size_t at = d + 16 * j;
        values[j] = at < width ? _mm512_maskz_loadu_ps(tern_lanes_512(width - at), x + at) : _mm512_setzero_ps();
    }
}

/* `count` tokens, 16 at most, each quantised alone, N-02 with 127 levels: codes [count][padded width], scales and sums of codes [16]. */
static int quantise_tokens(const float *x, size_t stride, size_t count, size_t width, size_t padded_width, int8_t *codes, float *scales,
                           __m512i *sums) {
    __m512i rows[16];
    for (size_t i = 0; i < 16; i++) {
        rows[i] = _mm512_setzero_si512();
        for (size_t d = 0; i < count && d < width; d += 64) {
            __m512 values[4];
            load_values(x + i * stride, d, width, values);
            for (int j = 0; j < 4; j++) rows[i] = _mm512_max_epu32(rows[i], tern_magnitude_512(values[j]));
        }
    }
    const __m512i largest = fold_max(rows);
    if (_mm512_cmpge_epu32_mask(largest, _mm512_set1_epi32(TERN_INFINITY_BITS))) return 1;
    const __m512 absmax = _mm512_castsi512_ps(largest), levels = _mm512_set1_ps(127.0f);
    const __mmask16 has_codes = _mm512_cmp_ps_mask(absmax, _mm512_set1_ps(TERN_QUANTISE_FLOOR), _CMP_GE_OQ);
    _Alignas(64) float factors[16];
    _mm512_store_ps(factors, _mm512_maskz_div_ps(has_codes, levels, absmax));
    _mm512_storeu_ps(scales, _mm512_maskz_div_ps(has_codes, absmax, levels));
    const __m512i ones = _mm512_set1_epi8(1);
    for (size_t i = 0; i < 16; i++) rows[i] = _mm512_setzero_si512();
    for (size_t i = 0; i < count; i++, codes += padded_width) {
        const __m512 factor = _mm512_set1_ps(factors[i]);
        for (size_t d = 0; d < padded_width; d += 64) {
            __m512 values[4];
            load_values(x + i * stride, d, width, values);
            const __m512i q = tern_codes_512(values[0], values[1], values[2], values[3], factor);
            rows[i] = _mm512_dpbusd_epi32(rows[i], ones, q);
            _mm512_storeu_si512(codes + d, q);
        }
    }
    *sums = fold_add(rows);
    return 0;
}

/* K: 16 tokens at a time, their groups of four turned into the panel's order. */
static int prepare_keys(const tern_attention *op, const float *k, const buffers *at) {
    const size_t groups = tern_groups(op->width), panel_bytes = groups * GROUP_BYTES;
    for (size_t j = 0; j < op->tokens; j += 16) {
        __m512i sums;
        const size_t count = tern_minimum(16, op->tokens - j);
        if (quantise_tokens(k + j * op->kv_stride, op->kv_stride, count, op->width, at->padded_width, at->codes, at->k_scales + j, &sums)) return 1;
        memset(at->codes + count * at->padded_width, 0, (16 - count) * at->padded_width);
        _mm512_storeu_si512(at->k_sums + j, _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(sums, 7)));
        uint8_t *to = at->k_panels + j / TERN_PANEL * panel_bytes + j % TERN_PANEL * TERN_GROUP;
        for (size_t g = 0; g < groups; g += 16) {
            __m512i rows[16];
            for (size_t i = 0; i < 16; i++) rows[i] = _mm512_loadu_si512(at->codes + i * at->padded_width + g * TERN_GROUP);
            transpose(rows);
            for (size_t i = 0; i < tern_minimum(16, groups - g); i++) _mm512_storeu_si512(to + (g + i) * GROUP_BYTES, rows[i]);
        }
    }
    return 0;
}

/* Q of the rows begin ..< end. */
static int prepare_queries(const tern_attention *op, const float *q, size_t begin, size_t end, const buffers *at) {
    int not_finite = 0;
    for (size_t i = begin; i < end; i += 16) {
        __m512i sums;
        not_finite |= quantise_tokens(q + i * op->q_stride, op->q_stride, tern_minimum(16, end - i), op->width, at->padded_width,
                                      at->q_codes + i * at->padded_width, at->q_scales + i, &sums);
    }
    return not_finite;
}

/* 64 channels of V over all tokens; four tokens of a channel side by side. */
static int prepare_value_panel(const tern_attention *op, const float *v, size_t d, const buffers *at) {
    const size_t groups = tern_groups(op->tokens);
    __m512i largest[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    for (size_t j = 0; j < op->tokens; j++) {
        __m512 values[4];
        load_values(v + j * op->kv_stride, d, op->width, values);
        for (int lane = 0; lane < 4; lane++) largest[lane] = _mm512_max_epu32(largest[lane], tern_magnitude_512(values[lane]));
    }
    __m512 factors[4];
    for (int lane = 0; lane < 4; lane++) {
        if (_mm512_cmpge_epu32_mask(largest[lane], _mm512_set1_epi32(TERN_INFINITY_BITS))) return 1;
        const __m512 absmax = _mm512_castsi512_ps(largest[lane]), levels = _mm512_set1_ps(127.0f);
        const __mmask16 has_codes = _mm512_cmp_ps_mask(absmax, _mm512_set1_ps(TERN_QUANTISE_FLOOR), _CMP_GE_OQ);
        factors[lane] = _mm512_maskz_div_ps(has_codes, levels, absmax);
        _mm512_storeu_ps(at->v_scales + d + 16 * lane, _mm512_maskz_div_ps(has_codes, absmax, levels));
    }
    /* Packing puts the four tokens of four channels after each other in every quarter. */
    const __m512i turn = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    uint8_t *to = at->v_panels + d * groups * TERN_GROUP;
    for (size_t g = 0; g < groups; g++, to += GROUP_BYTES) {
        __m512 values[TERN_GROUP][4];
        for (size_t i = 0; i < TERN_GROUP; i++) {
            const size_t token = g * TERN_GROUP + i;
            load_values(v + tern_minimum(token, op->tokens - 1) * op->kv_stride, d, token < op->tokens ? op->width : 0, values[i]);
        }
        for (int lane = 0; lane < 4; lane++) {
            __m512i codes[TERN_GROUP];
            for (int i = 0; i < TERN_GROUP; i++) codes[i] = _mm512_cvtps_epi32(_mm512_mul_ps(values[i][lane], factors[lane]));
            const __m512i packed = _mm512_packs_epi16(_mm512_packs_epi32(codes[0], codes[1]), _mm512_packs_epi32(codes[2], codes[3]));
            _mm512_storeu_si512(to + 64 * lane, _mm512_shuffle_epi8(packed, turn));
        }
    }
    return 0;
}

/* t of N-06 for m computed rows by up to 64 tokens from j on, minus infinity past the last; `tops` [6][16] keeps what is largest in each lane. */
TERN_INLINE void score_tile(const tern_attention *op, const tern_tile *tile, const int m, const int vectors, size_t j, const buffers *at, float *tops) {
    __m512i sums[TERN_ROWS][4];
    tern_sum_512(tile, m, vectors, TERN_ROWS_BIASED, sums);
    const __m512 lowest = _mm512_set1_ps(-__builtin_inff());
    __m512 scales[4];
    __mmask16 exists[4];
#pragma clang loop unroll(full)
    for (int lane = 0; lane < vectors; lane++) {
        const size_t token = j + 16 * (size_t)lane;
        scales[lane] = _mm512_loadu_ps(at->k_scales + token);
        exists[lane] = token < op->tokens ? tern_lanes_512(op->tokens - token) : 0;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
        float *scores = at->scores + (size_t)i * at->padded_tokens + j;
        __m512 top = _mm512_loadu_ps(tops + 16 * i);
#pragma clang loop unroll(full)
        for (int lane = 0; lane < vectors; lane++) {
            const __m512 t = _mm512_mask_mul_ps(lowest, exists[lane], _mm512_cvtepi32_ps(sums[i][lane]), scales[lane]);
            top = _mm512_max_ps(t, top);
            _mm512_storeu_ps(scores + 16 * lane, t);
        }
        _mm512_storeu_ps(tops + 16 * i, top);
    }
}

static void score_rows(const tern_attention *op, size_t row, size_t m, const buffers *at, float *tops) {
    const size_t groups = tern_groups(op->width);
    tern_tile tile = {.rows = (const uint8_t *)at->q_codes + row * at->padded_width, .stride = at->padded_width, .count = m, .groups = groups};
    for (size_t i = 0; i < 16 * TERN_ROWS; i += 16) _mm512_storeu_ps(tops + i, _mm512_set1_ps(-__builtin_inff()));
    for (size_t j = 0; j < op->tokens; j += TERN_PANEL) {
        const size_t columns = tern_minimum(TERN_PANEL, op->tokens - j);
        tile.panel = at->k_panels + j / TERN_PANEL * groups * GROUP_BYTES;
        tile.channel_sums = at->k_sums + j;
        if (m == 1) score_tile(op, &tile, 1, 4, j, at, tops);
        else if (columns > 32) score_tile(op, &tile, 6, 4, j, at, tops);
        else if (columns > 16) score_tile(op, &tile, 6, 2, j, at, tops);
        else score_tile(op, &tile, 6, 1, j, at, tops);
    }
}

/* u of 16 scores. */
TERN_INLINE __m512i weigh(const float *scores, __m512 largest, __m512 factor) {
    return _mm512_cvtps_epi32(tern_weight_512(_mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(scores), largest), factor)));
}

/* u of one row to bytes, zero past the tokens to a multiple of 16; gives their sum in lanes. */
TERN_INLINE __m512i weigh_row(const float *scores, size_t tokens, __m512 largest, __m512 factor, uint8_t *probabilities) {
    const __m512i ones = _mm512_set1_epi8(1), order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i total = _mm512_setzero_si512();
    size_t j = 0;
    for (; j + 64 <= tokens; j += 64) {
        const __m512i a = weigh(scores + j, largest, factor), b = weigh(scores + j + 16, largest, factor);
        const __m512i c = weigh(scores + j + 32, largest, factor), d = weigh(scores + j + 48, largest, factor);
        const __m512i packed = _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
        total = _mm512_dpbusd_epi32(total, packed, ones);
        _mm512_storeu_si512(probabilities + j, _mm512_permutexvar_epi32(order, packed));
    }
    for (; j < tokens; j += 16) {
        /* A NaN gives the lowest integer, which packing above turns to 0 as well. */
        const __m512i u = _mm512_maskz_max_epi32(tern_lanes_512(tokens - j), weigh(scores + j, largest, factor), _mm512_setzero_si512());
        total = _mm512_add_epi32(total, u);
        _mm_storeu_si128((__m128i *)(probabilities + j), _mm512_cvtepi32_epi8(u));
    }
    return total;
}

/* u of m rows; `inverses` [16] takes 1 / f32(Z). What goes across lanes is done for all rows at once. */
static void weigh_rows(const tern_attention *op, size_t row, size_t m, const buffers *at, const float *tops, float *inverses) {
    __m512i rows[16];
    for (size_t i = 0; i < 16; i++) rows[i] = i < m ? _mm512_loadu_si512(tops + 16 * i) : _mm512_setzero_si512();
    _Alignas(64) float largest[16], factors[16];
    _mm512_store_si512(largest, fold_max_float(rows));
    _mm512_store_ps(factors, _mm512_mul_ps(_mm512_loadu_ps(at->q_scales + row), _mm512_set1_ps(op->factor)));
    for (size_t i = 0; i < 16; i++) rows[i] = _mm512_setzero_si512();
    for (size_t i = 0; i < m; i++)
        rows[i] = weigh_row(at->scores + i * at->padded_tokens, op->tokens, _mm512_set1_ps(largest[i]), _mm512_set1_ps(factors[i]),
                            at->probabilities + i * at->padded_tokens);
    _mm512_storeu_ps(inverses, _mm512_div_ps(_mm512_set1_ps(1.0f), _mm512_cvtepi32_ps(fold_add(rows))));
}

/* o of N-06 for m computed rows by the channels d ..< d + columns. */
TERN_INLINE void mix_tile(const tern_attention *op, const tern_tile *tile, const int m, const int vectors, size_t d, size_t columns, const float *inverses,
                          const buffers *at, float *output) {
    __m512i sums[TERN_ROWS][4];
    tern_sum_512(tile, m, vectors, TERN_ROWS_UNSIGNED, sums);
#pragma clang loop unroll(full)
    for (int lane = 0; lane < vectors; lane++) {
        const size_t at_lane = 16 * (size_t)lane;
        const __m512 scales = _mm512_loadu_ps(at->v_scales + d + at_lane);
        const __mmask16 exists = at_lane < columns ? tern_lanes_512(columns - at_lane) : 0;
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            if ((size_t)i >= tile->count) break;
            const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[i][lane]), scales);
            _mm512_mask_storeu_ps(output + (size_t)i * op->output_stride + d + at_lane, exists, _mm512_mul_ps(scaled, _mm512_set1_ps(inverses[i])));
        }
    }
}

static void mix_rows(const tern_attention *op, size_t m, const float *inverses, const buffers *at, float *output) {
    const size_t groups = tern_groups(op->tokens);
    tern_tile tile = {.rows = at->probabilities, .stride = at->padded_tokens, .count = m, .groups = groups};
    for (size_t d = 0; d < op->width; d += TERN_PANEL) {
        const size_t columns = tern_minimum(TERN_PANEL, op->width - d);
        tile.panel = at->v_panels + d * groups * TERN_GROUP;
        if (m == 1) mix_tile(op, &tile, 1, 4, d, columns, inverses, at, output);
        else if (columns > 32) mix_tile(op, &tile, 6, 4, d, columns, inverses, at, output);
        else mix_tile(op, &tile, 6, 2, d, columns, inverses, at, output);
    }
}

int tern_attention__avx512vnni(const tern_attention *op, size_t part, size_t parts, void *scratch) {
    const buffers at = buffers_of(op, scratch);
    const size_t blocks = (op->queries + TERN_ROWS - 1) / TERN_ROWS;
    const tern_share share = tern_share_of(op->heads * blocks, part, parts);
    size_t prepared = SIZE_MAX;
    for (size_t unit = share.begin; unit < share.end;) {
        const size_t head = unit / blocks, kv_head = head * op->kv_heads / op->heads;
        const size_t begin = unit % blocks * TERN_ROWS, end = tern_minimum(op->queries, begin + (share.end - unit) * TERN_ROWS);
        if (prepared != kv_head) {
            if (prepare_keys(op, op->k + kv_head * op->width, &at)) return 1;
            for (size_t d = 0; d < op->width; d += TERN_PANEL)
                if (prepare_value_panel(op, op->v + kv_head * op->width, d, &at)) return 1;
            prepared = kv_head;
        }
        if (prepare_queries(op, op->q + head * op->width, begin, end, &at)) return 1;
        for (size_t row = begin; row < end; row += TERN_ROWS, unit++) {
            _Alignas(64) float tops[TERN_ROWS * 16];
            float inverses[16];
            const size_t m = tern_minimum(TERN_ROWS, end - row);
            score_rows(op, row, m, &at, tops);
            weigh_rows(op, row, m, &at, tops, inverses);
            tern_keep_rows(op, head, row, m, at.probabilities, at.padded_tokens, inverses);
            mix_rows(op, m, inverses, &at, op->output + row * op->output_stride + head * op->width);
        }
    }
    return 0;
}
#pragma clang attribute pop
#endif
