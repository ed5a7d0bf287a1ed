# Shared by the checks. A check prints one line per finding, "file:line: what is wrong", and fails if there was one;
# status 77 means that it could not run, with the reason as its last line.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${JACKDAW_BUILD:-${BUILD:-build}}
DAEMONS='router keyd authd storaged sessiond c2sd s2sd componentd'

# All files of the repository that match the patterns, also those not yet added
files() {
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files -co --exclude-standard -- "$@"
	else
		for pattern in "$@"; do
			find . -path './build*' -prune -o -name "${pattern##*/}" -type f -print | sed 's,^\./,,'
		done
	fi | sort -u | while read -r f; do
		test -f "$f" && echo "$f"
	done
}

sources() {
	files '*.c' '*.h'
}

# Copy the findings on standard input to standard output; fail if there are any.
verdict() {
	! grep .
}

# The same with comments and the contents of string literals blanked out, lines kept: grep finds code only.
code_of() {
	awk -f test/check/code-only.awk "$1"
}

# grep_code PATTERN MESSAGE FILE…: the lines of code that match, as findings
grep_code() {
	pattern=$1 message=$2
	shift 2
	for f in "$@"; do
		code_of "$f" | grep -nE "$pattern" | sed "s|^\([0-9]*\):[ 	]*\(.*\)|$f:\1: $message: \2|"
	done
}
