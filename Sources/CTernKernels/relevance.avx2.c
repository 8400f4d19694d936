#if defined(__x86_64__)
#include <math.h>

#include "internal.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define RELEVANCE_NAME(operation) tern_##operation##__avx2
#include "relevance.h"
#pragma clang attribute pop
#endif
