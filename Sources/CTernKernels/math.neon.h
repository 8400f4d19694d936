/* N-01, N-02 and N-06 to N-08 on four lanes of a 128-bit register; four registers hold the 16 lanes. Include inside the target attribute. */
#pragma once

#include <arm_neon.h>
#include <string.h>

#include "coefficients.h"
#include "cternkernels.h"

#define TERN_INLINE static inline __attribute__((always_inline))

/* The 16 lanes of a reduction: part j is lanes 4 j ... 4 j + 3. */
typedef struct tern_lanes_neon {
    float32x4_t part[4];
} tern_lanes_neon;

/* The first `count` of four values, zero past them; reads no more. */
TERN_INLINE float32x4_t tern_load_neon(const float *x, size_t count) {
    if (count >= 4) return vld1q_f32(x);
    float four[4] = {0};
    memcpy(four, x, count * sizeof(float));
    return vld1q_f32(four);
}

/* Writes the first `count` of four values and no more. */
TERN_INLINE void tern_store_neon(float *x, float32x4_t values, size_t count) {
    if (count >= 4) {
        vst1q_f32(x, values);
        return;
    }
    float four[4];
    vst1q_f32(four, values);
    memcpy(x, four, count * sizeof(float));
}

/* N-01: lane j takes lane j + h for h = 8, 4, 2, 1. */
TERN_INLINE float tern_tree_neon(tern_lanes_neon lanes) {
    const float32x4_t low = vaddq_f32(lanes.part[0], lanes.part[2]), high = vaddq_f32(lanes.part[1], lanes.part[3]);
    const float32x4_t four = vaddq_f32(low, high);
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

/* The larger and the smaller of x and a bound; the bound for a NaN, as the scalar comparisons give it. */
TERN_INLINE float32x4_t tern_at_least_neon(float32x4_t x, float32x4_t bound) { return vbslq_f32(vcgtq_f32(x, bound), x, bound); }
TERN_INLINE float32x4_t tern_at_most_neon(float32x4_t x, float32x4_t bound) { return vbslq_f32(vcltq_f32(x, bound), x, bound); }

/* N-07. */
TERN_INLINE float32x4_t tern_gelu_neon(float32x4_t x) {
    const float32x4_t a = tern_at_most_neon(vabsq_f32(x), vdupq_n_f32(TERN_GELU_CLAMP));
    float32x4_t p = vdupq_n_f32(tern_gelu_coefficients[TERN_GELU_DEGREE]);
#pragma clang loop unroll(full)
    for (int i = TERN_GELU_DEGREE - 1; i >= 0; i--) p = vfmaq_f32(vdupq_n_f32(tern_gelu_coefficients[i]), p, a);
    const float32x4_t rising = vbslq_f32(vcltzq_f32(x), vdupq_n_f32(0.0f), x);
    return vfmaq_f32(rising, a, p);
}

/* E of N-06 for x <= 0; a NaN counts as the lower bound. */
TERN_INLINE float32x4_t tern_weight_neon(float32x4_t x) {
    x = tern_at_least_neon(x, vdupq_n_f32(TERN_EXP2_FLOOR));
    const int32x4_t n = vcvtnq_s32_f32(x);
    const float32x4_t f = vsubq_f32(x, vcvtq_f32_s32(n));
    float32x4_t p = vdupq_n_f32(tern_weight_coefficients[TERN_WEIGHT_DEGREE]);
#pragma clang loop unroll(full)
    for (int i = TERN_WEIGHT_DEGREE - 1; i >= 0; i--) p = vfmaq_f32(vdupq_n_f32(tern_weight_coefficients[i]), p, f);
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(p), vshlq_n_s32(n, 23)));
}

/* The bits of |x|; they order as the values do, with infinity at TERN_INFINITY_BITS and NaN above it. */
TERN_INLINE uint32x4_t tern_magnitude_neon(float32x4_t x) { return vandq_u32(vreinterpretq_u32_f32(x), vdupq_n_u32(0x7fffffffu)); }

/* The largest |x| as bits, N-02. */
TERN_INLINE uint32_t tern_absmax_neon(const float *x, size_t count) {
    uint32x4_t largest[4] = {vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0)};
    size_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (size_t j = 0; j < 4; j++) largest[j] = vmaxq_u32(largest[j], tern_magnitude_neon(vld1q_f32(x + i + 4 * j)));
    for (; i < count; i += 4) largest[0] = vmaxq_u32(largest[0], tern_magnitude_neon(tern_load_neon(x + i, count - i)));
    return vmaxvq_u32(vmaxq_u32(vmaxq_u32(largest[0], largest[1]), vmaxq_u32(largest[2], largest[3])));
}

/* Sixteen values times r to codes. */
TERN_INLINE int8x16_t tern_codes_neon(const float *x, float r) {
    int16x4_t words[4];
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 4; j++) words[j] = vmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4 * j), r)));
    return vcombine_s8(vmovn_s16(vcombine_s16(words[0], words[1])), vmovn_s16(vcombine_s16(words[2], words[3])));
}

/* The codes of one row and their sum, N-02: codes [0 ..< codes_stride], zero past `count`; codes_stride is a multiple of 16. */
TERN_INLINE int tern_quantise_row_neon(const float *x, size_t count, float levels, int8_t *codes, size_t codes_stride, float *scale,
                                       int32_t *sum) {
    const uint32_t bits = tern_absmax_neon(x, count);
    float absmax;
    memcpy(&absmax, &bits, sizeof absmax);
    const int is_finite = bits < TERN_INFINITY_BITS;
    const int has_codes = is_finite && absmax >= TERN_QUANTISE_FLOOR;
    const float r = has_codes ? levels / absmax : 0.0f;
    int32x4_t total = vdupq_n_s32(0);
    size_t i = 0;
    if (has_codes) {
        for (; i + 16 <= count; i += 16) {
            const int8x16_t q = tern_codes_neon(x + i, r);
            total = vpadalq_s16(total, vpaddlq_s8(q));
            vst1q_s8(codes + i, q);
        }
        if (i < count) {
            float rest[16] = {0};
            memcpy(rest, x + i, (count - i) * sizeof(float));
            const int8x16_t q = tern_codes_neon(rest, r);
            total = vpadalq_s16(total, vpaddlq_s8(q));
            vst1q_s8(codes + i, q);
            i += 16;
        }
    }
    for (; i < codes_stride; i += 16) vst1q_s8(codes + i, vdupq_n_s8(0));
    *scale = has_codes ? absmax / levels : 0.0f;
    *sum = vaddvq_s32(total);
    return !is_finite;
}
