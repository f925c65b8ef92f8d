"""A container as strict clusters run it: a file system that is read-only, a user without a name."""

UID = 54321  # in no passwd file, as OpenShift and `docker run --user` choose it
# A view of our own, so nobody else's files become read-only; /dev/shm stays writable, as in Docker.
# The image's files may be read by everybody, which a checkout's and its Python's need not be.
_SCRIPT = f"""\
set -e
mount --bind / /
mount -o remount,ro,bind /
exec setpriv --reuid {UID} --regid {UID} --clear-groups \\
    --inh-caps +dac_read_search --ambient-caps +dac_read_search env -u HOME "$@"
"""
PREFIX = ("unshare", "--mount", "sh", "-c", _SCRIPT, "container")
