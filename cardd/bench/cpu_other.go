//go:build !unix

package main

import "time"

// cpuTime is 0 where no getrusage tells it; figures of it are then left out.
func cpuTime() time.Duration { return 0 }
