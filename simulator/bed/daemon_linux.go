package bed

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const pollEvery = 2 * time.Millisecond

// inNamespace puts pcscd's socket into our directory ($1) and an empty directory
// over the USB drivers, then becomes pcscd. Where /run/pcscd is missing and may
// not be made, /run as a whole is replaced.
const inNamespace = `set -e
mkdir -p /run/pcscd 2>/dev/null || { mount -t tmpfs tmpfs /run; mkdir -p /run/pcscd; }
mount --bind "$1/run" /run/pcscd
[ ! -d /usr/lib/pcsc/drivers ] || mount --bind "$1/none" /usr/lib/pcsc/drivers
unset PCSCLITE_CSOCK_NAME LISTEN_FDS LISTEN_PID
exec "$2" --foreground --config "$1/conf"`

// daemon is one pcscd process.
type daemon struct {
	process *os.Process
	ended   chan struct{} // closed when the process is gone and waited for
}

// startDaemon starts pcscd in its own mount namespace. The thread that starts
// it lives as long as it does, because the kernel's parent-death signal follows
// that thread (prctl(2), PR_SET_PDEATHSIG).
func startDaemon(dir string, t tools) (*daemon, error) {
	log, err := os.Create((&Bed{dir: dir}).Log())
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(t.sh, "-c", inNamespace, "bed", dir, t.pcscd)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = namespaces()
	d := &daemon{ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		defer close(d.ended)
		defer func() { _ = log.Close() }()
		err := cmd.Start()
		d.process = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended does not matter: whoever waits sees that it did
		}
	}()
	if err := <-started; err != nil {
		<-d.ended
		return nil, fmt.Errorf("%w: a bed needs root or user namespaces (sysctl kernel.unprivileged_userns_clone)", err)
	}
	return d, nil
}

// namespaces asks for a private mount namespace, as root directly and otherwise
// by way of a user namespace in which we are root.
func namespaces() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWNS,
		Pdeathsig:    syscall.SIGKILL,
		Setpgid:      true, // a Ctrl-C at the terminal is ours to handle, not pcscd's
	}
	if os.Geteuid() != 0 {
		a.Cloneflags = syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return a
}

func (d *daemon) kill() error {
	_ = d.process.Kill() // it may have ended by itself
	<-d.ended
	return nil
}

// wait returns when pcscd answers and holds all its ports. A port that is taken
// does not stop pcscd: it starts with the reader missing.
func (b *Bed) wait(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !answers(b.Socket()) {
		select {
		case <-tick.C:
		case <-b.daemon.ended:
			return fmt.Errorf("pcscd ended")
		case <-ctx.Done():
			return fmt.Errorf("no answer on %s: %v", b.Socket(), ctx.Err())
		}
	}
	held, err := listening(b.daemon.process.Pid)
	if err != nil {
		return err
	}
	// pcscd opens its readers before its socket, so this look is final.
	for p := b.base; p < b.base+b.readers; p++ {
		if !held[p] {
			return fmt.Errorf("port %d: %w", p, errPortTaken)
		}
	}
	return nil
}

// answers says whether somebody accepts connections on the socket: the file
// alone is there a moment before.
func answers(socket string) bool {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// listening is the set of TCP ports on which a process listens (proc(5)).
func listening(pid int) (map[int]bool, error) {
	sockets, err := socketsOf(pid)
	if err != nil {
		return nil, err
	}
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", pid))
	if err != nil {
		return nil, err
	}
	return listeningPorts(string(table), sockets), nil
}

// listeningPorts picks from /proc/net/tcp the ports in state 0A (listen) whose
// inode is in sockets.
func listeningPorts(table string, sockets map[string]bool) map[int]bool {
	ports := map[int]bool{}
	for line := range strings.Lines(table) {
		f := strings.Fields(line) // sl local remote st queues timer retransmits uid timeout inode
		if len(f) < 10 || f[3] != "0A" || !sockets[f[9]] {
			continue
		}
		_, hex, _ := strings.Cut(f[1], ":")
		if p, err := strconv.ParseUint(hex, 16, 16); err == nil {
			ports[int(p)] = true
		}
	}
	return ports
}

// socketsOf is the set of inodes of a process's open sockets.
func socketsOf(pid int) (map[string]bool, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	inodes := map[string]bool{}
	for _, e := range entries {
		target, err := os.Readlink(dir + "/" + e.Name())
		if err != nil {
			continue // closed since
		}
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return inodes, nil
}
