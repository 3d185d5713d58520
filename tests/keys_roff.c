/* Prints the key table of wardgate.conf(5); `make lint` wants the manual page to hold exactly this
 * text. */
#include <stdio.h>

#include "conf/keys.h"

int main(void)
{
    return keys_print_roff(stdout) == 0 ? 0 : 1;
}
