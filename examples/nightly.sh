#!/bin/sh
# One night's audit in a clone of the repository that holds registry/.
#
#   nightly.sh CLONE [OPTIONS OF adapterctl audit]
#
# Exits 0 when nothing is new or worse since the last night, 1 when something is, 3 when there is
# no answer or somebody could not be told. The first night only remembers what there is.
#
#   ADAPTERCTL_REPOSITORY  where to clone from, when CLONE is not there yet
#   ADAPTERCTL_NOTIFY      an apprise URL that is told what is new; teams can have their own
set -eu

clone=$1
shift
[ -d "$clone" ] || git clone --quiet "${ADAPTERCTL_REPOSITORY:?says where to clone from}" "$clone"
cd "$clone"
git pull --quiet --ff-only || exit 3

mkdir -p .adapterctl
last=.adapterctl/last-audit.json
notify=${ADAPTERCTL_NOTIFY:+--notify env:ADAPTERCTL_NOTIFY}
since=
[ ! -f "$last" ] || since="--since $last"

# shellcheck disable=SC2086 # options, or nothing
adapterctl audit "$@" $since --format json > "$last.new" || [ $? -eq 1 ] || exit 3
status=0
# shellcheck disable=SC2086
adapterctl audit "$@" $since $notify || status=$?

[ "$status" -le 1 ] || exit "$status" # tomorrow's audit compares with the last that was told
mv "$last.new" "$last"
[ -n "$since" ] || exit 0
exit "$status"
