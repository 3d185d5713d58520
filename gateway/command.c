#include "gateway/command.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What getopt_long answers for an option without a letter. */
enum { OPTION_JSON = 256, OPTION_HELP_CONFIG, OPTION_REASON, OPTION_FOR, OPTION_END };

static const char general_help[] =
    "Usage: wardgate COMMAND [OPTION]...\n"
    "Carries the traffic of legacy medical devices over mutual TLS to hospital servers.\n"
    "\n"
    "  run       run the gateway in the foreground, its log on stderr\n"
    "  check     read the configuration, certificates and keys; print every problem\n"
    "  status    show what each device of the running gateway does\n"
    "  reload    make the running gateway read its configuration anew\n"
    "  verify    judge a certificate chain with its CRLs and OCSP answers, and say why\n"
    "  modbus    find, ask and write Modbus devices by hand; the rules about them:\n"
    "            'wardgate modbus --help'\n"
    "  version   print the version\n"
    "  block     cut a device or a certificate off at once, without any CA\n"
    "  unblock   undo a block\n"
    "  break-glass         let a device's links come up without a verdict for a while\n"
    "  revocation refresh  read every CRL source now\n"
    "\n"
    "'wardgate COMMAND --help' tells more. Manual: wardgate(8), wardgate.conf(5).\n"
    "Exit codes: 0 good, 1 refused by verify, 64 wrong usage, 69 cannot bind or open, no\n"
    "gateway answers or a source failed, 70 internal error, 78 wrong configuration.\n";

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
    "What is hardly meant, such as a rule that can never match, is a warning.\n"
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

static const char revocation_help[] =
    "Usage: wardgate revocation refresh [-c FILE] [--json]\n"
    "Makes the running gateway read every CRL source now, and waits until the verdicts that\n"
    "follow are in force: a link with a peer that is revoked now is cut when this returns.\n"
    "\n"
    "  -c, --config FILE   configuration, where the control socket is named\n"
    "                      [" COMMAND_CONF_PATH "]\n"
    "      --json          the gateway's answer, as one line of JSON\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit code 69 when a source failed (it is named) or no gateway answers.\n";

static const char block_help[] =
    "Usage: wardgate block SERIAL|FINGERPRINT|DEVICE --reason TEXT [-c FILE] [--json]\n"
    "Cuts its links at once and lets none come up, whatever the CA says, also after a restart.\n"
    "\n"
    "  SERIAL              serial number of a certificate, hexadecimal, as status shows it\n"
    "  FINGERPRINT         SHA-256 over a certificate, 64 hexadecimal digits\n"
    "  DEVICE              name of a device's section; it wins when it looks like a serial\n"
    "      --reason TEXT   kept beside the block; required\n"
    "  -c, --config FILE   configuration, where the control socket is named\n"
    "                      [" COMMAND_CONF_PATH "]\n"
    "      --json          the gateway's answer, as one line of JSON\n"
    "  -h, --help          this text\n"
    "\n"
    "'wardgate status' shows the block list. Exit code 69 when no gateway answers.\n";

static const char unblock_help[] =
    "Usage: wardgate unblock SERIAL|FINGERPRINT|DEVICE [-c FILE] [--json]\n"
    "Takes what 'wardgate block' put on the block list off it; links come up by themselves.\n"
    "\n"
    "  -c, --config FILE   configuration, where the control socket is named\n"
    "                      [" COMMAND_CONF_PATH "]\n"
    "      --json          the gateway's answer, as one line of JSON\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit code 64 when it is not on the list, 69 when no gateway answers.\n";

static const char break_glass_help[] =
    "Usage: wardgate break-glass DEVICE --for TIME --reason TEXT [-c FILE] [--json]\n"
    "       wardgate break-glass DEVICE --end [-c FILE] [--json]\n"
    "For a clinical emergency: lets the device's links come up though nobody can say whether\n"
    "the peer is revoked. Who is revoked or blocked stays out. Each use is logged.\n"
    "\n"
    "      --for TIME      from 1m to 24h, such as 90m or 2h; 0 ends it\n"
    "      --end           end it now\n"
    "      --reason TEXT   for the log; required but to end it\n"
    "  -c, --config FILE   configuration, where the control socket is named\n"
    "                      [" COMMAND_CONF_PATH "]\n"
    "      --json          the gateway's answer, as one line of JSON\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit code 69 when no gateway answers.\n";

static const char version_help[] =
    "Usage: wardgate version [-v]\n"
    "\n"
    "  -v, --verbose   the libraries, the cipher suites and the licence, too\n"
    "  -h, --help      this text\n";

struct command {
    const char *name;
    int (*run)(const struct command_options *options);
    const char *letters;      /* for getopt; an option that is not here is refused */
    const char *long_letters; /* of long options without a letter: see has_option */
    const char *subject;      /* what the one argument is, which must be there; NULL: none */
    const char *help;
};

static const struct command commands[] = {
    {"run", cmd_run, ":hc:", "", NULL, run_help},
    {"check", cmd_check, ":hc:", "k", NULL, check_help},
    {"status", cmd_status, ":hc:", "j", NULL, status_help},
    {"reload", cmd_reload, ":hc:", "", NULL, reload_help},
    {"version", cmd_version, ":hv", "", NULL, version_help},
    {"revocation", cmd_revocation, ":hc:", "j", "'refresh'", revocation_help},
    {"block", cmd_block, ":hc:", "jr", "SERIAL, FINGERPRINT or DEVICE", block_help},
    {"unblock", cmd_unblock, ":hc:", "j", "SERIAL, FINGERPRINT or DEVICE", unblock_help},
    {"break-glass", cmd_break_glass, ":hc:", "jrfe", "DEVICE", break_glass_help},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {"verbose", no_argument, NULL, 'v'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help-config", optional_argument, NULL, OPTION_HELP_CONFIG},
    {"reason", required_argument, NULL, OPTION_REASON},
    {"for", required_argument, NULL, OPTION_FOR},
    {"end", no_argument, NULL, OPTION_END},
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
    static const char letters[] = {'j', 'k', 'r', 'f', 'e'}; /* from OPTION_JSON on, in its order */

    if (option >= OPTION_JSON) {
        return strchr(c->long_letters, letters[option - OPTION_JSON]) != NULL;
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
    case OPTION_REASON:
        o->reason = optarg;
        return true;
    case OPTION_FOR:
        o->for_text = optarg;
        return true;
    case OPTION_END:
        o->ends = true;
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

/* An option of another command: getopt has taken it, and its value, too. */
static const char *foreign(int option, char **argv)
{
    static char name[32];
    for (const struct option *o = long_options; o->name != NULL; o++) {
        if (o->val == option && option >= OPTION_JSON) {
            (void)snprintf(name, sizeof(name), "--%s", o->name);
            return name;
        }
    }
    return unliked(argv);
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
        if (option == '?') {
            return refuse(c, "unknown option", unliked(argv));
        }
        if (!has_option(c, option)) {
            return refuse(c, "unknown option", foreign(option, argv));
        }
        if (!note_option(&options, option)) {
            return refuse(c, "unknown value of --help-config:", optarg);
        }
    }
    if (c->subject != NULL && optind < argc) {
        options.subject = argv[optind];
        optind++;
    }
    if (optind < argc) {
        return refuse(c, "needless argument", argv[optind]);
    }
    if (c->subject != NULL && options.subject == NULL) {
        return refuse(c, "an argument is missing:", c->subject);
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
    if (strcmp(name, "modbus") == 0) {
        return cmd_modbus(argc - 1, argv + 1);
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
