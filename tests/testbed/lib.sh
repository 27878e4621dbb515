# Sourced by every script here: where things are, and how a cluster is found and taken down.
export TESTBED=${TESTBED:-${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-certs-testbed}
TESTBED=$(realpath -m "$TESTBED")
NS=${TESTBED_NETNS:-certs-testbed}   # a second cluster at the same time needs its own TESTBED_NETNS and TESTBED
NODE_IP=10.99.0.1
# Where kubelet, containerd and CNI write whatever their settings say. The cluster gets directories of its own there,
# in its mount namespace; here only the mount points appear, and go with `down` where nobody else has put anything.
HIDDEN="/var/lib/cni /var/lib/kubelet /var/log/containers /run/containerd /run/netns"
B=$TESTBED/bin      # binaries                                  (kept)
LOG=$TESTBED/log    # logs of the last cluster                  (kept until the next `up`)
R=$TESTBED/run      # everything that the running cluster wrote (gone after `down`)
export PATH=$B:$PATH
# every cluster has the same address, and must not be taken for the one before it
export KUBECACHEDIR=$R/kubectl-cache

say() { echo "testbed: $*" >&2; }
die() { say "$1"; exit "${2:-1}"; }
now() { date +%s%N; }
# seconds since $1 (a `now`), with one decimal
since() { local d=$((($(now) - $1) / 100000000)); echo "$((d / 10)).$((d % 10))"; }
in_ns() { nsenter --net="/var/run/netns/$NS" "$@"; }

# `up` and `down` must not run at the same time. Every process that outlives the script needs 9>&-.
lock() { mkdir -p "$TESTBED"; exec 9>"$TESTBED/lock"; flock 9; }

need_root() { [ "$(id -u)" = 0 ] || die "this needs root: network namespaces, mounts and cgroups" 2; }

# The pid (as seen from here) of the cluster's first process. It is looked for among the processes of the network
# namespace, never read from a file: after a reboot a number in a file may belong to somebody else.
init_pid() {
  local pid
  for pid in $(ip netns pids "$NS" 2>/dev/null); do
    # the processes below it have another number there, and those started by `run` have a single number
    if grep -qE '^NSpid:.*[[:space:]]1$' "/proc/$pid/status" 2>/dev/null; then echo "$pid"; return 0; fi
  done
}

healthy() {
  [ -e "$R/ready" ] && [ -n "$(init_pid)" ] &&
    in_ns kubectl --kubeconfig "$R/pki/admin.conf" get --raw /readyz >/dev/null 2>&1 &&
    in_ns kubectl --kubeconfig "$R/pki/admin.conf" get node node1 2>/dev/null | grep -q ' Ready ' &&
    in_ns curl -fso /dev/null --max-time 2 http://127.0.0.1:8080/ping &&
    in_ns curl -fso /dev/null --max-time 2 http://127.0.0.1:8181/ready
}

# Leaves no process, mount, network namespace or cgroup behind, whatever state it finds.
teardown() {
  local pid ids rest attempt own=$$ keep=" "
  ids=$(ls "$R"/containerd/state/io.containerd.runtime.v2.task/k8s.io 2>/dev/null || true)
  # not the command that is running this script, which `run` may have started
  while [ "$own" -gt 1 ]; do keep+="$own "; own=$(awk '/^PPid:/{print $2}' "/proc/$own/status"); done
  for attempt in $(seq 50); do
    # All of the cluster, Pods included, is in one PID namespace: the kernel ends it with its first process. Its mounts
    # and its Pods' network namespaces are in one mount namespace and go at the same moment.
    pid=$(init_pid)
    if [ -n "$pid" ]; then
      kill -9 "$pid" 2>/dev/null || true
      # gone only when every process below it is
      for _ in $(seq 200); do [ -e "/proc/$pid" ] || break; sleep 0.05; done
    fi
    # what `run` left in the network namespace
    rest=""
    for pid in $(ip netns pids "$NS" 2>/dev/null); do
      case $keep in *" $pid "*) ;; *) rest+=" $pid" ;; esac
    done
    [ -n "$rest" ] || break
    if [ "$attempt" -lt 20 ]; then kill $rest 2>/dev/null || true; else kill -9 $rest 2>/dev/null || true; fi
    sleep 0.1
  done
  # After a reboot the name can be there as an empty file, with no namespace behind it
  if [ -e "/var/run/netns/$NS" ]; then ip netns del "$NS" 2>/dev/null || rm -f "/var/run/netns/$NS"; fi
  # Container cgroups are empty by now, and nobody else removes them
  for pid in $ids; do
    find /sys/fs/cgroup -depth -type d -path "*/k8s.io/$pid*" -exec rmdir {} + 2>/dev/null || true
  done
  find /sys/fs/cgroup -depth -type d -name k8s.io -exec rmdir {} + 2>/dev/null || true
  # `ip netns add` makes its directory a mount; one that others have names in stays
  if [ -d /run/netns ] && [ -z "$(ls -A /run/netns)" ]; then umount /run/netns 2>/dev/null || true; fi
  rmdir $HIDDEN 2>/dev/null || true
  rm -rf "$R"
}
