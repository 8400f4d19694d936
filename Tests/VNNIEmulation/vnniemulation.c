#define _GNU_SOURCE /* the registers of a signal frame by name */
#include "vnniemulation.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

/* Intel SDM volume 1, 13.4: the XSAVE area. The signal frame holds it in standard format; Linux puts its size into the FXSAVE part. */
enum {
    XMM_OFFSET = 160, XSAVE_HEADER = 512, SOFTWARE_OFFSET = 464, SOFTWARE_MAGIC = 0x46505853,
    STATE_SSE = 1 << 1, STATE_AVX = 1 << 2, STATE_ZMM_HIGH = 1 << 6, REGISTERS = 16,
};

/* Opcodes: vpdpbusd, and vpdpwssd, which compilers make of vpmaddwd and vpaddd. */
enum { BYTES = 0x50, WORDS = 0x52 };

static unsigned ymm_offset, zmm_offset;
static uint64_t emulated;

/* One decoded instruction: sums += unsigned bytes of `left` times signed bytes of `right`, or words times words. */
typedef struct instruction {
    uint8_t opcode;
    unsigned sums, left, byte_count; /* registers; 16 or 32 */
    int right_register;              /* or -1 */
    uint64_t right_address;
    unsigned length;
} instruction;

static uint64_t general(const ucontext_t *context, unsigned number) {
    static const int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return (uint64_t)context->uc_mcontext.gregs[order[number]];
}

static int64_t displacement(const uint8_t *at, unsigned byte_count) {
    int32_t four;
    if (byte_count == 1) return (int8_t)*at;
    memcpy(&four, at, sizeof four);
    return four;
}

/* SDM volume 2, 2.3.5: C4, inverted R X B and map, W inverted vvvv L pp, opcode, ModRM and what follows it. */
static int decode(const ucontext_t *context, const uint8_t *code, instruction *out) {
    if (code[0] != 0xc4 || (code[1] & 0x1f) != 2 || (code[2] & 0x83) != 1 || (code[3] != BYTES && code[3] != WORDS)) return 0;
    const unsigned r = code[1] & 0x80 ? 0 : 8, x = code[1] & 0x40 ? 0 : 8, b = code[1] & 0x20 ? 0 : 8;
    const unsigned mode = code[4] >> 6, rm = code[4] & 7;
    out->opcode = code[3];
    out->sums = r | (code[4] >> 3 & 7);
    out->left = ~(code[2] >> 3) & 15;
    out->byte_count = code[2] & 4 ? 32 : 16;
    out->right_register = -1;
    const uint8_t *at = code + 5;
    if (mode == 3) {
        out->right_register = (int)(b | rm);
    } else {
        uint64_t address = 0;
        unsigned displaced = mode == 1 ? 1 : mode == 2 ? 4 : 0;
        const int is_relative = mode == 0 && rm == 5;
        if (rm == 4) {
            const unsigned scale = *at >> 6, index = x | (*at >> 3 & 7), base = *at & 7;
            at++;
            if (index != 4) address += general(context, index) << scale;
            if (mode == 0 && base == 5) displaced = 4;
            else address += general(context, b | base);
        } else if (is_relative) {
            displaced = 4;
        } else {
            address += general(context, b | rm);
        }
        if (displaced) address += (uint64_t)displacement(at, displaced);
        at += displaced;
        if (is_relative) address += (uint64_t)(uintptr_t)at;
        out->right_address = address;
    }
    out->length = (unsigned)(at - code);
    return 1;
}

static void read_register(const uint8_t *state, unsigned number, uint8_t value[32]) {
    uint64_t present;
    memcpy(&present, state + XSAVE_HEADER, sizeof present);
    memset(value, 0, 32);
    if (present & STATE_SSE) memcpy(value, state + XMM_OFFSET + 16 * number, 16);
    if (present & STATE_AVX) memcpy(value + 16, state + ymm_offset + 16 * number, 16);
}

/* A VEX instruction clears what lies above its width. */
static void write_register(uint8_t *state, unsigned number, const uint8_t value[32]) {
    uint64_t present;
    memcpy(&present, state + XSAVE_HEADER, sizeof present);
    if (!(present & STATE_SSE)) memset(state + XMM_OFFSET, 0, 16 * REGISTERS);
    if (!(present & STATE_AVX)) memset(state + ymm_offset, 0, 16 * REGISTERS);
    if (present & STATE_ZMM_HIGH) memset(state + zmm_offset + 32 * number, 0, 32);
    memcpy(state + XMM_OFFSET + 16 * number, value, 16);
    memcpy(state + ymm_offset + 16 * number, value + 16, 16);
    present |= STATE_SSE | STATE_AVX;
    memcpy(state + XSAVE_HEADER, &present, sizeof present);
}

static void perform(const instruction *in, uint8_t *state) {
    uint8_t left[32], right[32], sums[32];
    read_register(state, in->sums, sums);
    read_register(state, in->left, left);
    if (in->right_register >= 0) read_register(state, (unsigned)in->right_register, right);
    else memcpy(right, (const void *)(uintptr_t)in->right_address, in->byte_count);
    for (unsigned i = 0; i < in->byte_count; i += 4) {
        uint32_t sum;
        memcpy(&sum, sums + i, sizeof sum);
        if (in->opcode == BYTES) {
            for (unsigned j = i; j < i + 4; j++) sum += (uint32_t)((int32_t)left[j] * (int8_t)right[j]);
        } else {
            int16_t a[2], b[2];
            memcpy(a, left + i, sizeof a);
            memcpy(b, right + i, sizeof b);
            sum += (uint32_t)(a[0] * b[0]) + (uint32_t)(a[1] * b[1]);
        }
        memcpy(sums + i, &sum, sizeof sum);
    }
    if (in->byte_count == 16) memset(sums + 16, 0, 16);
    write_register(state, in->sums, sums);
}

static void on_illegal(int number, siginfo_t *information, void *argument) {
    (void)information;
    ucontext_t *context = argument;
    uint8_t *state = (uint8_t *)context->uc_mcontext.fpregs;
    uint32_t magic = 0;
    if (state) memcpy(&magic, state + SOFTWARE_OFFSET, sizeof magic);
    instruction in;
    int done = 0;
    /* Neighbours of the same kind are taken along: a trap costs far more than they do. */
    while (magic == SOFTWARE_MAGIC && decode(context, (const uint8_t *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP], &in)) {
        perform(&in, state);
        context->uc_mcontext.gregs[REG_RIP] += in.length;
        __atomic_fetch_add(&emulated, 1, __ATOMIC_RELAXED);
        done = 1;
    }
    if (!done) signal(number, SIG_DFL);
}

int tern_emulate_vnni(void) {
    unsigned a, b, c, d;
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__get_cpuid_count(0xd, 2, &a, &b, &c, &d) || b == 0) return 0;
    ymm_offset = b;
    if (__get_cpuid_count(0xd, 6, &a, &b, &c, &d)) zmm_offset = b;
    struct sigaction action = {.sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    return sigaction(SIGILL, &action, NULL) == 0;
}
#else
int tern_emulate_vnni(void) { return 0; }
static uint64_t emulated;
#endif

uint64_t tern_emulated_count(void) { return __atomic_load_n(&emulated, __ATOMIC_RELAXED); }
