#!/bin/sh
# Builds our own small static wolfSSL from Debian 13's patched source package.
#
#   certs/build-wolfssl.sh [BUILD_DIR]        (default: build)
#
# Result: BUILD_DIR/wolfssl/{include,lib/libwolfssl.a,wolfssl_revision.h}. A second run does nothing.
# The source comes through the ordinary apt client with a private sources list, private lists and a
# private cache under BUILD_DIR/wolfssl-src, so neither root nor any change to the machine's own
# apt configuration is needed. The mirror is the one that this machine already uses, and apt checks the
# archive's signature with Debian's archive keyring. What is compiled in, and why, is said
# line by line in certs/wolfssl-options.txt, which lint compares with the options.h made here. One change of
# ours, certs/wolfssl-staple.patch, says itself what it does; a source that it does not fit is built without
# it, and the gateway without stapling.
#
# CC chooses the compiler; one that makes code for another machine makes this a cross build. ARM_CRYPTO=no on
# arm64: a library for every ARMv8 processor, whatever the one that builds it can do; ARM_CRYPTO=yes: one for
# processors with AES and SHA-2 instructions, also in a cross build. Both are asked only when it is built anew.
set -eu

SUITE=trixie
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
patch=$(cd "$(dirname "$0")" && pwd)/wolfssl-staple.patch
build=${1:-build}
mkdir -p "$build"
build=$(cd "$build" && pwd)
work=$build/wolfssl-src
dest=$build/wolfssl
log=$build/wolfssl-build.log
CC=${CC:-cc}
export CC
# The compiler is asked, not the kernel: a 64-bit kernel may have a 32-bit system above it (Raspberry Pi).
target=$($CC -dumpmachine)
# Comments may change without a new build.
stamp=$({
    sed 's/^ *#.*//; /^$/d' "$0"
    sed -n '/^--- /,$p' "$patch"
    echo "$target ${ARM_CRYPTO:-}"
} | sha256sum | cut -d' ' -f1)

is_built()
{
    [ -f "$dest/lib/libwolfssl.a" ] && [ "$(cat "$dest/.stamp" 2>/dev/null)" = "$stamp" ]
}

no_source()
{
    echo "wolfSSL: $1; log: build/wolfssl-build.log; \`make WOLFSSL=system\` links Debian's own instead" >&2
    exit 1
}

fail()
{
    tail -n 30 "$log" >&2
    echo "wolfSSL: $1 (whole log: build/wolfssl-build.log)" >&2
    exit 1
}

# The sites that this machine's apt already reads: the security archive if it is there, and the main one.
# The signed index says whose archive it is: a neighbour's may lie in a folder that is called debian, too.
site_of()
{
    # shellcheck disable=SC2016 # apt fills these in, not the shell
    apt-get indextargets --format '$(CODENAME) $(ORIGIN) $(SITE)' 'Created-By: Packages' |
        awk -v want="$1" '{ is_sec = ($1 ~ /-security$/) ? "security" : "main" }
                          is_sec == want && $2 == "Debian" { print $3; exit }'
}

write_apt_files()
{
    main=$(site_of main)
    security=$(site_of security)
    [ -n "$main" ] || no_source "apt on this machine names no Debian mirror"
    [ -r "$KEYRING" ] || no_source "package debian-archive-keyring is missing"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/empty"
    {
        echo "deb-src [signed-by=$KEYRING] $main $SUITE main"
        if [ -n "$security" ]; then
            echo "deb-src [signed-by=$KEYRING] $security $SUITE-security main"
        fi
    } >"$work/sources.list"
    # Hooks of the machine's configuration (clean-ups, indexers) are none of our business.
    cat >"$work/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/empty";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$work/empty";
Dir::State::lists "$work/lists";
Dir::Cache "$work/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
}

fetch_source()
{
    write_apt_files
    cd "$work"
    apt-get -c "$work/apt.conf" -q -o APT::Update::Error-Mode=any update >>"$log" 2>&1 ||
        no_source "the source index of suite $SUITE cannot be had"
    rm -rf wolfssl-*/ ./*.dsc ./*.tar.* tree
    apt-get -c "$work/apt.conf" -q source --download-only wolfssl >>"$log" 2>&1 ||
        no_source "the source package cannot be had"
    dsc=$(echo ./*.dsc)
    [ -f "$dsc" ] || no_source "the source package cannot be had"
    # apt has checked the .dsc and the tarballs against the signed index; dpkg-source applies Debian's patches.
    dpkg-source --no-check -x "$dsc" tree >>"$log" 2>&1 || fail "dpkg-source failed"
    revision=$(sed -n 's/^Version: *//p' "$dsc" | head -n 1)
}

# Whole or not at all, and only where it fits exactly: these are security checks' surroundings.
apply_patch()
{
    if patch -d "$work/tree" -p1 -F0 --dry-run -i "$patch" >>"$log" 2>&1; then
        patch -d "$work/tree" -p1 -F0 -i "$patch" >>"$log" 2>&1 || fail "patch failed"
        DEFINES="$DEFINES -DWARDGATE_STAPLE"
    else
        echo "wolfSSL: certs/wolfssl-staple.patch does not fit $revision: no stapling in this build"
    fi
}

