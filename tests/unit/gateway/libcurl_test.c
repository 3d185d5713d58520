#include <dlfcn.h>
#include <string.h>

#include <criterion/criterion.h>

#include "gateway/fetcher.h"
#include "gateway/libcurl.h"

static bool is_loaded(void)
{
    void *library = dlopen(LIBCURL_SONAME, RTLD_NOW | RTLD_NOLOAD);
    if (library != NULL) {
        (void)dlclose(library);
    }
    return library != NULL;
}

Test(libcurl, is_not_there_before_the_first_url_and_stays_after_it)
{
    char host[FETCHER_HOST_MAX];
    uint16_t port = 0;
    cr_assert(!is_loaded());
    cr_assert_eq(fetcher_url_host("http://crl.example/a.crl", host, &port, NULL), 0);
    cr_expect(is_loaded());
    cr_expect_eq(libcurl_load("libnone.so.0", NULL), 0, "it is there already");
}

Test(libcurl, says_what_to_install_when_it_is_missing_and_tries_again)
{
    struct fault fault = {.code = FAULT_NONE};
    cr_assert_eq(libcurl_load("libnone.so.0", &fault), FAULT_IO);
    cr_expect_eq(fault.side, FAULT_SIDE_SELF);
    cr_expect_str_eq(fault.note, "libnone.so.0 can not be loaded: install the package libcurl4");
    cr_expect_eq(libcurl_load("libnone.so.0", NULL), FAULT_IO);
    cr_expect_eq(libcurl_load(LIBCURL_SONAME, &fault), 0);
    cr_expect(libcurl.easy_init != NULL);
}

Test(libcurl, refuses_a_library_that_lacks_a_call)
{
    struct fault fault = {.code = FAULT_NONE};
    cr_assert_eq(libcurl_load("libm.so.6", &fault), FAULT_IO);
    cr_expect(strstr(fault.note, "not whole") != NULL, "%s", fault.note);
    cr_expect(libcurl.easy_init == NULL, "nothing half");
}
