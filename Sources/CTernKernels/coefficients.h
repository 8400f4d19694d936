/* The constants of N-06, N-07 and N-08, from Tools/numerics/fit_polynomials.py. */
#pragma once

#define TERN_GELU_CLAMP 4.0f
#define TERN_EXP2_FLOOR (-125.0f) /* the exponent field stays above zero */
#define TERN_INFINITY_BITS 0x7f800000u

enum { TERN_GELU_DEGREE = 6, TERN_EXP2_DEGREE = 5, TERN_WEIGHT_DEGREE = 3 };

static const float tern_gelu_coefficients[TERN_GELU_DEGREE + 1] = {
    0x1.976f0ap-2f, -0x1.087f06p-4f, 0x1.1f7794p-7f, -0x1.aad0b8p-11f, 0x1.9254f2p-15f, -0x1.ad31c4p-20f, 0x1.877690p-26f,
};

static const float tern_exp2_coefficients[TERN_EXP2_DEGREE + 1] = {
    0x1.000002p+0f, 0x1.62e428p-1f, 0x1.ebf918p-3f, 0x1.c6b6e6p-5f, 0x1.3d0c52p-7f, 0x1.5c08e0p-10f,
};

/* 255 * 2^f. */
static const float tern_weight_coefficients[TERN_WEIGHT_DEGREE + 1] = {0x1.fdf69cp+7f, 0x1.619026p+7f, 0x1.eeed3cp+5f, 0x1.c2335ap+3f};
