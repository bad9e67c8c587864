//go:build !linux

package api

import "net"

// peerOf knows nobody: cardd serves on Linux, where the kernel tells who connects.
func peerOf(net.Conn) peer { return peer{} }
