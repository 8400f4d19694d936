/* The static device program resolves no host names: libevent's references to the resolver end here, which keeps the C library's resolver and
   its name service modules, half a megabyte that could not load anyway, out of the program. */
#ifdef TERN_DEVICE

#include <netdb.h>
#include <stddef.h>
#include <string.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    (void)node;
    (void)service;
    (void)hints;
    *found = NULL;
    return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *found) { (void)found; }

const char *gai_strerror(int code)
{
    (void)code;
    return "names are not resolved";
}

/* evhttp asks for the name of every peer; ours are all on a Unix socket. */
int getnameinfo(const struct sockaddr *address, socklen_t address_bytes, char *host, socklen_t host_bytes, char *service, socklen_t service_bytes,
                int flags)
{
    (void)address;
    (void)address_bytes;
    (void)flags;
    if (host && host_bytes)
        *host = 0;
    if (service && service_bytes)
        *service = 0;
    return 0;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
    (void)name;
    (void)protocol;
    return NULL;
}

struct protoent *getprotobynumber(int number)
{
    (void)number;
    return NULL;
}

#endif
typedef int tern_names_is_not_empty;
