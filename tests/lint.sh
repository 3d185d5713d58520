#!/bin/bash
# Checks that need no running program: lint.sh [STAGE...]; one line per stage, exit 1 on any finding. --stages: their names.
#
# The compiler flags come from the Makefile in LINT_FLAGS. Slow stages keep what they found clean under
# build/lint, by the hash of all that they looked at, so that a second run takes seconds.
set -u
shopt -s nullglob

cd "$(dirname "$0")/.." || exit 1
out=build/lint
mkdir -p "$out/clean"
flags=()
eval "flags=(${LINT_FLAGS:-})" # the Makefile quoted them for a shell
FLOORS=(protocols certs conf gateway)
sources=({protocols,certs,conf,gateway}/*.c)
headers=({protocols,certs,conf,gateway}/*.h)
test_sources=(tests/*.c tests/unit/*/*.c tests/fuzz/*.c)
test_headers=(tests/unit/*/*.h tests/fuzz/*.h)
STAGES=(format gcc clang analyzer tidy cppcheck floors symbols words sizes tested mutants shell names wolfssl docs)
if [ "${1:-}" = --stages ]; then
    echo "${STAGES[*]}"
    exit 0
fi

# Prints the findings of a grep as a rule that was broken; nothing found is success.
forbid()
{
    local rule=$1 found
    shift
    found=$("$@" 2>/dev/null) || true
    if [ -n "$found" ]; then
        echo "$rule:"
        echo "$found"
        return 1
    fi
}

# All code as FILE: LINE with comments and string literals blanked, so that prose may name what code may not use.
strip_code()
{
    printf '%s\n' "${sources[@]}" "${headers[@]}" "${test_sources[@]}" "${test_headers[@]}" |
        /usr/bin/python3 -c '
import re, sys
# A comment, a string or a character; a comment keeps its lines.
parts = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\x27(?:\\.|[^\x27\\\n])*\x27""", re.S)
def blank(part):
    text = part.group()
    return "\n" * text.count("\n") + " " if text[0] == "/" else "\"\"" if text[0] == "\"" else text
for name in sys.stdin.read().split():
    for line in parts.sub(blank, open(name, encoding="utf-8").read()).splitlines():
        if line.strip():
            print(name + ": " + line)
' >"$out/code"
}

# grep_code FILES PATTERN: both extended expressions, the first one for the path.
grep_code() { grep -E "^($1): " "$out/code" | grep -E ": .*$2"; }

# Runs a command on one file, once per content of the file and of all headers.
cached()
{
    local stage=$1 file=$2 key mark
    shift 2
    key=$({ echo "$stage ${flags[*]} $*"; cat .clang-tidy "$file" "${headers[@]}" "${test_headers[@]}"; } |
        sha256sum | cut -d' ' -f1)
    mark=$out/clean/$key
    [ ! -e "$mark" ] || return 0
    "$@" && : >"$mark"
}

# The command for each file, two at once.
each_file()
{
    local stage=$1 command=$2 file red=0 running=0
    shift 2
    for file in "$@"; do
        if [ "$running" -ge 2 ]; then
            wait -n || red=1
            running=$((running - 1))
        fi
        cached "$stage" "$file" "$command" "$file" &
        running=$((running + 1))
    done
    while [ "$running" -gt 0 ]; do
        wait -n || red=1
        running=$((running - 1))
    done
    return "$red"
}

stage_format()
{
    local all=("${sources[@]}" "${headers[@]}" "${test_sources[@]}" "${test_headers[@]}")
    [ "${#all[@]}" -eq 0 ] || clang-format --dry-run -Werror "${all[@]}"
}

# -O2, because some of gcc's warnings need the optimiser; the objects are thrown away. None of clang's does.
gcc_one() { gcc "${flags[@]}" -Werror -c -o /dev/null "$1"; }
clang_one() { clang "${flags[@]}" -Werror -fsyntax-only "$1"; }
analyzer_one() { gcc "${flags[@]}" -Werror -fanalyzer -c -o /dev/null "$1"; }
tidy_one()
{
    local log
    log=$(clang-tidy --quiet "$1" -- "${flags[@]}" 2>&1)
    local status=$?
    [ "$status" -eq 0 ] || echo "$log"
    return "$status"
}
stage_gcc() { each_file gcc gcc_one "${sources[@]}" "${test_sources[@]}"; }
stage_clang() { each_file clang clang_one "${sources[@]}" "${test_sources[@]}"; }
stage_analyzer() { each_file analyzer analyzer_one protocols/*.c certs/*.c; }
stage_tidy() { each_file tidy tidy_one "${sources[@]}"; }

stage_cppcheck()
{
    [ "${#sources[@]}" -gt 0 ] || return 0
    mkdir -p "$out/cppcheck"
    # One configuration: the feature macros of system headers would multiply the work.
    cppcheck --std=c11 --enable=warning,style,performance,portability --inline-suppr -j 2 \
        --suppress=missingIncludeSystem --error-exitcode=1 -q -I. -D_DEFAULT_SOURCE \
        --cppcheck-build-dir="$out/cppcheck" "${FLOORS[@]}"
}

# Includes point down only, and each library is seen by one floor.
stage_floors()
{
    local red=0
    forbid 'uv.h outside of gateway/' grep -nE '#include <uv' {protocols,certs,conf}/*.[ch] || red=1
    forbid 'wolfSSL outside of certs/' grep -nE '#include .(wolfssl/|wolfssl_revision)' \
        {protocols,conf,gateway}/*.[ch] || red=1
    forbid 'wolfSSL in a header of certs/ (other floors include it)' grep -nE '#include <wolfssl/' \
        certs/*.h || red=1
    forbid 'ini.h outside of conf/' grep -nE '#include <ini\.h' {protocols,certs,gateway}/*.[ch] || red=1
    forbid 'modbus.h outside of gateway/' grep -nE '#include <modbus' {protocols,certs,conf}/*.[ch] || red=1
    if [ "$(grep -lE '#include <modbus' gateway/*.[ch] /dev/null | wc -l)" -gt 1 ]; then
        echo "modbus.h belongs in one file:"
        grep -nE '#include <modbus' gateway/*.[ch]
        red=1
    fi
    if grep -nHE '#include .curl/' {protocols,certs,conf,gateway}/*.[ch] /dev/null |
        grep -v '^gateway/libcurl\.h:'; then
        echo "^ curl/ belongs in gateway/libcurl.h"
        red=1
    fi
    if grep -nHE '#include <' protocols/*.[ch] /dev/null |
        grep -vE '<(string|stdint|stddef|stdbool|limits|assert|inttypes)\.h>'; then
        echo "^ protocols/ may include string.h, assert.h and the headers without functions only"
        red=1
    fi
    forbid 'an include points up' grep -nE '#include "(certs|conf|gateway)/' protocols/*.[ch] || red=1
    forbid 'an include points up' grep -nE '#include "(conf|gateway)/' certs/*.[ch] || red=1
    forbid 'an include points up' grep -nE '#include "gateway/' conf/*.[ch] || red=1
    forbid 'an include without its floor' grep -nE '#include "[^/"]*"' "${headers[@]}" \
        {protocols,conf,gateway}/*.c || red=1
    return "$red"
}

# What floor 0 takes from outside of itself: memory and string functions, and what the compiler adds.
stage_symbols()
{
    local objects=() object
    for object in protocols/*.c; do
        object=${object#protocols/}
        objects+=("$out/${object%.c}.o")
        gcc "${flags[@]}" -c -o "$out/${object%.c}.o" "protocols/$object" || return 1
    done
    [ "${#objects[@]}" -gt 0 ] || return 0
    nm --defined-only "${objects[@]}" | awk 'NF == 3 { print $3 }' | sort -u >"$out/defined"
    nm -u "${objects[@]}" | awk '$1 == "U" { print $2 }' | sort -u | comm -23 - "$out/defined" |
        grep -vE '^(mem[a-z]*|str[a-z]*|__(mem|str)[a-z]*_chk|__stack_chk_fail|__assert_fail|_GLOBAL_OFFSET_TABLE_)$' \
            >"$out/foreign"
    if [ -s "$out/foreign" ]; then
        echo "protocols/ uses more than memory and string functions:"
        cat "$out/foreign"
        return 1
    fi
}

stage_words()
{
    local red=0 file
    strip_code
    forbid 'banned function' grep_code '.*' \
        '\b(sprintf|vsprintf|strcpy|strcat|strncpy|strtok|gets|atoi|atol|sscanf|system|popen|alloca|setjmp|longjmp) *\(' ||
        red=1
    grep -v '^certs/mem\.c: ' "$out/code" >"$out/code.other"
    forbid 'allocation goes through mem_new (certs/mem.c) only' grep -E \
        '^(protocols|certs|conf|gateway)/.*\b(malloc|calloc|realloc|reallocarray|strdup|strndup|asprintf|vasprintf) *\(' \
        "$out/code.other" || red=1
    forbid 'protocols/ does not allocate' grep_code 'protocols/.*' '\b(mem_new|free) *\(' || red=1
    forbid 'typedef of something else than a function pointer' grep_code '[^:]*\.h' \
        '\btypedef (struct|enum|union)\b' || red=1
    if grep -nE '\b(TODO|FIXME|XXX)\b' /dev/null "${sources[@]}" "${headers[@]}" | grep -vE 'TODO\(#[0-9]+\)'; then
        echo "^ a TODO names its issue: TODO(#N)"
        red=1
    fi
    for file in "${headers[@]}"; do
        if ! grep -q '^#ifndef WARDGATE_.*_H$' "$file"; then
            echo "$file: the guard is not WARDGATE_..._H"
            red=1
        fi
    done
    return "$red"
}

stage_sizes()
{
    wc -l /dev/null "${sources[@]}" "${headers[@]}" | awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines, 500 is the bound"; red = 1 }
                                                 END { exit red }'
}

# Each source has a unit test named after it; tests/unit/exceptions says why one has not.
stage_tested()
{
    local file floor name red=0
    for file in "${sources[@]}"; do
        floor=${file%%/*}
        name=$(basename "$file" .c)
        [ ! -e "tests/unit/$floor/${name}_test.c" ] || continue
        if ! grep -qE "^$file +# .+" tests/unit/exceptions 2>/dev/null; then
            echo "$file: no tests/unit/$floor/${name}_test.c (or a line with the reason in tests/unit/exceptions)"
            red=1
        fi
    done
    while read -r file _; do
        case $file in '' | '#'*) continue ;; esac
        if [ ! -e "$file" ] || [ -e "tests/unit/${file%.c}_test.c" ]; then
            echo "tests/unit/exceptions: $file needs no exception any more"
            red=1
        fi
    done < <(cat tests/unit/exceptions 2>/dev/null)
    return "$red"
}

# SC2317 takes functions that are called by name, or by a trap, for dead code.
stage_shell()
{
    local places=(tests certs .ci)
    [ ! -d systemd ] || places+=(systemd)
    find "${places[@]}" -type f \( -name '*.sh' -o -path '.ci/*' \) -exec shellcheck -x -e SC2317 {} +
}

# Nothing that only this machine has: home folders, checkouts, mirrors.
stage_names()
{
    local red=0 files
    mapfile -t files < <(git ls-files 2>/dev/null | grep -v '^LICENSE$')
    [ "${#files[@]}" -gt 0 ] || return 0
    forbid 'a path of somebody'"'"'s machine' grep -nIE '(^|[^A-Za-z0-9_.$}])/(home/[a-z]|root/|work/|Users/)' \
        "${files[@]}" || red=1
    forbid 'the address of a mirror or registry' grep -nIE \
        'https?://[^ ]*(/debian|/ubuntu|pypi|artifact|mirror)' "${files[@]}" || red=1
    forbid "this checkout's own path" grep -nIF "$PWD/" "${files[@]}" || red=1
    return "$red"
}

# certs/wolfssl-options.txt argues each option of the library that was really built.
stage_wolfssl()
{
    local header=build/wolfssl/include/wolfssl/options.h machine
    [ -e "$header" ] || return 0
    machine=$(uname -m)
    sed -n 's/^#define *//p' "$header" | sed 's/ *$//' | sort -u >"$out/wolfssl.is"
    sed -E 's/ *#.*//; /^ *$/d' certs/wolfssl-options.txt | grep -v '@any' |
        awk -v m="@$machine" '!/@/ { print; next } $NF == m { sub(/ *@.*/, ""); print }' | sort -u >"$out/wolfssl.must"
    sed -E 's/ *#.*//; s/ *@.*//; /^ *$/d' certs/wolfssl-options.txt | sort -u >"$out/wolfssl.may"
    sed -E -i 's/ +$//' "$out/wolfssl.must" "$out/wolfssl.may"
    # HAVE___UINT128_T and its like carry a value; a name that may be absent is listed without one.
    local extra missing
    extra=$(awk 'NR == FNR { may[$1] = 1; next } !($1 in may)' "$out/wolfssl.may" "$out/wolfssl.is")
    missing=$(comm -23 "$out/wolfssl.must" "$out/wolfssl.is")
    [ -z "$extra" ] || printf 'options.h has what certs/wolfssl-options.txt does not argue:\n%s\n' "$extra"
    [ -z "$missing" ] || printf 'certs/wolfssl-options.txt argues what options.h does not have:\n%s\n' "$missing"
    if ! grep -vE '^ *$|^#' certs/wolfssl-options.txt | awk '!/# +[^ ]/ { print "no reason: " $0; red = 1 } END { exit red }'; then
        return 1
    fi
    [ -z "$extra$missing" ]
}

