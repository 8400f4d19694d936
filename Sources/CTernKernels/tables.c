#include "internal.h"

#define TERN_TABLE(set, number)                                    \
    static const tern_kernels table__##set = {                     \
        .isa = number,                                             \
        .name = #set,                                              \
        .quantise_rows = tern_quantise_rows__##set,                \
        .linear = tern_linear__##set,                              \
        .attention = tern_attention__##set,                        \
        .layer_norm = tern_layer_norm__##set,                      \
        .peak = tern_peak__##set,                                  \
    };
TERN_TABLE(scalar, TERN_ISA_SCALAR)
const tern_kernels *tern_kernels_for(tern_isa isa) {
    return isa == TERN_ISA_SCALAR ? &table__scalar : NULL;
}

const char *tern_isa_name(tern_isa isa) {
    switch (isa) {
    case TERN_ISA_SCALAR: return "scalar";
    case TERN_ISA_AVX2: return "avx2";
    case TERN_ISA_AVX512VNNI: return "avx512vnni";
    }
    return NULL;
}
