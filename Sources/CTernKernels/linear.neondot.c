#if defined(__aarch64__)
#include <arm_neon.h>

#include "internal.h"

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#include "tile.neondot.h"

#include "linear.neon.h"

void tern_linear__neondot(const tern_linear *op, size_t part, size_t parts, void *scratch) {
    const size_t blocks = (op->m + TERN_ROWS - 1) / TERN_ROWS, panels = (op->n + TERN_PANEL - 1) / TERN_PANEL;
    if (op->kind == TERN_WEIGHTS_F32) tern_linear__neon(op, part, parts, scratch);
    else integer_layer(op, tern_share_of(panels * blocks, part, parts), blocks, scratch);
}
#pragma clang attribute pop
#endif