# The manual pages are sound, the table of keys is the one that the program has, and tests that are named exist.
stage_docs()
{
    local red=0 page suite name
    for page in gateway/*.[78] conf/*.5; do
        if command -v man >/dev/null && LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$page" \
            2>&1 >/dev/null | grep -v 'will not fit on one page'; then # a screen has no pages
            echo "^ $page"
            red=1
        fi
    done
    while IFS=/ read -r suite name; do
        if ! grep -qs "^def $name(" "tests/scenarios/$suite.py" &&
            ! grep -qsE "^Test\($suite, $name\b" tests/unit/*/"$suite"_test.c; then
            echo "gateway/wardgate-mbaps.7: there is no test $suite/$name"
            red=1
        fi
    done < <(sed 's|/\\:|/|g' gateway/wardgate-mbaps.7 | grep -oE '\b[a-z][a-z0-9_]+/[a-z][a-z0-9_]+' | grep -v '^tests/')
    if [ -e conf/wardgate.conf.5 ]; then
        make -s build/keys-roff && build/keys-roff >"$out/keys.roff" || return 1
        /usr/bin/python3 - "$out/keys.roff" <<'PY' || red=1
import sys
keys, page = (open(name, encoding="utf-8").read() for name in (sys.argv[1], "conf/wardgate.conf.5"))
if keys not in page:
    print("conf/wardgate.conf.5 does not hold the key table as build/keys-roff prints it; the first lines that differ:")
    print("\n".join([line for line in keys.splitlines() if line not in page.splitlines()][:10]))
    sys.exit(1)
PY
    fi
    return "$red"
}

# Each line of the list of mutants has a name of its own and still changes its file; running them takes hours.
stage_mutants()
{
    /usr/bin/python3 - <<'PY'
import subprocess, sys
seen, wrong = set(), []
for line in open("tests/mutants/list", encoding="utf-8").read().splitlines():
    if not line or line[0] in "# ":
        continue
    name, file, rest = line.split(" | ", 2)
    changed = subprocess.run(["sed", "-E", rest.rsplit(" | ", 1)[0], file], stdout=subprocess.PIPE).stdout
    if changed in (b"", open(file, "rb").read()):
        wrong.append("tests/mutants/list: %s changes nothing in %s" % (name, file))
    if name in seen:
        wrong.append("tests/mutants/list: two mutants are called " + name)
    seen.add(name)
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
PY
}

red=0
for stage in "${@:-"${STAGES[@]}"}"; do
    began=$SECONDS
    if "stage_$stage" >"$out/$stage.log" 2>&1; then
        echo "lint $stage: 1 passed, 0 failed ($((SECONDS - began)) s)"
    else
        head -n 200 "$out/$stage.log"
        echo "lint $stage: 0 passed, 1 failed ($((SECONDS - began)) s)"
        red=1
    fi
done
exit "$red"
