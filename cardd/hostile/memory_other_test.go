//go:build !linux

package hostile

// peak is not known here.
func peak() (int64, error) { return 0, nil }
