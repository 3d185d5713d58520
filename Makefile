# Wardgate: GNU make; everything that is made lies under build/. `make help` lists the targets.
VERSION  := 0.1.0
WOLFSSL  ?= own
# A variant (asan, fuzz, cov, WOLFSSL=system) is this same Makefile with another OUT and OPT.
OUT      := $(if $(filter system,$(WOLFSSL)),build/system,build)
PREFIX   ?= /usr/local
SYSCONFDIR ?= /etc
FUZZ_S   ?= 30

DEPS_BUILD := build-essential pkg-config libuv1-dev libmodbus-dev libinih-dev libjansson-dev \
    libcurl4-openssl-dev dpkg-dev autoconf automake libtool debian-archive-keyring
DEPS_DEMO := openssl gnutls-bin stunnel4 socat mbpoll python3 python3-pymodbus python3-hl7 python3-cryptography
DEPS_TEST := $(DEPS_DEMO) python3-serial-asyncio libcriterion-dev libwolfssl-dev clang clang-format clang-tidy libclang-rt-dev \
    cppcheck shellcheck faketime iproute2 curl jq git nginx-light python3-cryptography-vectors tshark
DEPS_OPTIONAL := gcovr
DEPS_BENCH := stunnel4 haproxy nginx-light libnginx-mod-stream socat ser2net libssl-dev python3-cryptography \
    python3-matplotlib

FLOORS := protocols certs conf gateway
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
    -Wmissing-prototypes -Wold-style-definition -Wvla -Wundef -Wformat=2 -Wpointer-arith -Wcast-qual \
    -Wwrite-strings -Wimplicit-fallthrough -Wnull-dereference
HARDENING := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
OPT := -O2 -g $(HARDENING)

# wolfSSL: our own static build, or Debian's library; either comes with a header that says its revision.
ifeq ($(WOLFSSL),system)
WOLFSSL_DIR   := build/system/wolfssl
WOLFSSL_READY := $(WOLFSSL_DIR)/wolfssl_revision.h
WOLFSSL_FLAGS := -I$(WOLFSSL_DIR) -DWARDGATE_WOLFSSL_SYSTEM
WOLFSSL_LIBS  := -lwolfssl
else
WOLFSSL_DIR   := build/wolfssl
WOLFSSL_READY := $(WOLFSSL_DIR)/.stamp
WOLFSSL_FLAGS := -I$(WOLFSSL_DIR) -isystem $(WOLFSSL_DIR)/include
WOLFSSL_LIBS  := $(WOLFSSL_DIR)/lib/libwolfssl.a -lm -ldl
endif

# CFLAGS, CPPFLAGS and LDFLAGS belong to the user and come last; ours are here.
OUR_CFLAGS := -std=c11 -D_DEFAULT_SOURCE -I. -DWARDGATE_VERSION=\"$(VERSION)\" $(WARNINGS) $(OPT) \
    -fstack-protector-strong -fPIE -MMD -MP
OUR_LDFLAGS := -pie -Wl,-z,relro,-z,now
certs_FLAGS   := $(WOLFSSL_FLAGS)
conf_FLAGS    := $(shell pkg-config --cflags inih 2>/dev/null)
gateway_FLAGS := $(shell pkg-config --cflags libuv jansson libcurl 2>/dev/null) \
    -DWARDGATE_INIH_VERSION=\"$(shell pkg-config --modversion inih 2>/dev/null)\"
certs_LIBS    := $(WOLFSSL_LIBS) -lpthread
conf_LIBS     := $(shell pkg-config --libs inih 2>/dev/null || echo -linih)
# libcurl is loaded when the first URL is read (gateway/libcurl.h): its headers are used, and nothing is linked.
gateway_LIBS  := $(shell pkg-config --libs libuv libmodbus jansson 2>/dev/null || echo -luv -lmodbus -ljansson) -ldl
# `make V=1` shows the whole commands.
Q := $(if $(V),,@)
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@echo '  $(1) $(2)')
COMPILE = $(CC) $(OUR_CFLAGS) $(CPPFLAGS) $(CFLAGS)
LINK    = $(CC) $(OPT) $(OUR_LDFLAGS) $(CFLAGS) $(LDFLAGS)

# Other flags than last time mean other objects.
FLAGS_NOW := $(COMPILE) $(WOLFSSL_FLAGS)
ifneq ($(file <$(OUT)/.flags),$(FLAGS_NOW))
$(shell mkdir -p $(OUT))
$(file >$(OUT)/.flags,$(FLAGS_NOW))
endif

