#include "gateway/command.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What getopt_long answers for an option without a letter. */
enum { OPTION_JSON = 256, OPTION_HELP_CONFIG };

static const char general_help[] =
    "Usage: wardgate COMMAND [OPTION]...\n"
    "Carries the traffic of legacy medical devices over mutual TLS to hospital servers.\n"
    "\n"
    "  run       run the gateway in the foreground, its log on stderr\n"
    "  check     read the configuration, certificates and keys; print every problem\n"
    "  status    show what each device of the running gateway does\n"
    "  reload    make the running gateway read its configuration anew\n"
    "  verify    judge a certificate chain with its CRLs and OCSP answers, and say why\n"
    "  version   print the version\n"
    "\n"
    "'wardgate COMMAND --help' tells more. Manual: wardgate(8), wardgate.conf(5).\n"
    "Exit codes: 0 good, 1 refused by verify, 64 wrong usage, 69 cannot bind or open, or no\n"
    "gateway answers, 70 internal error, 78 wrong configuration.\n";

static const char run_help[] =
    "Usage: wardgate run [-c FILE]\n"
    "Runs the gateway in the foreground until SIGTERM or SIGINT; its log goes to stderr.\n"
    "\n"
    "  -c, --config FILE   configuration [" COMMAND_CONF_PATH "]\n"
    "  -h, --help          this text\n"
    "\n"
    "SIGTERM, SIGINT: no new links, open ones get drain_timeout, then exit; a second one\n"
    "ends at once. SIGHUP: read the configuration anew.\n";

static const char check_help[] =
    "Usage: wardgate check [-c FILE]\n"
    "       wardgate check --help-config\n"
    "Reads the configuration with all certificates and keys and prints every problem as\n"
    "FILE:LINE: what is wrong; what would be right. Touches no port and no running gateway.\n"
    "\n"
    "  -c, --config FILE   configuration [" COMMAND_CONF_PATH "]\n"
    "      --help-config   list every key with its type, default and bounds\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit code 0 when all is good, 78 when there is a problem.\n";

static const char status_help[] =
    "Usage: wardgate status [-c FILE] [--json]\n"
    "Asks the running gateway and shows a table: each device with its state, peer,\n"
    "certificate, traffic and last fault.\n"
    "\n"
    "  -c, --config FILE   configuration, where the control socket is named\n"
    "                      [" COMMAND_CONF_PATH "]\n"
    "      --json          everything, as one line of JSON\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit code 69 when no gateway answers.\n";

static const char reload_help[] =
    "Usage: wardgate reload [-c FILE]\n"
    "Makes the running gateway read its own configuration file anew and waits for the\n"
    "result. Only devices whose section changed are restarted. When anything is wrong, the\n"
    "gateway keeps what it has, and every problem is printed.\n"
    "\n"
    "  -c, --config FILE   configuration, where the control socket is named\n"
    "                      [" COMMAND_CONF_PATH "]\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit code 78 when the new configuration is wrong, 69 when no gateway answers or a new\n"
    "address cannot be bound.\n";

static const char version_help[] =
    "Usage: wardgate version [-v]\n"
    "\n"
    "  -v, --verbose   the libraries, the cipher suites and the licence, too\n"
    "  -h, --help      this text\n";

struct command {
    const char *name;
    int (*run)(const struct command_options *options);
    const char *letters;      /* for getopt; an option that is not here is refused */
    const char *long_letters; /* of long options without a letter: j(son), k(eys) */
    const char *help;
};

static const struct command commands[] = {
    {"run", cmd_run, ":hc:", "", run_help},
    {"check", cmd_check, ":hc:", "k", check_help},
    {"status", cmd_status, ":hc:", "j", status_help},
    {"reload", cmd_reload, ":hc:", "", reload_help},
    {"version", cmd_version, ":hv", "", version_help},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {"verbose", no_argument, NULL, 'v'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help-config", optional_argument, NULL, OPTION_HELP_CONFIG},
    {NULL, 0, NULL, 0},
};

/* "wardgate status: WHAT SUBJECT; try 'wardgate status --help'" */
static int refuse(const struct command *c, const char *what, const char *subject)
{
    (void)fprintf(stderr, "wardgate %s: %s %s; try 'wardgate %s --help'\n", c->name, what, subject,
                  c->name);
    return COMMAND_USAGE;
}

static bool has_option(const struct command *c, int option)
{
    if (option == OPTION_JSON) {
        return strchr(c->long_letters, 'j') != NULL;
    }
    if (option == OPTION_HELP_CONFIG) {
        return strchr(c->long_letters, 'k') != NULL;
    }
    return strchr(c->letters, option) != NULL;
}

/* False when the option's value is none that we know. */
static bool note_option(struct command_options *o, int option)
{
    switch (option) {
    case 'c':
        o->conf_path = optarg;
        return true;
    case 'v':
        o->is_verbose = true;
        return true;
    case OPTION_JSON:
        o->is_json = true;
        return true;
    default:
        o->shows_keys = optarg == NULL;
        o->shows_keys_roff = optarg != NULL && strcmp(optarg, "roff") == 0;
        return o->shows_keys || o->shows_keys_roff;
    }
}

/* What getopt did not like, as it was written. */
static const char *unliked(char **argv)
{
    static char letter[3];
    if (optopt == 0 || optopt >= OPTION_JSON || argv[optind - 1][1] == '-') {
        return argv[optind - 1];
    }
    (void)snprintf(letter, sizeof(letter), "-%c", optopt);
    return letter;
}

static int run_command(const struct command *c, int argc, char **argv)
{
    struct command_options options = {.conf_path = COMMAND_CONF_PATH};
    int option = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, c->letters, long_options, NULL)) != -1) {
        if (option == 'h') {
            return fputs(c->help, stdout) < 0 ? COMMAND_INTERNAL : COMMAND_OK;
        }
        if (option == ':') {
            return refuse(c, "a value is missing after", unliked(argv));
        }
        if (option == '?' || !has_option(c, option)) {
            return refuse(c, "unknown option", unliked(argv));
        }
        if (!note_option(&options, option)) {
            return refuse(c, "unknown value of --help-config:", optarg);
        }
    }
    if (optind < argc) {
        return refuse(c, "needless argument", argv[optind]);
    }
    return c->run(&options);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

int command_main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        return fputs(general_help, stdout) < 0 ? COMMAND_INTERNAL : COMMAND_OK;
    }
    if (strcmp(name, "verify") == 0) {
        return cmd_verify(argc - 1, argv + 1);
    }
    const struct command *c = find_command(strcmp(name, "--version") == 0 ? "version" : name);
    if (c != NULL) {
        return run_command(c, argc - 1, argv + 1);
    }
    if (name[0] == '\0') {
        (void)fprintf(stderr, "wardgate: a command is missing; try 'wardgate --help'\n");
    } else {
        (void)fprintf(stderr, "wardgate: unknown command %s; try 'wardgate --help'\n", name);
    }
    return COMMAND_USAGE;
}
