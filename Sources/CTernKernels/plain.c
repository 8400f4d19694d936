/* Operations that are the same plain code for every table. */
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

void tern_patches(const float *image, size_t channels, size_t height, size_t width, size_t patch, float *rows, size_t stride) {
    const size_t across = width / patch, down = height / patch;
    for (size_t py = 0; py < down; py++)
        for (size_t px = 0; px < across; px++)
            for (size_t c = 0; c < channels; c++)
                for (size_t y = 0; y < patch; y++)
                    memcpy(rows + (py * across + px) * stride + (c * patch + y) * patch,
                           image + (c * height + py * patch + y) * width + px * patch, patch * sizeof(float));
}

void *tern_memory_allocate(size_t byte_count) {
    if (byte_count == 0 || byte_count > SIZE_MAX - TERN_ALIGNMENT) return NULL;
    const size_t rounded = tern_round_up(byte_count, TERN_ALIGNMENT);
    void *memory = aligned_alloc(TERN_ALIGNMENT, rounded);
    if (memory) memset(memory, 0, rounded);
    return memory;
}

void tern_memory_free(void *memory) { free(memory); }

size_t tern_linear_scratch(size_t k) {
    if (k == 0 || k > TERN_LIMIT_DEPTH) return 0;
    /* One panel of int16 weights in whole t2 and t5 blocks, six rows of int16 codes, and the corrections of 64 channels. */
    const size_t padded = tern_round_up(k, TERN_T2_BLOCK * TERN_T5_BLOCK);
    return padded * (TERN_PANEL + TERN_ROWS) * sizeof(int16_t) + TERN_PANEL * sizeof(int32_t);
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
