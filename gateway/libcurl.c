#include "gateway/libcurl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct libcurl libcurl;

static int refuse(struct fault *f, const char *soname, const char *why)
{
    return fault_set(f, FAULT_IO, FAULT_SIDE_SELF, soname, why);
}

struct call {
    const char *name;
    size_t at; /* in the table */
};

static const struct call calls[] = {
#define LIBCURL_CALL(name) {"curl_" #name, offsetof(struct libcurl, name)},
    LIBCURL_CALLS(LIBCURL_CALL)
#undef LIBCURL_CALL
};

/* Fills the table. False: a call is missing. */
static bool find_all(void *library, struct libcurl *made)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        void *found = dlsym(library, calls[i].name);
        if (found == NULL) {
            return false;
        }
        /* POSIX hands out a function as an object pointer, which ISO C can not convert. */
        memcpy((char *)made + calls[i].at, &found, sizeof(found));
    }
    return true;
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
