#include "cternpng.h"
