//go:build !race

package upstream

// race is whether the race detector looks on.
const race = false
