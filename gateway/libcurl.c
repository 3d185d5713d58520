#include "gateway/libcurl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

struct libcurl libcurl;

static int refuse(struct fault *f, const char *soname, const char *why)
{
    return fault_set(f, FAULT_IO, FAULT_SIDE_SELF, soname, why);
}

/* POSIX hands out a function as an object pointer, which ISO C can not convert. */
static bool find(void *library, const char *name, void *call, size_t len)
{
    void *found = dlsym(library, name);
    memcpy(call, &found, len);
    return found != NULL;
}

/* Fills the table. False: a call is missing. */
static bool find_all(void *library, struct libcurl *made)
{
    bool has_all = true;
#define LIBCURL_FIND(name)                                                                         \
    has_all = find(library, "curl_" #name, &made->name, sizeof(made->name)) && has_all;
    LIBCURL_CALLS(LIBCURL_FIND)
#undef LIBCURL_FIND
    return has_all;
}

int libcurl_load(const char *soname, struct fault *f)
{
    struct libcurl made;
    if (libcurl.global_init != NULL) {
        return 0;
    }
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        return refuse(f, soname, " can not be loaded: install the package libcurl4");
    }
    if (!find_all(library, &made) || made.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void)dlclose(library); /* nothing of it is in use */
        return refuse(f, soname, " is too old or not whole: install the package libcurl4");
    }
    libcurl = made;
    return 0;
}
