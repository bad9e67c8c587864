package hostile

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// childVariable makes the test binary a process of its own that plays a role.
const childVariable = "CARDD_HOSTILE_CHILD"

// children are the roles. What a role says ends on its standard output.
var children = map[string]func(argument string) error{}

// child plays the role that the environment names.
func child() (code int, is bool) {
	role, argument, is := strings.Cut(os.Getenv(childVariable), " ")
	if !is {
		return 0, false
	}
	if err := children[role](argument); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	return 0, true
}

// asChild is the command that plays a role in a process of its own.
func asChild(t testing.TB, role, argument string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+role+" "+argument)
	return cmd
}
