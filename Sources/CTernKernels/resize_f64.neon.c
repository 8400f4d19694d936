#if defined(__aarch64__)
#include "resize.h"

#define REAL_LANES 2
#define REAL_REGISTERS 4
#define RESIZE_NAME(operation) tern_resize_##operation##__neon
#include "resize_f64.h"
#endif
