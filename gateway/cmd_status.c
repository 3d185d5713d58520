#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "certs/mem.h"
#include "gateway/ask.h"
#include "gateway/command.h"
#include "gateway/table.h"

enum { STATUS_WAIT_S = 10 };

/* How wide the person's terminal is; 0 when nobody looks (a file, a pipe). */
static unsigned terminal_columns(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO)) {
        return 0;
    }
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return TABLE_COLUMNS_USUAL;
}

int cmd_status(const struct command_options *options)
{
    int code = COMMAND_OK;
    char *text = ask_gateway(options->conf_path, "status", "status", STATUS_WAIT_S, &code);
    if (text == NULL) {
        return code;
    }
    if (options->is_json) {
        code = fputs(text, stdout) < 0 ? COMMAND_INTERNAL : COMMAND_OK;
    } else {
        unsigned columns = terminal_columns();
        struct table_look look = {.columns = columns,
                                  .is_coloured = columns > 0 && getenv("NO_COLOR") == NULL};
        if (table_print(stdout, text, &look) != 0) {
            (void)fprintf(stderr, "wardgate status: the gateway's answer cannot be read\n");
            code = COMMAND_INTERNAL;
        }
    }
    mem_free(text);
    return code;
}
