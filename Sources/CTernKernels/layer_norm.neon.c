#if defined(__aarch64__)
#include "internal.h"
#include "math.neon.h"

/* N-01 of up to 15 values past the last whole 16: the lanes past the end keep their value, for adding zero would turn -0 into +0. */
static void add_rest(tern_lanes_neon *lanes, const float *x, size_t count) {
    float lane[TERN_LANES];
    for (int j = 0; j < 4; j++) vst1q_f32(lane + 4 * j, lanes->part[j]);
    for (size_t i = 0; i < count; i++) lane[i] = lane[i] + x[i];
    for (int j = 0; j < 4; j++) lanes->part[j] = vld1q_f32(lane + 4 * j);
}

static void add_rest_squares(tern_lanes_neon *lanes, const float *x, float mean, size_t count) {
    float lane[TERN_LANES];
    for (int j = 0; j < 4; j++) vst1q_f32(lane + 4 * j, lanes->part[j]);
    for (size_t i = 0; i < count; i++) {
        const float d = x[i] - mean;
        lane[i] = __builtin_fmaf(d, d, lane[i]);
    }
    for (int j = 0; j < 4; j++) lanes->part[j] = vld1q_f32(lane + 4 * j);
}

void tern_layer_norm__neon(const float *x, size_t stride, size_t columns, size_t begin, size_t end, const float *gamma, const float *beta,
                           float epsilon, float *y, size_t output_stride) {
    const float count = (float)columns;
    const size_t whole = columns / TERN_LANES * TERN_LANES, rest = columns - whole;
    const tern_lanes_neon zero = {{vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)}};
    for (size_t row = begin; row < end; row++) {
        const float *in = x + row * stride;
        float *out = y + row * output_stride;
        tern_lanes_neon lanes = zero, squares = zero;
        for (size_t i = 0; i < whole; i += TERN_LANES)
            for (size_t j = 0; j < 4; j++) lanes.part[j] = vaddq_f32(lanes.part[j], vld1q_f32(in + i + 4 * j));
        if (rest) add_rest(&lanes, in + whole, rest);
        const float mean = tern_tree_neon(lanes) / count;
        const float32x4_t means = vdupq_n_f32(mean);
        for (size_t i = 0; i < whole; i += TERN_LANES) {
            for (size_t j = 0; j < 4; j++) {
                const float32x4_t d = vsubq_f32(vld1q_f32(in + i + 4 * j), means);
                squares.part[j] = vfmaq_f32(squares.part[j], d, d);
            }
        }
        if (rest) add_rest_squares(&squares, in + whole, mean, rest);
        const float variance = tern_tree_neon(squares) / count;
        const float t = 1.0f / __builtin_sqrtf(variance + epsilon);
        for (size_t i = 0; i < columns; i += 4) {
            const size_t left = columns - i;
            const float32x4_t d = vsubq_f32(tern_load_neon(in + i, left), means);
            tern_store_neon(out + i, vfmaq_f32(tern_load_neon(beta + i, left), vmulq_n_f32(d, t), tern_load_neon(gamma + i, left)), left);
        }
    }
}
#endif
