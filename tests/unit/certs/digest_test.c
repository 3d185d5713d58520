#include <string.h>

#include <criterion/criterion.h>

#include "certs/digest.h"

/* FIPS 180-4, example "abc". */
Test(digest, gives_the_value_of_the_standards_example)
{
    uint8_t digest[DIGEST_LEN];
    char text[DIGEST_TEXT_MAX];

    cr_assert(digest_sha256(span_of("abc", 3), digest));
    digest_text(digest, text);
    cr_assert_str_eq(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Test(digest, of_nothing_is_the_value_of_the_empty_text)
{
    uint8_t digest[DIGEST_LEN];
    char text[DIGEST_TEXT_MAX];

    cr_assert(digest_sha256(span_of("", 0), digest));
    digest_text(digest, text);
    cr_assert_str_eq(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
