/* Operations that are the same plain code for every table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "math.scalar.h"

void tern_mean_pool(const float *x, size_t stride, size_t rows, size_t columns, float *y) {
    memset(y, 0, columns * sizeof(float));
    for (size_t t = 0; t < rows; t++)
        for (size_t i = 0; i < columns; i++) y[i] = y[i] + x[t * stride + i];
    for (size_t i = 0; i < columns; i++) y[i] = y[i] / (float)rows;
}

/* N-01 over the products of x - mean, each rounded, with `direction`; with x - mean itself where that is NULL. */
static float sum_of_products(const float *x, const float *mean, const float *direction, size_t count) {
    enum { LANES = 16 };
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            const float d = x[i + j] - mean[i + j];
            lanes[j] = lanes[j] + d * (direction ? direction[i + j] : d);
        }
    for (size_t j = 0; i + j < count; j++) {
        const float d = x[i + j] - mean[i + j];
        lanes[j] = lanes[j] + d * (direction ? direction[i + j] : d);
    }
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++) lanes[j] = lanes[j] + lanes[j + half];
    return lanes[0];
}

float tern_feature_score(const float *feature, const float *mean, const float *precisions, const float *directions, size_t count, size_t rank,
                         float residual_precision) {
    float inside = 0, distance = 0;
    for (size_t k = 0; k < rank; k++) {
        const float y = sum_of_products(feature, mean, directions + k * count, count), square = y * y;
        inside = inside + square;
        distance = distance + precisions[k] * square;
    }
    const float rest = sum_of_products(feature, mean, NULL, count) - inside;
    /* A rest that is not a number stays one. */
    return sqrtf((distance + residual_precision * (rest < 0 ? 0 : rest)) / (float)count);
}

void tern_widen_f16(const uint16_t *halves, size_t count, float *restrict values) {
    for (size_t i = 0; i < count; i++) {
        const uint32_t sign = (halves[i] & 0x8000u) << 16, rest = halves[i] & 0x7fffu;
        /* Below 2^-14 a value is its digits times 2^-24, both exact; above, its exponent has another bias. Chosen by a mask: no branch, and no
           subnormal binary32 on the way. */
        const float small = (float)(int32_t)rest * 0x1p-24f;
        const uint32_t is_small = 0u - (uint32_t)(rest < 0x0400u);
        uint32_t bits;
        memcpy(&bits, &small, sizeof bits);
        bits = sign | (bits & is_small) | (((rest << 13) + (112u << 23)) & ~is_small);
        memcpy(values + i, &bits, sizeof bits);
    }
}

void tern_patches(const float *image, size_t channels, size_t height, size_t width, size_t patch, size_t begin, size_t end, float *rows,
                  size_t stride) {
    enum { FOUR = 4 };
    const size_t across = width / patch, whole = patch / FOUR * FOUR;
    for (size_t py = begin; py < end; py++) {
        for (size_t px = 0; px < across; px++) {
            for (size_t c = 0; c < channels; c++) {
                const float *from = image + (c * height + py * patch) * width + px * patch;
                float *to = rows + (py * across + px) * stride + c * patch * patch;
                for (size_t y = 0; y < patch; y++, from += width, to += patch) {
                    /* Copies of a known size become vector moves; one of an unknown size is a call for each line of a patch. */
                    for (size_t x = 0; x < whole; x += FOUR) memcpy(to + x, from + x, FOUR * sizeof(float));
                    for (size_t x = whole; x < patch; x++) to[x] = from[x];
                }
            }
        }
    }
}

/* calloc leaves pages of large blocks untouched, so that working memory a table does not use costs none. The block's own start lies
   just before the aligned one. */
void *tern_memory_allocate(size_t byte_count) {
    const size_t before = sizeof(void *) + TERN_ALIGNMENT - 1;
    if (byte_count == 0 || byte_count > (size_t)PTRDIFF_MAX - before) return NULL;
    uint8_t *block = calloc(1, byte_count + before);
    if (!block) return NULL;
    uint8_t *memory = block + sizeof(void *);
    memory += (TERN_ALIGNMENT - (uintptr_t)memory % TERN_ALIGNMENT) % TERN_ALIGNMENT;
    memcpy(memory - sizeof(void *), &block, sizeof block);
    return memory;
}

