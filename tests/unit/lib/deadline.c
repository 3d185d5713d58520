/*
 * Linked into the unit tests: one deadline for every test, that of --timeout.
 *
 * By itself Criterion 2.4.1 only lowers with --timeout what a test or its suite states: one that
 * states nothing runs for ever, and nobody learns which one it was. And one that began before
 * another with less time was seen not to be ended any more. So all have the same; without
 * --timeout, what they state.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/options.h>

ReportHook(PRE_ALL)(struct criterion_test_set *all)
{
    if (!(criterion_options.timeout > 0)) {
        return;
    }
    FOREACH_SET(struct criterion_suite_set * suite, all->suites)
    {
        FOREACH_SET(struct criterion_test * test, suite->tests)
        {
            test->data->timeout = criterion_options.timeout;
        }
    }
}
