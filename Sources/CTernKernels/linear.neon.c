#if defined(__aarch64__)
#include "internal.h"
#include "tile.neon.h"

#include "linear.neon.h"
#include "lookup.neon.h"

/* N-04: one row by one channel, its 16 lanes in four registers. */
static float dot(const float *x, const float *weights, size_t count) {
    tern_lanes_neon lanes = {{vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)}};
    const size_t whole = count / TERN_LANES * TERN_LANES;
    for (size_t k = 0; k < whole; k += TERN_LANES)
        for (size_t j = 0; j < 4; j++) lanes.part[j] = vfmaq_f32(lanes.part[j], vld1q_f32(x + k + 4 * j), vld1q_f32(weights + k + 4 * j));
    if (whole < count) {
        float lane[TERN_LANES];
        for (int j = 0; j < 4; j++) vst1q_f32(lane + 4 * j, lanes.part[j]);
        for (size_t k = whole; k < count; k++) lane[k - whole] = __builtin_fmaf(x[k], weights[k], lane[k - whole]);
        for (int j = 0; j < 4; j++) lanes.part[j] = vld1q_f32(lane + 4 * j);
    }
    return tern_tree_neon(lanes);
}

static void float_layer(const tern_linear *op, tern_share units, size_t blocks) {
    for (size_t unit = units.begin; unit < units.end; unit++) {
        const size_t first = unit % blocks * TERN_ROWS, column = unit / blocks * TERN_PANEL;
        const size_t last = tern_minimum(first + TERN_ROWS, op->m), end = tern_minimum(column + TERN_PANEL, op->n);
        for (size_t row = first; row < last; row++) {
            for (size_t at = column; at < end; at += 4) {
                const size_t left = end - at;
                float values[4] = {0};
                for (size_t n = 0; n < tern_minimum(4, left); n++)
                    values[n] = dot(op->input + row * op->input_stride, (const float *)op->weights + (at + n) * op->k, op->k);
                float32x4_t y = vaddq_f32(vld1q_f32(values), op->bias ? tern_load_neon(op->bias + at, left) : vdupq_n_f32(0.0f));
                if (op->gelu) y = tern_gelu_neon(y);
                if (op->residual) y = vaddq_f32(y, tern_load_neon(op->residual + row * op->residual_stride + at, left));
                tern_store_neon(op->output + row * op->output_stride + at, y, left);
            }
        }
    }
}

void tern_linear__neon(const tern_linear *op, size_t part, size_t parts, void *scratch) {
    const size_t blocks = (op->m + TERN_ROWS - 1) / TERN_ROWS, panels = (op->n + TERN_PANEL - 1) / TERN_PANEL;
    const tern_share units = tern_share_of(panels * blocks, part, parts);
    if (op->kind == TERN_WEIGHTS_F32) float_layer(op, units, blocks);
    else if (is_looked_up(op)) look_up_layer(op, units, blocks, scratch);
    else integer_layer(op, units, blocks, scratch);
}
#endif
