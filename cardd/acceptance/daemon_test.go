package acceptance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// daemon is a running cardd of our own.
type daemon struct {
	dir    string // holds cardd.toml, state, cardd.sock and cardd.log
	cmd    *exec.Cmd
	exited chan error
}

// startDaemon writes the configuration, starts cardd and waits until it says that
// it serves. more is appended to the configuration.
func startDaemon(dir, reader string, lab bool, more string) (*daemon, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d := &daemon{dir: dir, exited: make(chan error, 1)}
	config := fmt.Sprintf("lab = %v\nstate_dir = %q\nsocket = %q\n[log]\nlevel = \"debug\"\n[reader]\nname = %q\n[station]\nname = \"acceptance\"\n%s",
		lab, d.state(), d.socket(), reader, more)
	if err := os.WriteFile(filepath.Join(dir, "cardd.toml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	d.cmd = exec.Command(program("cardd"), "serve", "--config", filepath.Join(dir, "cardd.toml"))
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := d.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(d.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	serving := make(chan bool, 1)
	go d.keep(said, log, serving)
	if !<-serving {
		return nil, fmt.Errorf("cardd did not come up: %w; see %s", <-d.exited, d.log())
	}
	return d, nil
}

// keep copies what cardd says into the log, and notes when it serves and when it
// has ended.
func (d *daemon) keep(said io.Reader, log *os.File, serving chan<- bool) {
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		_, _ = fmt.Fprintln(log, lines.Text()) // a full disk shows in every test
		if strings.Contains(lines.Text(), "msg=serving") {
			serving <- true
		}
	}
	_ = log.Close()
	err := d.cmd.Wait()
	close(serving)
	d.exited <- err
}

func (d *daemon) state() string  { return filepath.Join(d.dir, "state") }
func (d *daemon) socket() string { return filepath.Join(d.dir, "cardd.sock") }
func (d *daemon) log() string    { return filepath.Join(d.dir, "cardd.log") }

// stop ends cardd as systemd would.
func (d *daemon) stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return <-d.exited
}

// cardctl is the command line against this daemon.
func (d *daemon) cardctl(args ...string) *exec.Cmd {
	cmd := exec.Command(program("cardctl"), append([]string{"--socket", d.socket()}, args...)...)
	return cmd
}
