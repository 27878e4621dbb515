#!/usr/bin/env python3
"""watch.py WORD|- IDLE COMMAND...: runs a command in a terminal of 200x50 and says, as JSON, what it took.

first: seconds until something was drawn; all: seconds until WORD was drawn; rss and peak: MB of resident memory then; idle:
seconds of processor time in IDLE seconds after that, without a key.
"""
import fcntl, json, os, pty, re, select, struct, sys, termios, time

word, idle, command = sys.argv[1].encode(), float(sys.argv[2]), sys.argv[3:]
begin = time.monotonic()
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm-256color"
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
told, seen = {}, b""


def read(timeout):
    ready, _, _ = select.select([terminal], [], [], timeout)
    if not ready:
        return b""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""


def memory(what):
    text = open("/proc/%d/status" % pid).read()
    return int(re.search(what + r":\s+(\d+) kB", text).group(1)) * 1024 / 1e6


def processor():
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


while time.monotonic() - begin < 120:
    seen = (seen + read(1))[-(1 << 20):]
    # The header's tabs are part of every first frame.
    if "first" not in told and b"hosts" in seen:
        told["first"] = time.monotonic() - begin
    if word in seen and "first" in told:
        told["all"] = time.monotonic() - begin
        break
if "all" not in told:
    sys.exit("%r was not drawn in time: %r" % (word, seen[-2000:]))
# What is still on its way is drawn first.
until = time.monotonic() + 2
while time.monotonic() < until:
    read(0.1)
told["rss"], told["peak"] = memory("VmRSS"), memory("VmHWM")
before, until = processor(), time.monotonic() + idle
while time.monotonic() < until:
    read(0.5)
told["idle"] = processor() - before
os.write(terminal, b"q")
until = time.monotonic() + 20
while time.monotonic() < until:
    read(0.1)
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        told["status"] = os.waitstatus_to_exitcode(status)
        break
print(json.dumps(told))
