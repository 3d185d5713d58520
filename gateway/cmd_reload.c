#include <jansson.h>
#include <stdio.h>

#include "certs/mem.h"
#include "gateway/ask.h"
#include "gateway/command.h"

/* Big configurations take their time: every key is tried against its certificate. */
enum { RELOAD_WAIT_S = 120 };

static int tell_failure(const json_t *answer)
{
    const json_t *problems = json_object_get(answer, "problems");
    const char *error = json_string_value(json_object_get(answer, "error"));
    for (size_t i = 0; i < json_array_size(problems); i++) {
        (void)fprintf(stderr, "%s\n", json_string_value(json_array_get(problems, i)));
    }
    if (json_array_size(problems) > 0) {
        (void)fprintf(stderr, "wardgate reload: nothing was changed\n");
        return COMMAND_CONFIG;
    }
    (void)fprintf(stderr, "wardgate reload: %s; nothing was changed\n",
                  error != NULL ? error : "the answer cannot be read");
    return COMMAND_UNAVAILABLE;
}

int cmd_reload(const struct command_options *options)
{
    int code = COMMAND_OK;
    char *text = ask_gateway(options->conf_path, "reload", "reload", RELOAD_WAIT_S, &code);
    if (text == NULL) {
        return code;
    }
    json_t *answer = json_loads(text, 0, NULL);
    if (json_is_true(json_object_get(answer, "ok"))) {
        (void)printf("reloaded: generation %" JSON_INTEGER_FORMAT "\n",
                     json_integer_value(json_object_get(answer, "generation")));
    } else {
        code = tell_failure(answer);
    }
    json_decref(answer);
    mem_free(text);
    return code;
}
