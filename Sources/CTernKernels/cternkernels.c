#include "cternkernels.h"
