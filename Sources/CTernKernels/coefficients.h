/* The constants of N-06, N-07 and N-08, from Tools/numerics/fit_polynomials.py. */
#pragma once

#define TERN_GELU_CLAMP 3.90625f
#define TERN_EXP2_FLOOR (-125.0f) /* the exponent field stays above zero */
#define TERN_INFINITY_BITS 0x7f800000u

enum { TERN_GELU_DEGREE = 6, TERN_EXP2_DEGREE = 5, TERN_WEIGHT_DEGREE = 3 };

static const float tern_gelu_coefficients[TERN_GELU_DEGREE + 1] = {
    -0x1.ff635ep-2f, 0x1.8acc10p-2f, 0x1.a6bd58p-5f, -0x1.2cb186p-3f, 0x1.edde8ap-5f, -0x1.569628p-7f, 0x1.66828cp-11f,
};

static const float tern_exp2_coefficients[TERN_EXP2_DEGREE + 1] = {
    0x1.000002p+0f, 0x1.62e428p-1f, 0x1.ebf918p-3f, 0x1.c6b6e6p-5f, 0x1.3d0c52p-7f, 0x1.5c08e0p-10f,
};

/* 255 * 2^f. */
static const float tern_weight_coefficients[TERN_WEIGHT_DEGREE + 1] = {0x1.fdf69cp+7f, 0x1.619026p+7f, 0x1.eeed3cp+5f, 0x1.c2335ap+3f};
