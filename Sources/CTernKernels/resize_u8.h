/* Resizing of bytes, the body of every vector set. The including file defines RESIZE_NAME(operation). A vector has 16 columns or 16 rows; the compiler
   splits it into the registers of the set. Integers that wrap: any order gives the same bits. */
typedef uint8_t byte_lanes __attribute__((ext_vector_type(16)));
typedef uint32_t sum_lanes __attribute__((ext_vector_type(16)));
typedef int32_t signed_sum_lanes __attribute__((ext_vector_type(16)));
_Static_assert(TERN_RESIZE_BAND == 16, "a band is one vector");

enum { BYTE_BLOCK = 16, BYTE_OUTPUTS = 4 };
#define BYTE_INLINE static inline __attribute__((always_inline))

BYTE_INLINE void add_bytes(const tern_resize_columns_u8 *op, size_t column, size_t first, const int count) {
    sum_lanes sum[BYTE_OUTPUTS];
    int32_t *at[BYTE_OUTPUTS];
#pragma clang loop unroll(full)
    for (int k = 0; k < count; k++) {
        at[k] = tern_resize_sums_u8(op, first + (size_t)k) + column;
        if (first + (size_t)k < op->continued) memcpy(&sum[k], at[k], sizeof sum[k]);
        else sum[k] = (sum_lanes)(uint32_t)TERN_RESIZE_HALF;
    }
    const int32_t *weight = op->weights + first;
    const uint8_t *from = op->samples + column;
    for (size_t row = 0; row < op->row_count; row++, weight += op->output_count, from += op->row_bytes) {
        byte_lanes bytes;
        memcpy(&bytes, from, sizeof bytes);
        bytes ^= (byte_lanes)op->flip;
        const sum_lanes value = __builtin_convertvector(bytes, sum_lanes);
#pragma clang loop unroll(full)
        for (int k = 0; k < count; k++) sum[k] = sum[k] + value * (uint32_t)weight[k];
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < count; k++) memcpy(at[k], &sum[k], sizeof sum[k]);
}

void RESIZE_NAME(columns_u8)(const tern_resize_columns_u8 *op) {
    size_t column = 0;
    for (; column + BYTE_BLOCK <= op->column_count; column += BYTE_BLOCK)
        for (size_t first = 0; first < op->output_count; first += BYTE_OUTPUTS) {
            switch (tern_minimum(op->output_count - first, BYTE_OUTPUTS)) {
            case 1: add_bytes(op, column, first, 1); break;
            case 2: add_bytes(op, column, first, 2); break;
            case 3: add_bytes(op, column, first, 3); break;
            default: add_bytes(op, column, first, 4); break;
            }
        }
    tern_resize_add_columns_u8(op, column);
}

/* Rows become columns: four rounds, in each of which the first half is interleaved with the second. */
BYTE_INLINE void transpose(byte_lanes block[16]) {
#pragma clang loop unroll(full)
    for (int round = 0; round < 4; round++) {
        byte_lanes next[16];
#pragma clang loop unroll(full)
        for (int i = 0; i < 8; i++) {
            next[2 * i] = __builtin_shufflevector(block[i], block[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            next[2 * i + 1] = __builtin_shufflevector(block[i], block[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
        memcpy(block, next, sizeof next);
    }
}

/* [row_count][columns] -> [columns][16]; rows past the last are copies of it. */
static void stand_up(const tern_resize_band_u8 *op, uint8_t *upright) {
    const size_t columns = op->column_count * op->channels;
    size_t column = 0;
    for (; column + 16 <= columns; column += 16) {
        byte_lanes block[16];
        for (size_t row = 0; row < 16; row++) {
            memcpy(&block[row], op->samples + tern_minimum(row, op->row_count - 1) * op->row_bytes + column, 16);
            block[row] ^= (byte_lanes)op->flip;
        }
        transpose(block);
        memcpy(upright + column * 16, block, sizeof block);
    }
    for (; column < columns; column++)
        for (size_t row = 0; row < 16; row++)
            upright[column * 16 + row] = op->samples[tern_minimum(row, op->row_count - 1) * op->row_bytes + column] ^ op->flip;
}

/* [columns][16] -> [row_count][columns]. */
static void lie_down(const tern_resize_band_u8 *op, const uint8_t *upright) {
    const size_t columns = op->output_count * op->channels;
    size_t column = 0;
    for (; column + 16 <= columns; column += 16) {
        byte_lanes block[16];
        memcpy(block, upright + column * 16, sizeof block);
        transpose(block);
        for (size_t row = 0; row < op->row_count; row++) memcpy(op->result + row * columns + column, &block[row], 16);
    }
    for (; column < columns; column++)
        for (size_t row = 0; row < op->row_count; row++) op->result[row * columns + column] = upright[column * 16 + row];
}

BYTE_INLINE void resample(const tern_resize_band_u8 *op, const uint8_t *from, uint8_t *to, const int channels) {
    for (size_t output = 0; output < op->output_count; output++) {
        const int32_t *weight = op->weights + output * op->weight_stride;
        const uint8_t *at = from + (size_t)op->firsts[output] * (size_t)channels * 16;
        sum_lanes sum[3];
#pragma clang loop unroll(full)
        for (int c = 0; c < channels; c++) sum[c] = (sum_lanes)(uint32_t)TERN_RESIZE_HALF;
        for (int32_t tap = 0; tap < op->counts[output]; tap++)
#pragma clang loop unroll(full)
            for (int c = 0; c < channels; c++, at += 16) {
                byte_lanes bytes;
                memcpy(&bytes, at, sizeof bytes);
                sum[c] = sum[c] + __builtin_convertvector(bytes, sum_lanes) * (uint32_t)weight[tap];
            }
#pragma clang loop unroll(full)
        for (int c = 0; c < channels; c++, to += 16) {
            signed_sum_lanes value = (signed_sum_lanes)sum[c] >> TERN_RESIZE_FRACTION;
            value = value < (signed_sum_lanes)0 ? (signed_sum_lanes)0 : value;
            value = value > (signed_sum_lanes)255 ? (signed_sum_lanes)255 : value;
            const byte_lanes bytes = __builtin_convertvector(value, byte_lanes);
            memcpy(to, &bytes, sizeof bytes);
        }
    }
}

void RESIZE_NAME(band_u8)(const tern_resize_band_u8 *op) {
    uint8_t *resampled = op->scratch + op->column_count * op->channels * 16;
    stand_up(op, op->scratch);
    if (op->channels == 1) resample(op, op->scratch, resampled, 1);
    else resample(op, op->scratch, resampled, 3);
    lie_down(op, resampled);
}

void LUMINANCE_NAME(const uint8_t *rgb, size_t count, uint8_t *grey) {
    for (size_t i = 0; i < count; i++) grey[i] = tern_luminance(rgb + 3 * i);
}
