/* Resizing of real values, the body of every vector set. The including file defines REAL_LANES, the doubles of one register, REAL_REGISTERS,
   how many registers of columns a block has, and RESIZE_NAME(operation). */
typedef double real_lanes __attribute__((ext_vector_type(REAL_LANES)));
typedef uint16_t unsigned_lanes __attribute__((ext_vector_type(REAL_LANES)));
typedef int16_t signed_lanes __attribute__((ext_vector_type(REAL_LANES)));
typedef float float_lanes __attribute__((ext_vector_type(REAL_LANES)));

enum { REAL_BLOCK = REAL_LANES * REAL_REGISTERS, TREE_REGISTERS = TERN_RESIZE_LANES / REAL_LANES };
#define REAL_INLINE static inline __attribute__((always_inline))

REAL_INLINE void load_columns(const tern_resize_columns *op, tern_samples samples, size_t row, size_t column, real_lanes value[REAL_REGISTERS]) {
    const uint8_t *from = (const uint8_t *)op->samples + row * op->row_bytes;
#pragma clang loop unroll(full)
    for (int i = 0; i < REAL_REGISTERS; i++) {
        const size_t at = column + (size_t)(i * REAL_LANES);
        if (samples == TERN_SAMPLES_F32) {
            float_lanes stored;
            memcpy(&stored, from + at * sizeof(float), sizeof stored);
            value[i] = __builtin_convertvector(stored, real_lanes);
            continue;
        }
        if (samples == TERN_SAMPLES_U16) {
            unsigned_lanes stored;
            memcpy(&stored, from + at * sizeof(uint16_t), sizeof stored);
            value[i] = __builtin_convertvector(stored, real_lanes);
        } else {
            signed_lanes stored;
            memcpy(&stored, from + at * sizeof(int16_t), sizeof stored);
            value[i] = __builtin_convertvector(stored, real_lanes);
        }
        value[i] = value[i] > (real_lanes)op->low ? value[i] : (real_lanes)op->low;
        value[i] = value[i] < (real_lanes)op->high ? value[i] : (real_lanes)op->high;
    }
}

/* All rows of one block of columns into `count` outputs from `first` on: the sums stay in registers. Products are exact, so that a fused addition gives the
   bits of a separate one. */
REAL_INLINE void add_block(const tern_resize_columns *op, tern_samples samples, size_t column, size_t first, const int count) {
    real_lanes sum[TERN_RESIZE_OUTPUTS][REAL_REGISTERS];
    double *at[TERN_RESIZE_OUTPUTS];
#pragma clang loop unroll(full)
    for (int k = 0; k < count; k++) {
        at[k] = tern_resize_sums(op, first + (size_t)k) + column;
#pragma clang loop unroll(full)
        for (int i = 0; i < REAL_REGISTERS; i++) {
            if (first + (size_t)k < op->continued) memcpy(&sum[k][i], at[k] + i * REAL_LANES, sizeof sum[k][i]);
            else sum[k][i] = (real_lanes)0.0;
        }
    }
    const double *weight = op->weights + first;
    for (size_t row = 0; row < op->row_count; row++, weight += op->output_count) {
        real_lanes value[REAL_REGISTERS];
        load_columns(op, samples, row, column, value);
#pragma clang loop unroll(full)
        for (int k = 0; k < count; k++)
#pragma clang loop unroll(full)
            for (int i = 0; i < REAL_REGISTERS; i++) sum[k][i] = __builtin_elementwise_fma(value[i], (real_lanes)weight[k], sum[k][i]);
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < count; k++)
#pragma clang loop unroll(full)
        for (int i = 0; i < REAL_REGISTERS; i++) memcpy(at[k] + i * REAL_LANES, &sum[k][i], sizeof sum[k][i]);
}

REAL_INLINE void add_blocks(const tern_resize_columns *op, tern_samples samples, size_t first, const int count) {
    for (size_t column = 0; column + REAL_BLOCK <= op->column_count; column += REAL_BLOCK) add_block(op, samples, column, first, count);
}

REAL_INLINE void add_columns(const tern_resize_columns *op, tern_samples samples) {
    for (size_t first = 0; first < op->output_count; first += TERN_RESIZE_OUTPUTS) {
        switch (tern_minimum(op->output_count - first, TERN_RESIZE_OUTPUTS)) {
        case 1: add_blocks(op, samples, first, 1); break;
        case 2: add_blocks(op, samples, first, 2); break;
        case 3: add_blocks(op, samples, first, 3); break;
        case 4: add_blocks(op, samples, first, 4); break;
        case 5: add_blocks(op, samples, first, 5); break;
        case 6: add_blocks(op, samples, first, 6); break;
        default: add_blocks(op, samples, first, 7); break;
        }
    }
}

void RESIZE_NAME(columns)(const tern_resize_columns *op) {
    switch (op->kind) {
    case TERN_SAMPLES_U16: add_columns(op, TERN_SAMPLES_U16); break;
    case TERN_SAMPLES_S16: add_columns(op, TERN_SAMPLES_S16); break;
    case TERN_SAMPLES_F32: add_columns(op, TERN_SAMPLES_F32); break;
    }
    /* Columns past the last whole block. */
    tern_resize_add_columns(op, op->column_count / REAL_BLOCK * REAL_BLOCK);
}

void RESIZE_NAME(row)(const double *line, const double *weights, size_t stride, const int32_t *firsts, const int32_t *counts, size_t outputs,
                      double factor, double addend, float *result) {
    for (size_t output = 0; output < outputs; output++, weights += stride) {
        const double *from = line + firsts[output];
        real_lanes sum[TREE_REGISTERS];
#pragma clang loop unroll(full)
        for (int i = 0; i < TREE_REGISTERS; i++) sum[i] = (real_lanes)0.0;
        for (int32_t tap = 0; tap < counts[output]; tap += TERN_RESIZE_LANES)
#pragma clang loop unroll(full)
            for (int i = 0; i < TREE_REGISTERS; i++) {
                real_lanes value, weight;
                memcpy(&value, from + tap + i * REAL_LANES, sizeof value);
                memcpy(&weight, weights + tap + i * REAL_LANES, sizeof weight);
                sum[i] = sum[i] + value * weight;
            }
        double lane[TERN_RESIZE_LANES];
        memcpy(lane, sum, sizeof lane);
        result[output] = tern_resize_finish(lane, factor, addend);
    }
}