void tern_memory_free(void *memory) {
    if (!memory) return;
    uint8_t *block;
    memcpy(&block, (uint8_t *)memory - sizeof(void *), sizeof block);
    free(block);
}

size_t tern_linear_scratch(size_t m, size_t k) {
    if (m == 0 || k == 0 || k > TERN_LIMIT_DEPTH) return 0;
    /* One panel of int16 weights in whole t2 and t5 blocks, all rows of codes as int16, and the corrections of 64 channels. */
    const size_t padded = tern_round_up(k, TERN_T2_BLOCK * TERN_T5_BLOCK), fixed = TERN_PANEL * (padded * sizeof(int16_t) + sizeof(int32_t));
    size_t words;
    if (__builtin_mul_overflow(m, padded * sizeof(int16_t), &words) || words > SIZE_MAX - fixed - TERN_ALIGNMENT) return 0;
    /* Or tables of 64 bytes for every eight values of six rows, and the sums of prepared panels. */
    const size_t lookups = TERN_ROWS * TERN_PANEL * padded / 8 + TERN_PREPARED_BYTES / 8;
    return tern_round_up(fixed + words > lookups ? fixed + words : lookups, TERN_ALIGNMENT);
}

size_t tern_codes_bytes(size_t k) {
    /* Look-ups join up to three groups past the last whole set of blocks. */
    return tern_round_up(tern_round_up(k, TERN_T5_BLOCK) + 2 * TERN_GROUP, 64);
}

size_t tern_prepared_panels(size_t panels, size_t prepared_bytes) {
    const size_t fitting = TERN_PREPARED_BYTES / prepared_bytes;
    return tern_minimum(panels, fitting > 0 ? fitting : 1);
}

size_t tern_prepared_limit(size_t n, size_t k) {
    if (n == 0 || k == 0 || k > TERN_LIMIT_DEPTH) return 0;
    /* At most 2 bytes for three weights, in steps of twelve values, and where the sums start. */
    const size_t panel = TERN_PANEL * (tern_round_up(k, 12) / 3 * 2 + sizeof(int32_t)), panels = n / TERN_PANEL + (n % TERN_PANEL != 0);
    const size_t cached = panel > TERN_PREPARED_BYTES ? panel : TERN_PREPARED_BYTES;
    return panels > cached / panel ? cached : panels * panel;
}

size_t tern_attention_scratch(size_t tokens, size_t width) {
    if (tokens == 0 || tokens > TERN_LIMIT_TOKENS || width == 0 || width > TERN_LIMIT_WIDTH) return 0;
    return tern_attention_layout_of(tokens, width).bytes;
}

size_t tern_packed_bytes(tern_weights_kind kind, size_t n, size_t k) {
    size_t bytes;
    if (kind == TERN_WEIGHTS_F32) {
        if (__builtin_mul_overflow(n, k, &bytes) || __builtin_mul_overflow(bytes, sizeof(float), &bytes)) return 0;
        return bytes;
    }
    size_t unit;
    switch (kind) {
    case TERN_WEIGHTS_S8: unit = TERN_GROUP; break;
    case TERN_WEIGHTS_T2: unit = TERN_T2_BLOCK; break;
    case TERN_WEIGHTS_T5: unit = TERN_T5_BLOCK; break;
    default: return 0;
    }
    const size_t panels = n / TERN_PANEL + (n % TERN_PANEL != 0), blocks = k / unit + (k % unit != 0);
    if (__builtin_mul_overflow(panels, blocks, &bytes) || __builtin_mul_overflow(bytes, (size_t)TERN_PANEL * TERN_GROUP, &bytes)) return 0;
    return bytes;
}

float tern_exp2(float x) { return tern_exp2_scalar(x); }
