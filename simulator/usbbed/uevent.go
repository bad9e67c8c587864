//go:build linux

package usbbed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// send tells every udev monitor of the preloaded programs what happened to a device. The
// preload library gives each a socket named event* instead of a netlink one; b.mu is held.
func (b *Bed) send(action string, s seat) error {
	b.events++
	message := monitorMessage(fmt.Sprintf(
		"ACTION=%s\x00DEVPATH=%s\x00SUBSYSTEM=usb\x00SEQNUM=%d\x00DEVTYPE=usb_device\x00MAJOR=%d\x00MINOR=%d\x00DEVNAME=/dev/%s\x00BUSNUM=001\x00DEVNUM=%03d\x00PRODUCT=%s\x00",
		action, s.devpath(), b.events, usbMajor, s.minor(), s.devname(), s.address, s.product()))
	sockets, err := filepath.Glob(filepath.Join(b.dir, "event*"))
	if err != nil {
		return err
	}
	for _, path := range sockets {
		if err := sendTo(path, message); err != nil {
			return fmt.Errorf("tell udev monitor %s: %w", filepath.Base(path), err)
		}
	}
	return nil
}

// sendTo sends to one monitor, and removes the socket of one that has ended.
func sendTo(path string, message []byte) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	err = unix.Sendto(fd, message, 0, &unix.SockaddrUnix{Name: path})
	if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOENT) {
		_ = os.Remove(path) // the next one may have removed it
		err = nil
	}
	return errors.Join(err, unix.Close(fd))
}

// monitorMessage is libudev's own format (systemd, src/libsystemd/sd-device/
// device-monitor.c, struct monitor_netlink_header): a header of 40 bytes, then the
// properties.
func monitorMessage(properties string) []byte {
	const headerSize, magic = 40, 0xFEEDCAFE
	h := make([]byte, headerSize)
	copy(h, "libudev\x00")
	binary.BigEndian.PutUint32(h[8:], magic)
	binary.NativeEndian.PutUint32(h[12:], headerSize)
	binary.NativeEndian.PutUint32(h[16:], headerSize) // where the properties begin
	binary.NativeEndian.PutUint32(h[20:], uint32(len(properties)))
	binary.BigEndian.PutUint32(h[24:], murmur2("usb"))
	binary.BigEndian.PutUint32(h[28:], murmur2("usb_device"))
	var b strings.Builder
	b.Write(h)
	b.WriteString(properties)
	return []byte(b.String())
}

// murmur2 is MurmurHash2 with seed 0, by which monitors filter.
func murmur2(s string) uint32 {
	const m = 0x5BD1E995
	h := uint32(len(s))
	d := []byte(s)
	for ; len(d) >= 4; d = d[4:] {
		k := binary.LittleEndian.Uint32(d) * m
		h = h*m ^ (k^k>>24)*m
	}
	if len(d) > 0 {
		for i, c := range d {
			h ^= uint32(c) << (8 * i)
		}
		h *= m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
