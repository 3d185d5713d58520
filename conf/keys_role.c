#include "conf/keys_inside.h"

const struct keys_row keys_role_rows[KEYS_DEVICE_FIRST - KEYS_ROLE_FIRST] = {
    {
        .id = KEYS_MATCH,
        .section = KEYS_ROLE,
        .name = "match",
        .type = KEYS_TYPE_MATCH,
        .is_list = true,
        .fallback_words = "role:NAME, with the section's name",
        .help = "Who has this role: a client whose certificate says the role NAME (Modbus/TCP "
                "Security), or a peer whose subjectAltName has this name. Any of them will do. A "
                "peer may have several roles.",
    },
    {
        .id = KEYS_ROLE_READ,
        .section = KEYS_ROLE,
        .name = "read",
        .type = KEYS_TYPE_RULE,
        .is_list = true,
        .fallback_words = "none",
        .help = "What the role may read of every Modbus device that no device.NAME.read of this "
                "section names. `all` is every register and coil and functions 7, 11, 12, 17, 24 "
                "and 43; files and diagnostics pass only by their function's number.",
    },
    {
        .id = KEYS_ROLE_WRITE,
        .section = KEYS_ROLE,
        .name = "write",
        .type = KEYS_TYPE_RULE,
        .is_list = true,
        .fallback_words = "none",
        .help = "What the role may write, where the device has `writes = allow` besides. `all` is "
                "every holding register and coil. A mask write passes no range with a value.",
    },
    {
        .id = KEYS_ROLE_WHEN,
        .section = KEYS_ROLE,
        .name = "when",
        .type = KEYS_TYPE_WINDOW,
        .is_list = true,
        .fallback_words = "always",
        .help = "When the role's rules hold, in local time; a part of a day that ends earlier than "
                "it begins goes on into the next day. While the clock is not trusted, never.",
    },
    {
        .id = KEYS_ROLE_DEVICE_READ,
        .section = KEYS_ROLE,
        .name = "device.NAME.read",
        .type = KEYS_TYPE_RULE,
        .is_list = true,
        .fallback_words = "what read says",
        .help = "What the role may read of the device with that name, in place of `read`.",
    },
    {
        .id = KEYS_ROLE_DEVICE_WRITE,
        .section = KEYS_ROLE,
        .name = "device.NAME.write",
        .type = KEYS_TYPE_RULE,
        .is_list = true,
        .fallback_words = "what write says",
        .help = "What the role may write of that device, in place of `write`.",
    },
    {
        .id = KEYS_ROLE_DEVICE_WHEN,
        .section = KEYS_ROLE,
        .name = "device.NAME.when",
        .type = KEYS_TYPE_WINDOW,
        .is_list = true,
        .fallback_words = "what when says",
        .help = "When the role's rules about that device hold, in place of `when`.",
    },
};
