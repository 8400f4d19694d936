/* Thin shims over the C library, libsodium and libevent; TernPlatform is the Swift face. */
#pragma once

#include "pool.h"
#include "files.h"
#include "store.h"
#include "tree.h"
#include "folder.h"
#include "digest.h"
#include "worker.h"
#include "http.h"
#include "sandbox.h"
#include "sockets.h"
#include "installation.h"
#include "frames.h"
#include "system.h"
