/* N-17, the body of every set, in loops that the compiler turns into the set's vectors: no product is fused and no sum is reordered. The including
   file defines RELEVANCE_NAME(operation). */
typedef float relevance_lanes __attribute__((ext_vector_type(TERN_LANES)));
typedef float relevance_eight __attribute__((ext_vector_type(TERN_LANES / 2)));
typedef float relevance_four __attribute__((ext_vector_type(TERN_LANES / 4)));
typedef uint8_t relevance_bytes __attribute__((ext_vector_type(TERN_LANES)));
enum { RELEVANCE_BLOCK = 32 };
_Static_assert(TERN_PANEL % RELEVANCE_BLOCK == 0 && TERN_PANEL % TERN_LANES == 0, "rows of weights do not end with a block");

/* The tree of N-01. */
#define RELEVANCE_FOLD(lanes, sum)                                                        \
    do {                                                                                  \
        const relevance_eight eight = (lanes).lo + (lanes).hi;                            \
        const relevance_four four = eight.lo + eight.hi;                                  \
        (sum) = (four.x + four.z) + (four.y + four.w);                                    \
    } while (0)

void RELEVANCE_NAME(norms)(const tern_attention *op, size_t begin, size_t end) {
    for (size_t g = 0; g < op->kv_heads; g++) {
        for (size_t t = begin; t < end; t++) {
            const float *v = op->v + t * op->kv_stride + g * op->width;
            relevance_lanes sums = 0;
            for (size_t d = 0; d < op->width; d += TERN_LANES) {
                relevance_lanes values = 0;
                if (d + TERN_LANES <= op->width) memcpy(&values, v + d, sizeof values);
                else memcpy(&values, v + d, (op->width - d) * sizeof(float));
                sums = sums + values * values;
            }
            float square;
            RELEVANCE_FOLD(sums, square);
            op->kept_norms[g * op->kept_stride + t] = sqrtf(square);
        }
    }
}

void RELEVANCE_NAME(relevance_rows)(const tern_relevance *op, size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
        float sum = 0;
        for (size_t h = 0; h < op->heads && op->after[i] != 0; h++) {
            const uint8_t *weights = op->weights + (h * op->queries + i) * op->stride;
            const float *norms = op->norms + h * op->kv_heads / op->heads * op->stride;
            relevance_lanes sums = 0;
            for (size_t t = 0; t < op->stride; t += TERN_LANES) {
                relevance_bytes u;
                relevance_lanes n;
                memcpy(&u, weights + t, sizeof u);
                memcpy(&n, norms + t, sizeof n);
                sums = sums + __builtin_convertvector(u, relevance_lanes) * n;
            }
            float weighted;
            RELEVANCE_FOLD(sums, weighted);
            sum = sum + op->inverses[h * op->queries + i] * weighted;
        }
        const float part = sum > 0 ? 0.5f * op->after[i] / sum : 0;
        for (size_t h = 0; h < op->heads; h++) op->factors[h * op->queries + i] = part * op->inverses[h * op->queries + i];
    }
}

void RELEVANCE_NAME(relevance_columns)(const tern_relevance *op, size_t begin, size_t end) {
    for (size_t first = begin; first < end; first += RELEVANCE_BLOCK) {
        float before[RELEVANCE_BLOCK];
        for (size_t j = 0; j < RELEVANCE_BLOCK; j++) before[j] = first + j < op->queries ? 0.5f * op->after[first + j] : 0;
        for (size_t h = 0; h < op->heads; h++) {
            const uint8_t *weights = op->weights + h * op->queries * op->stride + first;
            const float *norms = op->norms + h * op->kv_heads / op->heads * op->stride + first;
            float sums[RELEVANCE_BLOCK] = {0};
            for (size_t i = 0; i < op->queries; i++, weights += op->stride) {
                const float factor = op->factors[h * op->queries + i];
                if (factor == 0) continue;
                for (size_t j = 0; j < RELEVANCE_BLOCK; j++) sums[j] = sums[j] + factor * (float)weights[j];
            }
            for (size_t j = 0; j < RELEVANCE_BLOCK; j++) before[j] = before[j] + norms[j] * sums[j];
        }
        for (size_t j = 0; j < RELEVANCE_BLOCK; j++) op->before[first + j] = before[j];
    }
}
