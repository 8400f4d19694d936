#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "internal.h"

#define TERN_SHARED(set)                                           \
    .norms = tern_norms__##set,                                    \
    .relevance_rows = tern_relevance_rows__##set,                  \
    .relevance_columns = tern_relevance_columns__##set,            \
    .resize_columns = tern_resize_columns__##set,                  \
    .resize_row = tern_resize_row__##set,                          \
    .resize_columns_u8 = tern_resize_columns_u8__##set,            \
    .resize_band_u8 = tern_resize_band_u8__##set,                  \
    .luminance_u8 = tern_luminance_u8__##set

/* `rows` is the set whose quantise_rows, layer_norm, relevance and resizing the table takes: its own or one that it includes. */
#define TERN_TABLE(set, number, rows)                              \
    static const tern_kernels table__##set = {                     \
        .isa = number,                                             \
        .name = #set,                                              \
        .quantise_rows = tern_quantise_rows__##rows,               \
        .linear = tern_linear__##set,                              \
        .attention = tern_attention__##set,                        \
        .layer_norm = tern_layer_norm__##rows,                     \
        TERN_SHARED(rows),                                         \
        .peak = tern_peak__##set,                                  \
    };
TERN_TABLE(scalar, TERN_ISA_SCALAR, scalar)
#if defined(__x86_64__)
TERN_TABLE(avx2, TERN_ISA_AVX2, avx2)
TERN_TABLE(avxvnni, TERN_ISA_AVXVNNI, avx2)
TERN_TABLE(avx512vnni, TERN_ISA_AVX512VNNI, avx512vnni)

static const tern_kernels table__avx512vbmi = {
    .isa = TERN_ISA_AVX512VBMI,
    .name = "avx512vbmi",
    .quantise_rows = tern_quantise_rows__avx512vnni,
    .linear = tern_linear__avx512vbmi,
    .prepared_bytes = tern_prepared_bytes__avx512vbmi,
    .prepare = tern_prepare__avx512vbmi,
    .attention = tern_attention__avx512vnni,
    .layer_norm = tern_layer_norm__avx512vnni,
    TERN_SHARED(avx512vnni),
    .peak = tern_peak__avx512vnni,
};

static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

static int has_avxvnni(void) { return has_avx2() && __builtin_cpu_supports("avxvnni"); }

static int has_avx512vnni(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

static int has_avx512vbmi(void) { return has_avx512vnni() && __builtin_cpu_supports("avx512vbmi"); }
#elif defined(__aarch64__)
TERN_TABLE(neon, TERN_ISA_NEON, neon)
TERN_TABLE(neondot, TERN_ISA_NEONDOT, neon)
TERN_TABLE(neoni8mm, TERN_ISA_NEONI8MM, neon)

/* The kernel's answer, left in memory at the start of the program: what the CPU has and the operating system keeps. */
static int has_neon(void) { return (getauxval(AT_HWCAP) & HWCAP_ASIMD) != 0; }
static int has_neondot(void) { return has_neon() && (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
static int has_neoni8mm(void) { return has_neondot() && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0; }
#endif

const tern_kernels *tern_kernels_for(tern_isa isa) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (isa == TERN_ISA_AVX2) return has_avx2() ? &table__avx2 : NULL;
    if (isa == TERN_ISA_AVXVNNI) return has_avxvnni() ? &table__avxvnni : NULL;
    if (isa == TERN_ISA_AVX512VBMI) return has_avx512vbmi() ? &table__avx512vbmi : NULL;
    if (isa == TERN_ISA_AVX512VNNI) return has_avx512vnni() ? &table__avx512vnni : NULL;
#elif defined(__aarch64__)
    if (isa == TERN_ISA_NEON) return has_neon() ? &table__neon : NULL;
    if (isa == TERN_ISA_NEONDOT) return has_neondot() ? &table__neondot : NULL;
    if (isa == TERN_ISA_NEONI8MM) return has_neoni8mm() ? &table__neoni8mm : NULL;
#endif
    return isa == TERN_ISA_SCALAR ? &table__scalar : NULL;
}

const tern_kernels *tern_kernels_to_emulate(tern_isa isa) {
#if defined(__x86_64__)
    if (isa == TERN_ISA_AVXVNNI && tern_kernels_for(TERN_ISA_AVX2)) return &table__avxvnni;
#else
    (void)isa;
#endif
    return NULL;
}

const char *tern_isa_name(tern_isa isa) {
    switch (isa) {
    case TERN_ISA_SCALAR: return "scalar";
    case TERN_ISA_AVX2: return "avx2";
    case TERN_ISA_AVX512VNNI: return "avx512vnni";
    case TERN_ISA_AVXVNNI: return "avxvnni";
    case TERN_ISA_AVX512VBMI: return "avx512vbmi";
    case TERN_ISA_NEON: return "neon";
    case TERN_ISA_NEONDOT: return "neondot";
    case TERN_ISA_NEONI8MM: return "neoni8mm";
    }
    return NULL;
}
