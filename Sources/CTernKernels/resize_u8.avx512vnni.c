#if defined(__x86_64__)
#include "resize.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#define RESIZE_NAME(operation) tern_resize_##operation##__avx512vnni
#define LUMINANCE_NAME tern_luminance_u8__avx512vnni
#include "resize_u8.h"
#pragma clang attribute pop
#endif
