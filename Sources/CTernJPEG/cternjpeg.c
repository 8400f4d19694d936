#include "cternjpeg.h"