# The ARMv8 code of 5.7.2 is chosen when it is compiled: AES, GHASH and SHA-2 instructions then run unasked, and
# the first of them ends the process (SIGILL) on a processor without, such as a Raspberry Pi 4. So the processor
# that builds is asked, all three, and certs/processor.c refuses to start on a lesser one. A cross build knows
# nothing of the processor to come, so it takes the code that runs everywhere.
has_arm_crypto()
{
    case ${ARM_CRYPTO:-} in
    yes) return 0 ;;
    no) return 1 ;;
    esac
    [ "$(uname -m)" = aarch64 ] || return 1
    for feature in aes pmull sha2; do
        grep -qw "$feature" /proc/cpuinfo || return 1
    done
}

# Flags: one group per line; the resulting options.h is argued in wolfssl-options.txt.
configure_flags()
{
    echo --enable-static --disable-shared --disable-examples --disable-crypttests --with-pic
    echo --enable-tls13 --disable-oldtls
    echo --enable-sni --enable-maxfragment --enable-supportedcurves
    echo --enable-ocsp --enable-ocspstapling
    echo --enable-certgen --enable-certreq --enable-certext --enable-keygen --enable-base64encode
    echo --enable-pkcs7 --enable-pkcs11 --enable-cryptocb --enable-opensslextra=x509small
    echo --enable-curve25519 --enable-ed25519 --enable-hkdf
    echo --enable-sp-math-all
    echo --disable-md5 --disable-sha224 --disable-des3 --disable-dh --disable-sha3 --disable-pkcs12
    echo --disable-enc-then-mac --disable-asn-print --disable-sys-ca-certs
    case $target in
    x86_64-*) # the assembly asks cpuid at run time, so the archive runs on every x86-64
        echo --enable-intelasm --enable-sp=yes,asm --enable-sp-asm
        ;;
    aarch64-*)
        echo --enable-sp=yes,asm --enable-sp-asm
        if has_arm_crypto; then
            echo --enable-armasm
        fi
        ;;
    *) echo --enable-sp=yes ;;
    esac
}

# Only a cross build says for what: configure knows its own machine better than the compiler's name tells.
cross_flags()
{
    if [ "$target" != "$(cc -dumpmachine 2>/dev/null)" ]; then
        echo "--host=$target"
    fi
}

# Not reachable through configure; each is argued in wolfssl-options.txt.
DEFINES="-DNO_SESSION_CACHE -DWOLFSSL_AEAD_ONLY -DWOLFSSL_ALWAYS_VERIFY_CB -DWOLFSSL_VERIFY_CB_ALL_CERTS \
-DWOLFSSL_IP_ALT_NAME -DWOLFSSL_NO_INIT_CTX_KEY -DWOLFSSL_MIN_RSA_BITS=2048 -DWOLFSSL_MIN_ECC_BITS=256"

compile()
{
    cd "$work/tree"
    autoreconf -fi >>"$log" 2>&1 || fail "autoreconf failed"
    # shellcheck disable=SC2046 # the flags are meant to be split
    ./configure --prefix=/usr $(cross_flags) $(configure_flags) CPPFLAGS="$DEFINES" \
        CFLAGS="-O2 -fPIC -fstack-protector-strong -Wp,-D_FORTIFY_SOURCE=2" >>"$log" 2>&1 ||
        fail "configure failed"
    total=$(make -n src/libwolfssl.la 2>/dev/null | grep -c -- '--mode=compile') || total=0
    make -j"$(nproc)" src/libwolfssl.la >>"$log" 2>&1 &
    make_id=$!
    show_progress "$make_id" "$total"
    wait "$make_id" || fail "compiling failed"
    rm -rf "$dest.new"
    make install-data prefix="$dest.new" >>"$log" 2>&1 || fail "installing headers failed"
    rm -rf "$dest.new/share" "$dest.new/lib"
    mkdir "$dest.new/lib"
    cp src/.libs/libwolfssl.a "$dest.new/lib/" || fail "no archive was made"
    printf '#define WOLFSSL_DEBIAN_REVISION "%s"\n' "$revision" >"$dest.new/wolfssl_revision.h"
    echo "$stamp" >"$dest.new/.stamp"
    rm -rf "$dest"
    mv "$dest.new" "$dest"
    cd "$work"
    rm -rf tree lists
}

# On a terminal one line that is rewritten; elsewhere a line every 15 s.
show_progress()
{
    ticks=0
    while kill -0 "$1" 2>/dev/null; do
        done_count=$(find . -name '*.lo' | wc -l)
        if [ -t 1 ]; then
            printf '\rwolfSSL: %s of %s objects ' "$done_count" "$2"
        elif [ $((ticks % 15)) -eq 0 ]; then
            echo "wolfSSL: $done_count of $2 objects"
        fi
        ticks=$((ticks + 1))
        sleep 1
    done
    if [ -t 1 ]; then
        echo
    fi
}

# Two makes at once must not build into the same folder.
exec 9>"$build/.wolfssl.lock"
flock 9
if is_built; then
    touch "$dest/.stamp"
    exit 0
fi
: >"$log"
echo "wolfSSL: fetching the source package of Debian $SUITE"
(
    fetch_source
    apply_patch
    echo "wolfSSL: configuring $revision"
    compile
    echo "wolfSSL: $revision is ready"
)
