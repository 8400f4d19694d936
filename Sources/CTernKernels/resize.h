/* What the resizing kernels of all sets share, and the plain code of what is past their blocks. */
#pragma once

#include <string.h>

#include "internal.h"

static inline double *tern_resize_sums(const tern_resize_columns *op, size_t output) {
    return op->sums + (op->first_slot + output) % op->slot_count * op->sum_stride;
}

static inline double tern_resize_value(const tern_resize_columns *op, size_t row, size_t column) {
    const uint8_t *from = (const uint8_t *)op->samples + row * op->row_bytes;
    double value;
    float shown;
    uint16_t stored;
    if (op->kind == TERN_SAMPLES_F32) {
        memcpy(&shown, from + column * sizeof shown, sizeof shown);
        return shown;
    }
    memcpy(&stored, from + column * sizeof stored, sizeof stored);
    value = op->kind == TERN_SAMPLES_U16 ? (double)stored : (double)(int16_t)stored;
    value = value > op->low ? value : op->low;
    return value < op->high ? value : op->high;
}

/* The columns from `begin` on, one at a time. */
static inline void tern_resize_add_columns(const tern_resize_columns *op, size_t begin) {
    for (size_t output = 0; output < op->output_count; output++) {
        double *sums = tern_resize_sums(op, output);
        if (output >= op->continued)
            for (size_t column = begin; column < op->column_count; column++) sums[column] = 0.0;
        for (size_t row = 0; row < op->row_count; row++) {
            const double weight = op->weights[row * op->output_count + output];
            for (size_t column = begin; column < op->column_count; column++)
                sums[column] = sums[column] + tern_resize_value(op, row, column) * weight;
        }
    }
}

static inline int32_t *tern_resize_sums_u8(const tern_resize_columns_u8 *op, size_t output) {
    return op->sums + (op->first_slot + output) % op->slot_count * op->sum_stride;
}

/* The same for bytes. Sums wrap as unsigned numbers and come back: the last one fits. */
static inline void tern_resize_add_columns_u8(const tern_resize_columns_u8 *op, size_t begin) {
    for (size_t output = 0; output < op->output_count; output++) {
        int32_t *sums = tern_resize_sums_u8(op, output);
        if (output >= op->continued)
            for (size_t column = begin; column < op->column_count; column++) sums[column] = TERN_RESIZE_HALF;
        for (size_t row = 0; row < op->row_count; row++) {
            const uint32_t weight = (uint32_t)op->weights[row * op->output_count + output];
            const uint8_t *from = op->samples + row * op->row_bytes;
            for (size_t column = begin; column < op->column_count; column++)
                sums[column] = (int32_t)((uint32_t)sums[column] + (uint32_t)(from[column] ^ op->flip) * weight);
        }
    }
}

/* The tree over the lanes of a sum of taps, then the grey value and the nearest binary32. */
static inline float tern_resize_finish(double lane[TERN_RESIZE_LANES], double factor, double addend) {
    for (int half = TERN_RESIZE_LANES / 2; half >= 1; half /= 2)
        for (int j = 0; j < half; j++) lane[j] = lane[j] + lane[j + half];
    double value = lane[0] * factor + addend;
    value = value > 0.0 ? value : 0.0;
    return (float)(value < 255.0 ? value : 255.0);
}

/* A sum of products with 22 fractional bits, already rounded by its start at one half, as a byte. */
static inline uint8_t tern_resize_byte(int32_t sum) {
    const int32_t value = sum >> TERN_RESIZE_FRACTION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Pillow's mode L: the weights sum to 2^16. */
static inline uint8_t tern_luminance(const uint8_t pixel[3]) {
    return (uint8_t)((19595u * pixel[0] + 38470u * pixel[1] + 7471u * pixel[2] + 32768u) >> 16);
}
