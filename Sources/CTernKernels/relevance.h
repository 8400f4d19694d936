/* N-17, the body of every set, in loops that the compiler turns into the set's vectors: no product is fused and no sum is reordered. The including
   file defines RELEVANCE_NAME(operation). */
enum { RELEVANCE_BLOCK = 32 };
_Static_assert(TERN_PANEL % RELEVANCE_BLOCK == 0 && TERN_PANEL % TERN_LANES == 0, "rows of weights do not end with a block");

static float fold(float lanes[TERN_LANES]) {
    for (size_t half = TERN_LANES / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++) lanes[j] = lanes[j] + lanes[j + half];
    return lanes[0];
}

void RELEVANCE_NAME(norms)(const tern_attention *op, size_t begin, size_t end) {
    for (size_t g = 0; g < op->kv_heads; g++) {
        for (size_t t = begin; t < end; t++) {
            const float *v = op->v + t * op->kv_stride + g * op->width;
            float lanes[TERN_LANES] = {0};
            size_t d = 0;
            for (; d + TERN_LANES <= op->width; d += TERN_LANES)
                for (size_t j = 0; j < TERN_LANES; j++) lanes[j] = lanes[j] + v[d + j] * v[d + j];
            for (size_t j = 0; d + j < op->width; j++) lanes[j] = lanes[j] + v[d + j] * v[d + j];
            op->kept_norms[g * op->kept_stride + t] = sqrtf(fold(lanes));
        }
    }
}

void RELEVANCE_NAME(relevance_rows)(const tern_relevance *op, size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
        float sum = 0;
        for (size_t h = 0; h < op->heads && op->after[i] != 0; h++) {
            const uint8_t *weights = op->weights + (h * op->queries + i) * op->stride;
            const float *norms = op->norms + h * op->kv_heads / op->heads * op->stride;
            float lanes[TERN_LANES] = {0};
            for (size_t t = 0; t < op->stride; t += TERN_LANES)
                for (size_t j = 0; j < TERN_LANES; j++) lanes[j] = lanes[j] + (float)weights[t + j] * norms[t + j];
            sum = sum + op->inverses[h * op->queries + i] * fold(lanes);
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
