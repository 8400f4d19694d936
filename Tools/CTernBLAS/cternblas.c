#include "cternblas.h"
