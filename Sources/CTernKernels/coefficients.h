/* The constants of N-07 and N-08, from Tools/numerics/fit_polynomials.py. */
#pragma once

#define TERN_GELU_CLAMP 5.0f
#define TERN_GELU_SQUARE 0x1.47ae14p-4f /* 2 / 25: maps c * c to -1 ... 1 */
#define TERN_EXP2_FLOOR (-125.0f)       /* the exponent field stays above zero */
#define TERN_INFINITY_BITS 0x7f800000u

enum { TERN_GELU_DEGREE = 11, TERN_EXP2_DEGREE = 5 };

static const float tern_gelu_coefficients[TERN_GELU_DEGREE + 1] = {
    0x1.218352p-3f, -0x1.1ff10ap-4f, 0x1.a6189cp-5f, -0x1.4ae420p-5f, 0x1.00df9cp-5f, -0x1.831220p-6f,
    0x1.150ff6p-6f, -0x1.4d1beep-7f, 0x1.4f0f80p-8f, -0x1.fd664cp-9f, 0x1.a2bff6p-9f, -0x1.1f79e8p-10f,
};

static const float tern_exp2_coefficients[TERN_EXP2_DEGREE + 1] = {
    0x1.000002p+0f, 0x1.62e428p-1f, 0x1.ebf918p-3f, 0x1.c6b6e6p-5f, 0x1.3d0c52p-7f, 0x1.5c08e0p-10f,
};
