#include "gateway/command.h"
#include "gateway/version.h"

int cmd_version(const struct command_options *options)
{
    return version_print(stdout, options->is_verbose) == 0 ? COMMAND_OK : COMMAND_INTERNAL;
}
