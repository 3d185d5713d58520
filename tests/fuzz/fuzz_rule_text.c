/* Items of a role's lists: whatever the text is, what comes out are rules of sound bounds about
 * what was asked for, and a window that is open for no more than a week. */
#include <stdlib.h>
#include <string.h>

#include "conf/rule_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 190 };

static void require(bool fact)
{
    if (!fact) {
        abort();
    }
}

static void check_rules(const char *text, bool writes)
{
    struct rule_text item;
    struct values_error why = {0};
    if (rule_text_item(text, writes, &item, &why) != 0) {
        require(why.wrong != NULL);
        return;
    }
    require(item.count <= RULE_TEXT_RULES_MAX && item.is_none == (item.count == 0));
    for (size_t i = 0; i < item.count; i++) {
        const struct modbus_rule *rule = &item.rules[i];
        bool is_function = rule->kind == MODBUS_KIND_FUNCTION;
        require(rule->writes == writes && rule->first <= rule->last && rule->kind < MODBUS_KINDS);
        require(!rule->has_values || (writes && rule->least <= rule->most));
        require(!rule->has_unit || (rule->unit >= 1 && (rule->unit <= 247 || rule->unit == 255)));
        require(!is_function || (rule->first == rule->last && !rule->has_values));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX + 1];
    struct modbus_window window;
    struct values_error why = {0};
    size_t len = size < TEXT_MAX ? size : TEXT_MAX;

    memcpy(text, data, len);
    text[len] = '\0';
    check_rules(text, false);
    check_rules(text, true);
    if (rule_text_window(text, &window, &why) == 0) {
        require(window.days != 0 && window.days <= 0x7F && window.from < MODBUS_POLICY_DAY &&
                window.until <= MODBUS_POLICY_DAY);
    }
    return 0;
}