MAIN := $(wildcard gateway/main.c)
objects = $(patsubst %.c,$(OUT)/obj/%.o,$(filter-out gateway/main.c,$(wildcard $(1)/*.c)))
# What a floor links, highest first: its own archive and those below it, never one above.
protocols_USES := protocols
certs_USES     := certs protocols
conf_USES      := conf certs protocols
gateway_USES   := gateway conf certs protocols
archives  = $(foreach f,$($(1)_USES),$(OUT)/lib$(f).a)
libraries = $(foreach f,$($(1)_USES),$($(f)_LIBS))
TESTED := $(foreach f,$(FLOORS),$(if $(wildcard tests/unit/$(f)/*_test.c),$(f)))
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

all: $(foreach f,$(FLOORS),$(OUT)/lib$(f).a) $(if $(MAIN),$(OUT)/wardgate)
help:
	@echo 'make [all] deps demo check test asan fuzz scenarios scenarios-asan mutants lint format'
	@echo '     format-check floors bench bench-counts cov install uninstall clean distclean; WOLFSSL=system links the libwolfssl of Debian'

$(OUT)/wardgate: $(OUT)/obj/gateway/main.o $(call archives,gateway)
	$(call say,link,$@)
	$(Q)$(LINK) -o $@ $^ $(call libraries,gateway)

# What Criterion would load at each test (see git2.c) is found beside the tests first. RPATH and not RUNPATH: only
# that counts for the libraries of a library. Another release of Criterion finds its own, and is slower.
CRITERION := -lcriterion -Wl,--disable-new-dtags,-rpath,'$$ORIGIN/lib'
$(OUT)/unit/lib/libgit2.so.1.5: tests/unit/lib/git2.c
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -shared -fPIC -Wl,-soname,$(@F) -o $@ $<
# What the leak checker reads at the end of each test is mapped at once (see bss.c).
SANITIZED := $(if $(findstring -static-libasan,$(OPT)),$(OUT)/obj/tests/unit/lib/bss.o)

# Each test ends in time (see deadline.c).
UNIT_LIB := $(OUT)/obj/tests/unit/lib/deadline.o $(SANITIZED)

# One archive and one unit test binary per floor.
define FLOOR
$(OUT)/lib$(1).a: $(call objects,$(1))
	$$(call say,ar  ,$$@)
	@rm -f $$@
	$(Q)ar rcs $$@ $$^
$(OUT)/unit/$(1): $(call objects,tests/unit/$(1)) $(UNIT_LIB) $(call archives,$(1)) $(OUT)/unit/lib/libgit2.so.1.5
	$$(call say,link,$$@)
	@mkdir -p $$(@D)
	$(Q)$$(LINK) -o $$@ $$(filter-out %.so.1.5,$$^) $(call libraries,$(1)) $$(CRITERION)
unit-$(1): $(OUT)/unit/$(1)
$(call objects,$(1)) $(call objects,tests/unit/$(1)): FLOOR_FLAGS = $(foreach f,$($(1)_USES),$($(f)_FLAGS))
$(call objects,tests/unit/$(1)): FLOOR_FLAGS += $(if $(SANITIZED),-O0) # they take longer to compile than to run
endef
$(foreach f,$(FLOORS),$(eval $(call FLOOR,$(f))))
$(OUT)/obj/gateway/main.o: FLOOR_FLAGS = $(gateway_FLAGS)
# Certificates, CRLs and answers that a test makes are made in one place, for the gateway's tests, too.
$(OUT)/unit/gateway: $(patsubst %,$(OUT)/obj/tests/unit/certs/%.o,crl_case crl_make forge ocsp_make)
# No clock that shows less is right. Asked when clock.o is built and not before: a commit alone builds nothing anew.
BUILD_S = $(or $(SOURCE_DATE_EPOCH),$(shell git -c log.showSignature=false log -1 --format=%ct 2>/dev/null || stat -c %Y Makefile))
$(OUT)/obj/gateway/clock.o: FLOOR_FLAGS += -DWARDGATE_BUILD_S=$(BUILD_S)
$(call objects,certs) $(call objects,tests/unit/certs): $(WOLFSSL_READY)

$(OUT)/obj/%.o: %.c $(OUT)/.flags
	$(call say,cc  ,$@)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(WERROR) $(FLOOR_FLAGS) -c -o $@ $<
-include $(wildcard $(OUT)/obj/*/*.d $(OUT)/obj/tests/*/*.d $(OUT)/obj/tests/*/*/*.d)

build/wolfssl/.stamp: certs/build-wolfssl.sh certs/wolfssl-staple.patch
	@certs/build-wolfssl.sh build
build/system/wolfssl/wolfssl_revision.h: $(wildcard /var/lib/dpkg/info/libwolfssl-dev*.list)
	@mkdir -p $(@D)
	@dpkg-query -W -f '#define WOLFSSL_DEBIAN_REVISION "$${Version}"\n' libwolfssl-dev >$@

# Tests. tests/check.sh runs them all; each can be run by itself.
build/pki/.stamp: tests/pki.sh
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@tests/pki.sh $(@D) >build/pki.log 2>&1 || { cat build/pki.log; exit 1; }
	@touch $@
build/pki-path/.stamp: tests/pki-path.sh
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@tests/pki-path.sh $(@D) >build/pki-path.log 2>&1 || { cat build/pki-path.log; exit 1; }
	@touch $@
build/pki-ocsp/.stamp: tests/pki-ocsp.sh tests/pki-ocsp.py
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@tests/pki-ocsp.sh $(@D) >build/pki-ocsp.log 2>&1 || { cat build/pki-ocsp.log; exit 1; }
	@touch $@
pki: $(if $(wildcard tests/pki.sh),build/pki/.stamp) build/pki-path/.stamp build/pki-ocsp/.stamp
unit: $(foreach f,$(TESTED),$(OUT)/unit/$(f))
test: pki unit
	@tests/unit/run.sh $(OUT) $(TESTED)
# Each test is a process. Linked in, the sanitizers start in half the time, and at a fixed address there are no
# megabytes of pointers to be adjusted at each start.
SANITIZE := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
    -static-libasan -static-libubsan
ASAN := $(MAKE) --no-print-directory OUT=build/asan OPT='$(SANITIZE)' OUR_LDFLAGS='-no-pie -Wl,-z,relro,-z,now'
# +: make does not see that $(ASAN) is one of its own, and would give it one job.
asan-build:
	+@$(ASAN) all unit
asan: pki
	+@$(ASAN) all unit
	@tests/unit/run.sh build/asan $(TESTED)
FUZZING := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
fuzz-bins: $(foreach f,$(FUZZERS),$(OUT)/fuzz_$(f))
$(OUT)/fuzz_%: $(OUT)/obj/tests/fuzz/fuzz_%.o $(call archives,gateway)
	$(call say,link,$@)
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(call libraries,gateway)
fuzz:
	@red=0; $(MAKE) -k --no-print-directory OUT=build/fuzz CC=clang OPT='$(FUZZING)' OUR_LDFLAGS= fuzz-bins || red=1; \
	    tests/fuzz/run.sh build/fuzz $(FUZZ_S) $(FUZZERS) || red=1; exit $$red
scenarios: all pki
	@WARDGATE=$(OUT)/wardgate tests/scenarios/run.sh $(SCENARIOS)
scenarios-asan: asan-build pki
	@SCENARIO_OUT=scenarios-asan WARDGATE=build/asan/wardgate tests/scenarios/run.sh $(SCENARIOS)
mutants: $(WOLFSSL_READY) pki
	@tests/mutants/run.sh $(MUTANTS)
cov: pki
	@$(MAKE) --no-print-directory OUT=build/cov OPT='-O0 -g --coverage' all unit
	@tests/unit/run.sh build/cov $(TESTED)
	@gcovr --root . --filter '($(subst $() ,|,$(FLOORS)))/' build/cov
# Wardgate and what people would use instead, side by side: make bench BENCH=links,messages ROUNDS=1
$(OUT)/bench/load: tests/bench/load.h $(wildcard tests/bench/load*.c)
	$(call say,link,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_DEFAULT_SOURCE $(WARNINGS) $(OPT) -o $@ $(filter %.c,$^) -lssl -lcrypto
bench:
	@tests/deps.sh '$(DEPS_BUILD)' '$(DEPS_BENCH)' ''
	@$(MAKE) --no-print-directory all $(OUT)/bench/load
	@WARDGATE=$(OUT)/wardgate BENCH_LOAD=$(OUT)/bench/load /usr/bin/python3 tests/bench/bench.py \
	    --rounds $(or $(ROUNDS),5) --out $(OUT)/bench $(subst $(COMMA), ,$(BENCH))
COMMA := ,
# Instructions per message and handshake against those kept in tests/bench/counts; KEEP=yes keeps the new ones.
bench-counts: all $(OUT)/bench/load
	@WARDGATE=$(OUT)/wardgate BENCH_LOAD=$(OUT)/bench/load /usr/bin/python3 tests/bench/counts.py $(if $(KEEP),--keep)
LINT_FLAGS = $(filter-out -MMD -MP,$(OUR_CFLAGS)) -DWARDGATE_BUILD_S=1 $(foreach f,$(FLOORS),$($(f)_FLAGS))
# What the key table of wardgate.conf(5) has to say.
$(OUT)/keys-roff: $(OUT)/obj/tests/keys_roff.o $(call archives,conf)
	$(call say,link,$@)
	$(Q)$(LINK) -o $@ $^ $(call libraries,conf)
# All that is not compiled against the TLS library: needs no waiting for it.
BESIDE_TLS := $(filter-out certs,$(FLOORS))
beside-tls: $(foreach f,$(BESIDE_TLS),$(OUT)/lib$(f).a $(call objects,tests/unit/$(f)))
floor-names:
	@echo $(TESTED)
lint: $(WOLFSSL_READY)
	@LINT_FLAGS='$(LINT_FLAGS)' tests/lint.sh $(STAGES)
format-check floors:
	@LINT_FLAGS='$(LINT_FLAGS)' tests/lint.sh $(subst -check,,$@)
format:
	clang-format -i $(wildcard $(foreach d,$(FLOORS) $(FLOORS:%=tests/unit/%) tests/fuzz,$(d)/*.[ch]))

deps:
	@tests/deps.sh '$(DEPS_BUILD)' '$(DEPS_TEST)' '$(DEPS_OPTIONAL)'
# Installing clang and its like would make the demo wait for minutes.
demo:
	@tests/deps.sh '$(DEPS_BUILD)' '$(DEPS_DEMO)' ''
	@$(MAKE) --no-print-directory all
	@WARDGATE=$(OUT)/wardgate tests/demo.sh
check: deps
	@FUZZ_S=$(FUZZ_S) tests/check.sh

D := $(DESTDIR)$(PREFIX)
UNITS    := $(notdir $(wildcard systemd/*.service systemd/*.socket systemd/*.target))
SYSUSERS := $(notdir $(wildcard systemd/*sysusers*.conf))
TMPFILES := $(notdir $(wildcard systemd/*tmpfiles*.conf))
UDEV     := $(notdir $(wildcard systemd/*.rules systemd/*.rules.example))
INSTALLED = $(D)/bin/wardgate $(UNITS:%=$(D)/lib/systemd/system/%) $(SYSUSERS:%=$(D)/lib/sysusers.d/wardgate.conf) \
    $(TMPFILES:%=$(D)/lib/tmpfiles.d/wardgate.conf) $(UDEV:%=$(D)/share/doc/wardgate/%) \
    $(patsubst %,$(D)/share/man/man8/%,$(notdir $(wildcard gateway/*.8))) \
    $(patsubst %,$(D)/share/man/man7/%,$(notdir $(wildcard gateway/*.7))) \
    $(patsubst %,$(D)/share/man/man5/%,$(notdir $(wildcard conf/*.5))) \
    $(if $(wildcard conf/wardgate.conf.example),$(DESTDIR)$(SYSCONFDIR)/wardgate/wardgate.conf.example)
install: all $(INSTALLED)
uninstall:
	rm -f $(INSTALLED)
# Installed files are always written anew.
PUT = install -D -m 644 $(1) $@ && sed -i 's|@BINDIR@|$(PREFIX)/bin|g; s|@SYSCONFDIR@|$(SYSCONFDIR)|g' $@
$(D)/bin/wardgate: FORCE
	install -D -m 755 $(OUT)/wardgate $@
$(D)/lib/systemd/system/% $(D)/share/doc/wardgate/%: FORCE
	$(call PUT,systemd/$*)
$(D)/lib/sysusers.d/wardgate.conf: FORCE
	$(call PUT,systemd/$(firstword $(SYSUSERS)))
$(D)/lib/tmpfiles.d/wardgate.conf: FORCE
	$(call PUT,systemd/$(firstword $(TMPFILES)))
$(D)/share/man/man7/% $(D)/share/man/man8/%: FORCE
	$(call PUT,gateway/$*)
$(D)/share/man/man5/% $(DESTDIR)$(SYSCONFDIR)/wardgate/%: FORCE
	$(call PUT,conf/$*)

# clean keeps the library that takes a minute to build; distclean does not.
clean:
	@test ! -d build || find build -mindepth 1 -maxdepth 1 ! -name 'wolfssl*' ! -name '.wolfssl*' -exec rm -rf {} +
distclean:
	rm -rf build
FORCE:
.PHONY: all help unit beside-tls floor-names pki test asan asan-build fuzz fuzz-bins scenarios scenarios-asan mutants bench bench-counts cov lint floors format format-check \
    deps demo check install uninstall clean distclean FORCE $(FLOORS:%=unit-%)
.SECONDARY:
