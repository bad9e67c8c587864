package bed

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are taken below the range from which the kernel gives out ports for
// outgoing connections (32768 up, ip_local_port_range).
const (
	portLow  = 18000
	portHigh = 32000
	triesMax = 100
)

var errPortTaken = errors.New("a virtual reader is missing: another program has its port")

// freePorts finds n ports in a row that nobody listens on. Somebody may take
// one before pcscd does, which the caller must notice.
func freePorts(n int) (int, error) {
	for range triesMax {
		base := portLow + rand.IntN(portHigh-portLow-n)
		if allFree(base, n) {
			return base, nil
		}
	}
	return 0, fmt.Errorf("cannot find %d free ports in a row between %d and %d", n, portLow, portHigh)
}

func allFree(base, n int) bool {
	for p := base; p < base+n; p++ {
		l, err := net.Listen("tcp4", fmt.Sprintf(":%d", p))
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}
