//go:build !cgo

package face

import (
	"strings"
	"testing"
)

const withOpenJPEG = false

func TestWithoutCgoJPEG2000SaysSo(t *testing.T) {
	if _, err := EncodeJP2(noise(10, 10), 1000); err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=1") {
		t.Errorf("error = %v; want what to install and how to build", err)
	}
}
