package acceptance

import (
	"fmt"
	"os/exec"
	"strings"
)

// readEnv has the shell read what --env wrote, as foreign clients' scripts do.
func readEnv(path string) (map[string]string, error) {
	out, err := exec.Command("env", "-i", "/bin/sh", "-c", `set -a; . "$0"; env -0`, path).Output()
	if err != nil {
		return nil, fmt.Errorf("the shell cannot read %s: %w", path, err)
	}
	env := map[string]string{}
	for _, line := range strings.Split(string(out), "\x00") {
		if name, value, ok := strings.Cut(line, "="); ok {
			env[name] = value
		}
	}
	return env, nil
}
