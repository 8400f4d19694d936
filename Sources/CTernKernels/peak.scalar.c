#include "internal.h"

/* Multiply-adds on scalar registers: eight independent chains. */
uint64_t tern_peak__scalar(uint64_t rounds) {
    enum { CHAINS = 8 };
    int32_t sums[CHAINS] = {0}, factors[CHAINS] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (uint64_t i = 0; i < rounds; i++) {
        for (int j = 0; j < CHAINS; j++) {
            __asm__ volatile("" : "+r"(factors[j]));
            sums[j] = (int32_t)((uint32_t)sums[j] + (uint32_t)(factors[j] * 3));
        }
    }
    for (int j = 0; j < CHAINS; j++) __asm__ volatile("" : : "r"(sums[j]));
    return rounds * CHAINS;
}
