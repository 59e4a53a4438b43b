# SPDX-License-Identifier: GPL-2.0-only
#
# The front door; `make help` lists the targets. The work is done by the scripts behind it, each of which
# has a --help. Everything that is made or fetched goes into build/ (and module/tcpstate.ko).

# Kernel release to build the module for; empty: the running one where that is possible, else Debian's.
KVER ?=

all: module tools

help:
	@echo 'make run      load the module and show tcpstate; where that cannot be, in an emulated machine'
	@echo '              with a demonstration load (RUN_IN_VM=1: there anyway; SHELL_IN_VM=1: a shell there)'
	@echo 'make stop     unload it'
	@echo 'make check    all tests, in emulated machines and here; nothing is loaded here'
	@echo 'make check-debug  KUnit and kselftests on a debug kernel (KASAN, lockdep ...), which it builds at first'
	@echo 'make          module and tools'
	@echo 'make module   build/RELEASE/tcpstate.ko (KVER=RELEASE), module/tcpstate.ko for the running kernel'
	@echo 'make tools    build/bin/tcpstate'
	@echo 'make docs     tables and diagram from module/fsm/states.def (wants graphviz)'
	@echo 'make man      man pages into build/man (wants docutils)'
	@echo 'make clean    remove what was built; make distclean: also what was fetched'

module:
	@scripts/deps build
	@scripts/kernel module $(KVER)

tools:
	@scripts/deps tools
	@$(MAKE) --no-print-directory -s -C userspace

# What the demonstration connects and leaks.
build/demo/load: scripts/demo.d/load.c
	@mkdir -p $(@D)
	@$(CC) -O2 -Wall -Wextra -o $@ $<

run: tools build/demo/load
	@scripts/run

stop:
	@scripts/stop

check:
	@scripts/check

check-debug:
	@scripts/check debug

docs:
	@scripts/docs

man:
	@scripts/man

clean:
	@$(MAKE) --no-print-directory -s -C userspace clean
	rm -rf build/*/module build/*/tcpstate.ko build/check build/selftests build/demo module/tcpstate.ko

distclean: clean
	rm -rf build

.PHONY: all help module tools run stop check check-debug docs man clean distclean
