# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Part of scripts/kernel: builds the debug kernel, RELEASE-debug, from Debian's linux-source: tinyconfig, base.config and
# debug.config. It becomes build/kernels/RELEASE-debug like a kernel that was fetched.
#
# What it was made of (configuration, source, compiler) is its version: another one is another kernel. A finished kernel
# is also kept, packed, in the user's cache directory.

recipe=1	# counts what is changed below and makes another kernel
# kbuild, without what the caller's make may have set
debug_kbuild=(env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u MAKELEVEL -u W -u M -u O -u V -u KCFLAGS make LOCALVERSION=)
debug_cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/tcpstate

# The version of linux-source to build: apt's, else that of a package downloaded before
debug_source() {
	local package deb
	if need_lists; then
		package=$(closure linux-source | grep '^linux-source-[0-9]' | head -n 1 || :)
		package=${package%%=*}
		[ -z "$package" ] || apt-cache show --no-all-versions "$package" 2>/dev/null | sed -n 's/^Version: *//p' | head -n 1
		return
	fi
	deb=("$root"/build/downloads/linux-source-[0-9]*.deb)
	[ ${#deb[@]} = 0 ] || dpkg-deb -f "${deb[-1]}" Version
}

debug_state() {	# SOURCE: one word
	printf '%s-%s\n' "$1" "$({
		echo "$recipe"
		cat "$here"/kernel.d/*.config
		gcc --version | head -n 1
		ld --version | head -n 1
	} | sha256sum | head -c 16)"
}

debug_valid() {	# STATE RELEASE
	image_ready "$2" && [ "$(cat "$kernels/$2/version")" = "$1" ] && [ -e "$kernels/$2/headers/Makefile" ]
}

# Every line of the fragments has to be in .config: what depends on something that is off is dropped in silence.
debug_check_config() {	# SOURCE-TREE
	local line name lost=()
	while IFS= read -r line; do
		case $line in
		CONFIG_*=*) grep -qxF "$line" "$1/.config" || lost+=("$line") ;;
		'# CONFIG_'*' is not set')
			name=${line#\# } name=${name%% *}
			! grep -q "^$name=" "$1/.config" || lost+=("$line") ;;
		esac
	done < <(cat "$here"/kernel.d/{base,debug}.config)
	while IFS= read -r line; do lost+=("$line (should be built in or off)"); done < <(grep '=m$' "$1/.config")
	[ ${#lost[@]} = 0 ] || {
		printf '  %s\n' "${lost[@]}" >&2
		die "these lines of scripts/kernel.d/*.config did not take; remedy: add what they depend on ('depends on' in the Kconfig files)"
	}
}

# What takes ten minutes says every 30 s how far it is; the count of objects is known for the kernel at hand.
debug_make() {	# SOURCE-TREE LOG
	local pid status=0 begun=$SECONDS said=$SECONDS
	"${debug_kbuild[@]}" -j "$(nproc)" -C "$1" bzImage modules >"$2" 2>&1 </dev/null &
	pid=$!
	trap 'kill "$pid" 2>/dev/null; exit 130' INT
	trap 'kill "$pid" 2>/dev/null; exit 143' TERM
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		[ $((SECONDS - said)) -ge 30 ] || continue
		said=$SECONDS
		note "$((SECONDS - begun)) s: $(grep -cE '^  (CC|AS) ' "$2" || :) objects of about 1,500"
	done
	wait "$pid" || status=$?
	trap 'exit 130' INT
	trap 'exit 143' TERM
	[ "$status" = 0 ] || {
		grep -nE ' (fatal )?error|Error [0-9]|undefined reference' "$2" | head -n 20 >&2 || tail -n 20 "$2" >&2
		cp "$2" "$root/build/cache/debug-kernel.log"
		die "the debug kernel does not build; all of the output is in build/cache/debug-kernel.log"
	}
	note "built in $((SECONDS - begun)) s"
}

# What building modules needs of a built tree, as Debian's headers package has it
debug_headers() {	# SOURCE-TREE DEST
	mkdir -p "$2"
	(cd "$1" && {
		find . arch/x86 -maxdepth 1 -name 'Makefile*'
		find scripts include arch/x86/include \( -type f -o -type l \) ! -name '*.o' ! -name '.*.cmd'
		echo tools/objtool/objtool
		echo .config
		echo Module.symvers
	} | tar -c -T -) | tar -x -C "$2"
}

debug_build() {	# RELEASE SOURCE-VERSION: into $tmp
	local src=$tmp/src log=$tmp/build.log lib=$tmp/lib/modules/$1 made
	"$here/deps" debug || die "the debug kernel needs the packages above"
	# in a process of its own, which cleans up after itself
	(export KEEP_LINUX_SOURCE=${KEEP_LINUX_SOURCE-0}; source_version=$2; linux_source . "$src") || exit
	{
		"${debug_kbuild[@]}" -s -C "$src" tinyconfig &&
			(cd "$src" && KCONFIG_CONFIG=.config scripts/kconfig/merge_config.sh -m .config "$here"/kernel.d/{base,debug}.config) &&
			printf '%s\n' "CONFIG_LOCALVERSION=\"-debug\"" "# CONFIG_LOCALVERSION_AUTO is not set" >>"$src/.config" &&
			"${debug_kbuild[@]}" -s -C "$src" olddefconfig
	} >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "the debug kernel cannot be configured"; }
	debug_check_config "$src"
	note "building the kernel $1: some 10 minutes on two processors"
	debug_make "$src" "$log"
	made=$(cat "$src/include/config/kernel.release")
	[ "$made" = "$1" ] || die "linux-source $2 makes the kernel $made, not $1"
	cp "$src/arch/x86/boot/bzImage" "$tmp/vmlinuz"
	cp "$src/.config" "$tmp/config"
	debug_headers "$src" "$tmp/headers.tree"
	mkdir -p "$lib"
	ln -s ../../../headers "$lib/build"
	cp "$src"/modules.{order,builtin,builtin.modinfo} "$lib/"
	depmod -b "$tmp" "$1"
	if [ "${KEEP_DEBUG_SOURCE-}" = 1 ]; then
		rm -rf "$root/build/debug-source"
		mv "$src" "$root/build/debug-source"
	fi
	rm -rf "$src" "$log"
}

# From $tmp/{vmlinuz,config,lib,headers.tree,version} to build/kernels/RELEASE
debug_install() {	# RELEASE
	local dir=$kernels/$1 f
	cp "$tmp/version" "$tmp/headers.version"
	extract_vmlinux "$tmp/vmlinuz" "$tmp/vmlinux" || die "cannot unpack vmlinuz of $1: no lz4 (scripts/deps debug installs it)"
	ln -s headers.tree "$tmp/headers"
	mkdir -p "$dir"
	rm -rf "$dir"/{lib,headers,headers.tree,vmlinuz,version,initrd.cpio}
	for f in lib headers headers.tree headers.version config vmlinux version vmlinuz; do mv "$tmp/$f" "$dir/$f"; done
}

# debug_kernel [RELEASE]: make sure that build/kernels holds it, of the present state; print its release
debug_kernel() {
	local version release state have
	[ "$(uname -m)" = x86_64 ] || die "the debug kernel is for x86-64, this system is $(uname -m)"
	command -v gcc >/dev/null || "$here/deps" debug || die "the debug kernel needs the packages above"
	version=$(cached debug-source debug_source)
	if [ -z "$version" ]; then
		have=("$kernels"/*-debug/vmlinuz)
		[ ${#have[@]} -gt 0 ] ||
			die "the debug kernel is built from linux-source, which apt does not know; remedy: sudo apt-get update (needs a network)"
		have=${have[-1]%/*}
		note "apt knows no linux-source: taking the debug kernel that is there"
		echo "${have##*/}"
		return
	fi
	release=${version%%-*}-debug
	release=${release#*:}
	[ -z "${1-}" ] || [ "$1" = "$release" ] ||
		die "there is no debug kernel '$1', and linux-source $version makes $release; remedy: scripts/kernel debug"
	state=$(debug_state "$version")
	if ! debug_valid "$state" "$release"; then
		lock "kernel-$release"
		debug_valid "$state" "$release" || debug_make_valid "$release" "$version" "$state"
	fi
	echo "$release"
}

debug_make_valid() {	# RELEASE SOURCE-VERSION STATE
	local dir=$kernels/$1 pack=$debug_cache/kernel-$1-$3.tar.xz
	mkdir -p "$dir"
	rm -rf "$dir"/.tmp.*
	workdir "$dir"
	if [ -s "$pack" ] && tar -xJf "$pack" -C "$tmp" && [ "$(cat "$tmp/version" 2>/dev/null || :)" = "$3" ]; then
		note "the kernel $1 is from $debug_cache"
	else
		[ ! -e "$pack" ] || { note "$pack cannot be used; building anew"; rm -rf "${tmp:?}"/* "$pack"; }
		debug_build "$1" "$2"
		echo "$3" >"$tmp/version"
		if mkdir -p "$debug_cache" 2>/dev/null && [ -w "$debug_cache" ]; then
			note "packing it into $debug_cache"
			XZ_OPT="-3 -T0" tar -cJf "$pack.$$" -C "$tmp" vmlinuz config lib headers.tree version && mv "$pack.$$" "$pack" ||
				note "cannot write to $debug_cache: the kernel is not kept there"
			rm -f "$pack.$$"
			# not more than three
			ls -t "$debug_cache"/kernel-*-debug-*.tar.xz | tail -n +4 | xargs -r -d '\n' rm -f
		fi
	fi
	debug_install "$1"
	rm -rf "$tmp"
}
