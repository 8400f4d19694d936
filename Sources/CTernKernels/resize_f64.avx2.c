#if defined(__x86_64__)
#include "resize.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define REAL_LANES 4
#define REAL_REGISTERS 2
#define RESIZE_NAME(operation) tern_resize_##operation##__avx2
#include "resize_f64.h"
#pragma clang attribute pop
#endif
