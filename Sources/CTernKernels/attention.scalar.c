#include <string.h>

#include "internal.h"
#include "math.scalar.h"

/* 255 * 127 * tokens must fit the int32 sums of probabilities times values. */
_Static_assert(255LL * 127LL * TERN_LIMIT_TOKENS <= INT32_MAX, "int32 sum would wrap");
_Static_assert(127LL * 127LL * TERN_LIMIT_WIDTH <= INT32_MAX, "int32 sum would wrap");

/* V per channel over the tokens: codes [tokens][padded width], scales [width]. */
static int quantise_values(const tern_attention *op, const float *v, size_t codes_stride, int8_t *codes, float *scales) {
    for (size_t d = 0; d < op->width; d++) {
        uint32_t largest = 0;
        for (size_t j = 0; j < op->tokens; j++) {
            const uint32_t bits = tern_magnitude_bits(v[j * op->kv_stride + d]);
            largest = bits > largest ? bits : largest;
        }
        if (largest >= TERN_INFINITY_BITS) return 1;
        const float absmax = tern_from_bits(largest);
        const int empty = absmax < TERN_QUANTISE_FLOOR;
        const float r = empty ? 0.0f : 127.0f / absmax;
        scales[d] = empty ? 0.0f : absmax / 127.0f;
        for (size_t j = 0; j < op->tokens; j++)
            codes[j * codes_stride + d] = empty ? 0 : (int8_t)rintf(v[j * op->kv_stride + d] * r);
    }
    return 0;
}

static void attend_row(const tern_attention *op, const int8_t *q, float q_scale, const int8_t *k, const float *k_scales, const int8_t *v,
                       const float *v_scales, size_t codes_stride, float *scores, float *output, uint8_t *kept, float *kept_inverse) {
    float largest = -INFINITY;
    for (size_t j = 0; j < op->tokens; j++) {
        int32_t sum = 0;
        for (size_t d = 0; d < op->width; d++) sum += q[d] * k[j * codes_stride + d];
        scores[j] = (float)sum * k_scales[j];
        largest = scores[j] > largest ? scores[j] : largest;
    }
    const float factor = q_scale * op->factor;
    int32_t total = 0;
    for (size_t j = 0; j < op->tokens; j++) {
        scores[j] = rintf(tern_weight_scalar((scores[j] - largest) * factor));
        total += (int32_t)scores[j];
    }
    const float inverse = 1.0f / (float)total;
    if (kept) {
        for (size_t j = 0; j < op->tokens; j++) kept[j] = (uint8_t)scores[j];
        *kept_inverse = inverse;
    }
    for (size_t d = 0; d < op->width; d++) {
        int32_t sum = 0;
        for (size_t j = 0; j < op->tokens; j++) sum += (int32_t)scores[j] * v[j * codes_stride + d];
        output[d] = (float)sum * v_scales[d] * inverse;
    }
}

int tern_attention__scalar(const tern_attention *op, size_t part, size_t parts, void *scratch) {
    const tern_attention_layout layout = tern_attention_layout_of(op->tokens, op->width);
    uint8_t *base = scratch;
    int8_t *k = (int8_t *)(base + layout.k_panels), *v = (int8_t *)(base + layout.v_panels), *q = (int8_t *)(base + layout.q_codes);
    float *k_scales = (float *)(base + layout.k_scales), *v_scales = (float *)(base + layout.v_scales);
    int32_t *k_sums = (int32_t *)(base + layout.k_sums);
    float *scores = (float *)(base + layout.scores);
    const size_t codes_stride = layout.padded_width, blocks = (op->queries + TERN_ROWS - 1) / TERN_ROWS;
    const tern_share share = tern_share_of(op->heads * blocks, part, parts);
    size_t prepared = SIZE_MAX;
    for (size_t unit = share.begin; unit < share.end; unit++) {
        const size_t head = unit / blocks, first = unit % blocks * TERN_ROWS, kv_head = head * op->kv_heads / op->heads;
        if (prepared != kv_head) {
            if (tern_quantise_rows__scalar(op->k + kv_head * op->width, op->kv_stride, op->width, 0, op->tokens, 127, k, codes_stride,
                                           k_scales, k_sums))
                return 1;
            if (quantise_values(op, op->v + kv_head * op->width, codes_stride, v, v_scales)) return 1;
            prepared = kv_head;
        }
        for (size_t row = first; row < tern_minimum(first + TERN_ROWS, op->queries); row++) {
            float q_scale;
            int32_t q_sum;
            if (tern_quantise_rows__scalar(op->q + row * op->q_stride + head * op->width, 0, op->width, 0, 1, 127, q, codes_stride, &q_scale,
                                           &q_sum))
                return 1;
            attend_row(op, q, q_scale, k, k_scales, v, v_scales, codes_stride, scores, op->output + row * op->output_stride + head * op->width,
                       tern_kept_weights(op, head, row), op->kept_inverses ? op->kept_inverses + head * op->queries + row : NULL);
        }
    }
    return 0;
}
