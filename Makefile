# Jackdaw: one Makefile, nothing recursive. Everything it makes lies under $(BUILD).
#
#   make                        programs in $(BUILD)/bin
#   make run                    build, then set up and start a demonstration suite
#   make test                   install what the tests need, build, run every layer of tests
#   make unit | e2e | check | root | fuzz | …    one layer of them, as test/run LAYER does
#   make install | uninstall    PREFIX, DESTDIR
#   make bench           measure beside other servers; ROWS=chat,login for some rows
#   make format | lint | clean
#
#   BUILD=dir  CC=clang  SANITIZE=address,undefined  V=1 (show the commands)
#
# A layer or program is a folder: all its *.c belong to it. What it may include is decided here, once, by
# $(BUILD)/inc/<name>/, a folder of links to just the layers that come before it.

SANITIZE ?=
BUILD    ?= $(if $(SANITIZE),build-asan,build)
PREFIX   ?= /usr/local
DESTDIR  ?=
ifeq ($(origin CC),default)
CC       := gcc
endif
V        ?=
Q        := $(if $(V),,@)
VERSION  := 0.1

SYSCONFDIR ?= /etc/jackdaw
STATEDIR   ?= /var/lib/jackdaw
RUNDIR     ?= /run/jackdaw

# As many jobs as processors, unless the command line says -j itself
ifeq ($(MAKELEVEL)$(filter clean,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all
all:

# --- the house ---------------------------------------------------------------------------------------------------

# While a later layer is half written: make LAYERS="base xml" build/test/unit/test_jid
LAYERS  := base dns xml tls loop db bus service edge
DAEMONS := router keyd authd storaged sessiond c2sd s2sd componentd
FOLDERS := $(DAEMONS) ctl

may_base    := base
may_dns     := base dns
may_xml     := base xml
may_tls     := base xml tls
may_loop    := base xml tls loop
may_db      := base loop db
may_bus     := base xml tls loop bus
may_service := base xml tls loop bus service
may_edge    := base xml tls loop bus service edge
may_test    := $(may_edge)
$(foreach f,$(FOLDERS),$(eval may_$f := $(may_service)))
may_c2sd      := $(may_edge)
may_s2sd      := $(may_edge) dns
may_ctl      += dns
may_componentd := $(may_edge)
may_authd    += db
may_storaged += db
may_test     += db dns

program_ctl := jackdawctl
program      = $(or $(program_$1),$1)

# A folder without sources yet is simply left out.
with_sources = $(foreach f,$2,$(if $(wildcard $1$f/*.c),$f))
layers      := $(call with_sources,common/,$(LAYERS))
folders     := $(call with_sources,,$(FOLDERS))
has_main    := $(foreach f,$(folders),$(if $(wildcard $f/main.c),$f))
programs    := $(foreach f,$(has_main),$(BUILD)/bin/$(call program,$f))

# --- compiler and libraries --------------------------------------------------------------------------------------

accepts = $(shell $(CC) -Werror $1 -x c -c -o /dev/null /dev/null 2>/dev/null && echo '$1')

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla \
            -Wswitch-enum -Wundef -Wpointer-arith -Wwrite-strings
zero     := -ftrivial-auto-var-init=zero
HARDEN   := -fPIE -fstack-protector-strong -fstack-clash-protection $(call accepts,-fcf-protection) \
            $(or $(call accepts,$(zero)),$(call accepts,$(zero) \
            -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang))
ifeq ($(SANITIZE),)
HARDEN   += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
else
SAN      := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
CPPFLAGS_SAN := -DJACKDAW_SANITIZE=1
endif

PATHS := -DJACKDAW_VERSION='"$(VERSION)"' -DJACKDAW_BINDIR='"$(PREFIX)/bin"' \
         -DJACKDAW_LIBEXECDIR='"$(PREFIX)/libexec/jackdaw"' -DJACKDAW_SYSCONFDIR='"$(SYSCONFDIR)"' \
         -DJACKDAW_STATEDIR='"$(STATEDIR)"' -DJACKDAW_RUNDIR='"$(RUNDIR)"'
CFLAGS   ?= -O2 -g
COMPILE   = $(CC) -std=gnu11 -D_GNU_SOURCE $(CPPFLAGS_SAN) $(PATHS) $(CPPFLAGS) $(CFLAGS) $(WARNINGS) $(HARDEN) \
            $(SAN) -pthread -MMD -MP
LINK      = $(CC) $(CFLAGS) $(SAN) -pthread -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed $(LDFLAGS)

pkg = $(shell pkg-config $1 $2)
cflags_xml       = $(call pkg,--cflags,libxml-2.0)
libs_base        = $(call pkg,--libs,libsodium libidn2) -lunistring
libs_dns         = $(call pkg,--libs,libunbound)
libs_xml         = $(call pkg,--libs,libxml-2.0)
libs_tls         = $(call pkg,--libs,gnutls)
libs_loop        = $(call pkg,--libs,libuv)
libs_service     = $(call pkg,--libs,libconfuse libseccomp)
libs_db          = $(call pkg,--libs,sqlite3)
libs_common     := $(foreach l,$(LAYERS),$(libs_$l))
cflags_xml      := $(cflags_xml)

# Static libraries in the order in which the linker wants them: the last layer first.
reverse = $(if $1,$(call reverse,$(wordlist 2,$(words $1),$1)) $(firstword $1))
common := $(foreach l,$(call reverse,$(layers)),$(BUILD)/lib/lib$l.a)

# --- rules -------------------------------------------------------------------------------------------------------

# Rewritten only when it changes, so that other flags or another compiler rebuild everything.
$(BUILD)/flags: FORCE
	$(Q)mkdir -p $(@D); echo '$(subst ','"'"',$(COMPILE) // $(LINK))' | cmp -s - $@ || \
		echo '$(subst ','"'"',$(COMPILE) // $(LINK))' >$@
.PHONY: FORCE
FORCE:

# $(BUILD)/inc/NAME/LAYER -> common/LAYER for each layer that NAME may include
$(patsubst %,$(BUILD)/inc/%/.made,$(LAYERS) test $(FOLDERS)): $(BUILD)/inc/%/.made: Makefile
	$(Q)rm -rf $(@D); mkdir -p $(@D); for l in $(may_$*); do ln -sfn $(CURDIR)/common/$$l $(@D)/$$l || exit 1; done; : >$@

# $(call objects,folder): the objects of all its sources
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard $1/*.c)))

# $(call compile,folder,name,flags): how the sources of one folder are compiled
define compile
$(BUILD)/obj/$1/%.o: $1/%.c $(BUILD)/flags $(BUILD)/inc/$2/.made
	$(if $(Q),@echo '  cc    $$<')
	$(Q)mkdir -p $$(@D); $$(COMPILE) -iquote $(BUILD)/inc/$2 $3 -c -o $$@ $$<
deps += $(patsubst %.o,%.d,$(call objects,$1))
endef

# $(call archive,layer): the folder is a prerequisite so that a deleted source leaves the library too
define archive
$(call compile,common/$1,$1,$(cflags_$1))
$(BUILD)/lib/lib$1.a: $(call objects,common/$1) common/$1
	$(if $(Q),@echo '  ar    $$@')
	$(Q)mkdir -p $$(@D); rm -f $$@; ar rcs $$@ $$(filter %.o,$$^)
endef

# $(call link,program,objects,libraries)
define link
$1: $2 $(common)
	$(if $(Q),@echo '  link  $$@')
	$(Q)mkdir -p $$(@D); $$(LINK) -o $$@ $2 $(common) $3
endef

$(foreach l,$(layers),$(eval $(call archive,$l)))
$(foreach f,$(folders),$(eval $(call compile,$f,$f,-iquote $f)))
$(foreach f,$(folders),$(eval $(call link,$(BUILD)/bin/$(call program,$f),$(call objects,$f),$(libs_common))))

all: $(common) $(programs)

# --- tests -------------------------------------------------------------------------------------------------------
# test/unit/test_X.c          a program with all of common
# test/unit/DAEMON/test_X.c   a program with all of common and all of DAEMON except its main.o
# test/unit/*.c (else)        helpers, for every unit test that calls them
# test/unit/DAEMON/*.c (else) helpers of that folder's tests
# test/tool/X.c               a program for the tests to use, with all of common
# $(BUILD)/test/faulty/DAEMON the daemon with the faults of common/base/fault.h in it
# test/fuzz/fuzz_X.c          a libFuzzer target, with all of common and the helpers of unit tests; corpus in test/fuzz/X/
# test/fuzz/DAEMON/fuzz_X.c   one with all of DAEMON except its main.o, and the helpers of DAEMON's unit tests; corpus in
#                             test/fuzz/DAEMON/X/

helpers := $(if $(filter-out test/unit/test_%,$(wildcard test/unit/*.c)),$(BUILD)/lib/libhelpers.a)

$(BUILD)/lib/libhelpers.a: $(filter-out $(BUILD)/obj/test/unit/test_%,$(call objects,test/unit)) test/unit
	$(Q)mkdir -p $(@D); rm -f $@; ar rcs $@ $(filter %.o,$^)

# $(call tests,folder,objects)
define tests
$(foreach t,$(sort $(basename $(notdir $(wildcard test/unit/$1test_*.c)))),
$(call link,$(BUILD)/test/unit/$1$t,$(BUILD)/obj/test/unit/$1$t.o $2 $(helpers),-lcmocka $(libs_common))
unit_tests += $(BUILD)/test/unit/$1$t
)
endef

unit_dirs := $(call with_sources,test/unit/,$(folders))
$(eval $(call compile,test/unit,test,-iquote test/unit))
$(eval $(call tests,,))
$(foreach d,$(unit_dirs),$(eval $(call compile,test/unit/$d,test,-iquote test/unit -iquote $d)))
$(foreach d,$(unit_dirs),$(eval $(call tests,$d/,$(filter-out %/main.o,$(call objects,$d)) \
	$(filter-out $(BUILD)/obj/test/unit/$d/test_%,$(call objects,test/unit/$d)))))

$(eval $(call compile,test/tool,test,))
tools := $(patsubst test/tool/%.c,$(BUILD)/test/tool/%,$(wildcard test/tool/*.c))
$(foreach t,$(tools),$(eval $(call link,$t,$(BUILD)/obj/test/tool/$(notdir $t).o,-lcmocka $(libs_common))))

# $(call faulty,daemon): only the files that have faults are compiled again
faults_of = $(patsubst %.c,$(BUILD)/obj/faulty/%.o,$(shell grep -l fault_ $1/*.c))
define faulty
$(BUILD)/obj/faulty/$1/%.o: $1/%.c $(BUILD)/flags $(BUILD)/inc/$1/.made
	$(Q)mkdir -p $$(@D); $$(COMPILE) -DJACKDAW_FAULTS -iquote $(BUILD)/inc/$1 -iquote $1 -c -o $$@ $$<
$(call link,$(BUILD)/test/faulty/$1,$(call faults_of,$1) \
	$(filter-out $(patsubst $(BUILD)/obj/faulty/%,$(BUILD)/obj/%,$(call faults_of,$1)),$(call objects,$1)),$(libs_common))
deps += $(patsubst %.o,%.d,$(call faults_of,$1))
faulty_programs += $(BUILD)/test/faulty/$1
endef
$(foreach d,sessiond storaged,$(eval $(call faulty,$d)))

# Only of use with CC=clang SANITIZE=address,undefined,fuzzer-no-link, as test/run fuzz builds them
fuzzers := $(patsubst test/fuzz/%.c,$(BUILD)/test/fuzz/%,$(wildcard test/fuzz/fuzz_*.c))
$(eval $(call compile,test/fuzz,test,-iquote test/unit))
tables_for = $(if $(filter %/fuzz_settings,$1),$(foreach f,$(folders),$(filter %/settings.o,$(call objects,$f))) \
	$(BUILD)/obj/authd/penalty.o $(filter-out %/settings.o %/main.o,$(call objects,sessiond)))
$(foreach t,$(fuzzers),$(eval $(call link,$t,$(BUILD)/obj/test/fuzz/$(notdir $t).o $(call tables_for,$t) $(helpers),\
	-fsanitize=fuzzer $(libs_common))))

# $(call fuzz_daemon,daemon)
define fuzz_daemon
$(call compile,test/fuzz/$1,test,-iquote test/unit -iquote test/unit/$1 -iquote $1)
$(foreach t,$(basename $(notdir $(wildcard test/fuzz/$1/fuzz_*.c))),
$(call link,$(BUILD)/test/fuzz/$1/$t,$(BUILD)/obj/test/fuzz/$1/$t.o $(filter-out %/main.o,$(call objects,$1)) \
	$(filter-out $(BUILD)/obj/test/unit/$1/test_%,$(call objects,test/unit/$1)) $(helpers),\
	-fsanitize=fuzzer -lcmocka $(libs_common))
fuzzers += $(BUILD)/test/fuzz/$1/$t
)
endef
$(foreach d,$(call with_sources,test/fuzz/,$(folders)),$(eval $(call fuzz_daemon,$d)))

.PHONY: tests fuzzers unit e2e check root fuzz test run interop ci-faults
fuzzers: $(fuzzers)
tests: all $(unit_tests) $(tools) $(faulty_programs) fault-tests
ci-faults: tests
	$(Q)BUILD=$(BUILD) test/run faults

run:
	$(Q)etc/bootstrap run
	$(Q)$(MAKE) --no-print-directory all
	$(Q)etc/demo $(BUILD)

test:
	$(Q)etc/bootstrap test
	$(Q)$(MAKE) --no-print-directory tests
	$(Q)BUILD=$(BUILD) test/run

unit e2e check root interop fuzz: tests
	$(Q)BUILD=$(BUILD) test/run $@

# --- benchmark ---------------------------------------------------------------------------------------------------
# make bench [ROWS=chat,login] [BENCH="--sessions 100 --rounds 1"]; see test/bench/README.md

bench_tools := $(BUILD)/bench/load $(BUILD)/bench/yardstick
$(eval $(call compile,test/bench,test,$(cflags_xml)))

yardstick   := $(filter $(BUILD)/obj/test/bench/yardstick%,$(call objects,test/bench))
$(BUILD)/bench/load: $(filter-out $(yardstick),$(call objects,test/bench))
$(BUILD)/bench/yardstick: $(yardstick) $(BUILD)/obj/test/bench/bytes.o
$(bench_tools):
	$(if $(Q),@echo '  link  $@')
	$(Q)mkdir -p $(@D); $(LINK) -o $@ $^ $(libs_tls) $(libs_xml)

.PHONY: bench
bench:
	$(Q)etc/bootstrap bench
	$(Q)$(MAKE) --no-print-directory all $(bench_tools)
	$(Q)test/bench/run --build $(BUILD) --rows "$(ROWS)" $(BENCH)

# --- faults ------------------------------------------------------------------------------------------------------
# make faults [FAULTS="--kills 100 --seed 7"]; see test/faults/README.md. "make ci-faults" runs the layer, a shorter form.
# $(BUILD)/test/sabotage/HOW/DAEMON breaks the rule on purpose: a function is wrapped when it is linked, and nothing of
# that is in the programs that are installed.

swarm := $(BUILD)/test/faults/swarm
$(eval $(call compile,test/faults,test,-iquote test/bench))
$(swarm): $(call objects,test/faults) $(patsubst %,$(BUILD)/obj/test/bench/%.o,bytes client flow login scan scram turn)
	$(if $(Q),@echo '  link  $@')
	$(Q)mkdir -p $(@D); $(LINK) -o $@ $^ $(libs_tls)

$(eval $(call compile,test/faults/sabotage,test,))
# $(call sabotage,how,daemon,functions)
define sabotage
$(call link,$(BUILD)/test/sabotage/$1/$2,$(call objects,$2) $(BUILD)/obj/test/faults/sabotage/$1.o,\
	$(addprefix -Wl$(comma)--wrap=,$3) $(libs_common))
sabotaged += $(BUILD)/test/sabotage/$1/$2
endef
comma := ,
$(eval $(call sabotage,replay,storaged,dedupe_find loop_wake_send))
$(foreach d,storaged authd,$(eval $(call sabotage,disk,$d,sqlite3_open_v2)))
$(eval $(call sabotage,commit,storaged,job_submit))
$(foreach d,sessiond storaged c2sd,$(eval $(call sabotage,drop,$d,bus_new)))
$(foreach d,router keyd authd storaged sessiond c2sd,$(eval $(call sabotage,clock,$d,control_new)))

.PHONY: faults fault-tests
fault-tests: $(swarm) $(sabotaged) $(BUILD)/bench/load
faults: all $(swarm)
	$(Q)test/faults/run --build $(BUILD) $(FAULTS)

# --- source upkeep -----------------------------------------------------------------------------------------------

.PHONY: format lint clean
format:
	$(Q)git ls-files -co --exclude-standard '*.[ch]' | xargs -r clang-format -i

lint: all
	$(Q)BUILD=$(BUILD) test/check/clang-tidy

clean:
	rm -rf $(BUILD)

# --- installation ------------------------------------------------------------------------------------------------
# Files under etc/ are written for /usr/local; another PREFIX replaces that in them. Settings that are already there
# are left alone, by uninstall too.

at      := $(DESTDIR)$(PREFIX)
libexec := $(at)/libexec/jackdaw
man8    := $(at)/share/man/man8
samples := $(wildcard etc/*.conf)

# The settings in a manual page come from the daemon's own table; those of jackdaw.conf, which all have, from the
# first daemon's.
pages   := $(wildcard $(foreach f,$(folders),$f/$(call program,$f).8))
manuals := $(foreach p,$(pages),$(BUILD)/man/$(notdir $p))
teller   = $(if $(filter jackdawctl,$1),$(BUILD)/bin/$(firstword $(folders)) --man-suite,$(BUILD)/bin/$1 --man)
define manual
$(BUILD)/man/$(notdir $1): $1 $(filter-out %/jackdawctl,$(programs))
	$(Q)mkdir -p $$(@D); $(call teller,$(basename $(notdir $1))) >$$@.settings
	$(Q)sed -e '/^\.\\" SETTINGS/{r $$@.settings' -e 'd}' $1 >$$@
endef
$(foreach p,$(pages),$(eval $(call manual,$p)))

# The sample files show every key with its default; test/check/samples compares.
.PHONY: manuals samples
manuals: $(manuals)
samples: all
	$(Q)$(BUILD)/bin/$(firstword $(folders)) --sample-suite >etc/jackdaw.conf
	$(Q)for d in $(filter $(DAEMONS),$(has_main)); do $(BUILD)/bin/$$d --sample >etc/$$d.conf || exit 1; done

# in-tree file : installed file
placed  := $(foreach f,$(wildcard etc/systemd/*.*),$f:$(at)/lib/systemd/system/$(notdir $f)) \
           $(foreach f,$(wildcard etc/sysusers.d/*.conf),$f:$(at)/lib/sysusers.d/$(notdir $f)) \
           $(foreach f,$(wildcard etc/tmpfiles.d/*.conf),$f:$(at)/lib/tmpfiles.d/$(notdir $f)) \
           $(foreach f,$(wildcard etc/init.d/*),$f:$(DESTDIR)/etc/init.d/$(notdir $f)) \
           $(foreach f,$(wildcard etc/logrotate.d/*),$f:$(DESTDIR)/etc/logrotate.d/$(notdir $f)) \
           $(foreach f,$(wildcard etc/runit/*/run),$f:$(at)/share/jackdaw/runit/$(patsubst etc/runit/%,%,$f))

.PHONY: install uninstall
install: all $(manuals)
	install -d $(libexec) $(at)/bin $(man8) $(DESTDIR)$(SYSCONFDIR)
	for d in $(filter $(DAEMONS),$(has_main)); do install -m 755 $(BUILD)/bin/$$d $(libexec)/ || exit 1; done
	for p in $(filter %/jackdawctl,$(programs)); do install -m 755 $$p $(at)/bin/ || exit 1; done
	for m in $(manuals); do install -m 644 $$m $(man8)/ || exit 1; done
	for s in $(samples); do t=$(DESTDIR)$(SYSCONFDIR)/$${s##*/}; \
		test -e $$t || install -m $$(case $$s in */componentd.conf) echo 600;; *) echo 644;; esac) $$s $$t || exit 1; done
	for p in $(placed); do s=$${p%%:*} t=$${p#*:}; mode=644; test ! -x $$s || mode=755; \
		install -d $${t%/*} && sed 's,/usr/local/,$(PREFIX)/,g' $$s >$$t && chmod $$mode $$t || exit 1; done
	if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ] && [ -x etc/users ]; then etc/users; fi

uninstall:
	rm -rf $(libexec) $(at)/share/jackdaw
	rm -f $(at)/bin/jackdawctl $(addprefix $(man8)/,$(notdir $(manuals)))
	rm -f $(foreach p,$(placed),$(lastword $(subst :, ,$p)))

-include $(deps)
