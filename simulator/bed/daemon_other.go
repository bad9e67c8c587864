//go:build !linux

package bed

import (
	"context"
	"errors"
)

var errLinuxOnly = errors.New("a private pcscd needs Linux namespaces; this program runs elsewhere")

type daemon struct{}

func startDaemon(string, tools) (*daemon, error) { return nil, errLinuxOnly }

func (*daemon) kill() error { return errLinuxOnly }

func (*Bed) wait(context.Context) error { return errLinuxOnly }
