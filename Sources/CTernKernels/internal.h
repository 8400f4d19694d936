/* What the kernels of all instruction sets share: how work is split, how scratch is laid out, how panels are numbered. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cternkernels.h"

static inline size_t tern_round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }
static inline size_t tern_minimum(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t tern_groups(size_t k) { return (k + TERN_GROUP - 1) / TERN_GROUP; }

/* The units begin ..< end of `units` that part `part` of `parts` does; shares differ by one unit at most. */
typedef struct tern_share {
    size_t begin, end;
} tern_share;

static inline tern_share tern_share_of(size_t units, size_t part, size_t parts) {
    const size_t whole = units / parts, rest = units % parts;
    const size_t begin = whole * part + tern_minimum(part, rest);
    return (tern_share){begin, begin + whole + (part < rest ? 1 : 0)};
}

/* Bytes of one packed panel of 64 output channels. */
static inline size_t tern_panel_bytes(tern_weights_kind kind, size_t k) {
    const size_t bytes_per_group = TERN_PANEL * TERN_GROUP;
    switch (kind) {
    case TERN_WEIGHTS_S8: return bytes_per_group * tern_groups(k);
    case TERN_WEIGHTS_T2: return bytes_per_group * ((k + TERN_T2_BLOCK - 1) / TERN_T2_BLOCK);
    case TERN_WEIGHTS_T5: return bytes_per_group * ((k + TERN_T5_BLOCK - 1) / TERN_T5_BLOCK);
    case TERN_WEIGHTS_F32: break;
    }
    return 0;
}

_Static_assert(TERN_LANES >= (TERN_ROWS + 1) * sizeof(int16_t), "rows of queries do not fit");

/* Scratch of one attention call. Panels are sized for int16 entries; sets that need bytes use half of them. */
typedef struct tern_attention_layout {
    size_t padded_tokens;   /* a multiple of 64 */
    size_t padded_width;    /* a multiple of 64 */
    size_t k_panels, v_panels, q_codes, k_scales, k_sums, v_scales, scores, probabilities;  /* byte offsets */
    size_t bytes;
} tern_attention_layout;

static inline tern_attention_layout tern_attention_layout_of(size_t tokens, size_t width) {
    tern_attention_layout layout;
    layout.padded_tokens = tern_round_up(tokens, TERN_PANEL);
    layout.padded_width = tern_round_up(width, TERN_PANEL);
    const size_t panel_bytes = sizeof(int16_t) * layout.padded_tokens * layout.padded_width;
    size_t at = 0;
    layout.k_panels = at, at += panel_bytes;
    layout.v_panels = at, at += panel_bytes;
    layout.q_codes = at, at += TERN_LANES * layout.padded_width; /* 16 rows of bytes, or 6 of int16 and one of bytes */
    layout.k_scales = at, at += sizeof(float) * layout.padded_tokens;
    layout.k_sums = at, at += sizeof(int32_t) * layout.padded_tokens;
    layout.v_scales = at, at += sizeof(float) * layout.padded_width;
    layout.scores = at, at += sizeof(float) * TERN_ROWS * layout.padded_tokens;
    layout.probabilities = at, at += sizeof(int16_t) * TERN_ROWS * layout.padded_tokens;
    layout.bytes = at;
    return layout;
}

/* Where u of head and row goes, or NULL. */
static inline uint8_t *tern_kept_weights(const tern_attention *op, size_t head, size_t row) {
    return op->kept_weights ? op->kept_weights + (head * op->queries + row) * op->kept_stride : NULL;
}

/* Keeps u of `m` rows of bytes from `row` on, and 1 / f32(Z), where that is asked for. */
static inline void tern_keep_rows(const tern_attention *op, size_t head, size_t row, size_t m, const uint8_t *probabilities, size_t stride,
                                  const float *inverses) {
    if (!op->kept_weights) return;
    memcpy(op->kept_inverses + head * op->queries + row, inverses, m * sizeof(float));
    for (size_t i = 0; i < m; i++) memcpy(tern_kept_weights(op, head, row + i), probabilities + i * stride, op->tokens);
}

/* Below this absmax a row is all zero codes with scale zero, N-02. */
#define TERN_QUANTISE_FLOOR 0x1p-100f

/* Declares the functions of one instruction set. */
#define TERN_DECLARE(isa)                                                                                                                \
    int tern_quantise_rows__##isa(const float *, size_t, size_t, size_t, size_t, int, int8_t *, size_t, float *, int32_t *);             \
    void tern_linear__##isa(const tern_linear *, size_t, size_t, void *);                                                                \
    int tern_attention__##isa(const tern_attention *, size_t, size_t, void *);                                                           \
    void tern_layer_norm__##isa(const float *, size_t, size_t, size_t, size_t, const float *, const float *, float, float *, size_t);    \
    uint64_t tern_peak__##isa(uint64_t);
/* Resizing and relevance: the sets that have kernels of their own. */
#define TERN_DECLARE_RESIZE(isa)                                                                                                         \
    void tern_norms__##isa(const tern_attention *, size_t, size_t);                                                                      \
    void tern_relevance_rows__##isa(const tern_relevance *, size_t, size_t);                                                             \
    void tern_relevance_columns__##isa(const tern_relevance *, size_t, size_t);                                                          \
    void tern_resize_columns__##isa(const tern_resize_columns *);                                                                        \
    void tern_resize_row__##isa(const double *, const double *, size_t, const int32_t *, const int32_t *, size_t, double, double,        \
                                  float *);                                                                                              \
    void tern_resize_columns_u8__##isa(const tern_resize_columns_u8 *);                                                                  \
    void tern_resize_band_u8__##isa(const tern_resize_band_u8 *);                                                                        \
    void tern_luminance_u8__##isa(const uint8_t *, size_t, uint8_t *);
TERN_DECLARE_RESIZE(scalar)
TERN_DECLARE_RESIZE(avx2)
TERN_DECLARE_RESIZE(avx512vnni)
TERN_DECLARE_RESIZE(neon)
#undef TERN_DECLARE_RESIZE

TERN_DECLARE(scalar)
TERN_DECLARE(avx2)
TERN_DECLARE(avxvnni)
TERN_DECLARE(avx512vnni)
void tern_linear__avx512vbmi(const tern_linear *, size_t, size_t, void *);
size_t tern_prepared_bytes__avx512vbmi(tern_weights_kind, size_t, int);
void tern_prepare__avx512vbmi(const tern_linear *, size_t, size_t);
TERN_DECLARE(neon)
TERN_DECLARE(neondot)
TERN_DECLARE(neoni8mm)
#undef TERN_DECLARE
