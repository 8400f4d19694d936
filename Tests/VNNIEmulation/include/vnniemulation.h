/* Runs code for AVX-VNNI on a CPU without it, for tests: the instructions it lacks are emulated when they trap. */
#pragma once

#include <stdint.h>

/* Handles SIGILL of vpdpbusd and vpdpwssd in VEX encoding from now on; any other illegal instruction ends the process as before. 1 when this is an
   x86-64 CPU and operating system with AVX2 that the emulation works on, else 0 and nothing changes. */
int tern_emulate_vnni(void);

/* Instructions emulated so far. */
uint64_t tern_emulated_count(void);
