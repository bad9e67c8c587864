//go:build linux

package usbbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// seat is a device where it sits.
type seat struct {
	device        Device
	port, address int
}

// usbMajor is the device number of /dev/bus/usb (Linux, admin-guide/devices.txt).
const usbMajor = 189

func (s seat) minor() int { return s.address - 1 }
func (s seat) devpath() string {
	return fmt.Sprintf("/devices/pci0000:00/0000:00:14.0/usb1/1-%d", s.port)
}
func (s seat) devname() string { return fmt.Sprintf("bus/usb/001/%03d", s.address) }
func (s seat) product() string { return fmt.Sprintf("%x/%x/100", s.device.Vendor, s.device.Product) }

// attributes are the files of a device in sysfs that libudev and libusb read (Linux,
// ABI/testing/sysfs-bus-usb, ABI/stable/sysfs-bus-usb).
func (s seat) attributes() map[string]string {
	d := s.device
	return map[string]string{
		"busnum": "1\n", "devnum": fmt.Sprintf("%d\n", s.address), "dev": fmt.Sprintf("%d:%d\n", usbMajor, s.minor()),
		"idVendor": fmt.Sprintf("%04x\n", d.Vendor), "idProduct": fmt.Sprintf("%04x\n", d.Product),
		"manufacturer": d.Maker + "\n", "product": d.Name + "\n", "serial": d.Serial + "\n",
		"speed": "480\n", "bConfigurationValue": "1\n", "bNumConfigurations": "1\n",
		"descriptors": string(append(d.deviceDescriptor(), d.configDescriptor()...)),
		"uevent": fmt.Sprintf("MAJOR=%d\nMINOR=%d\nDEVNAME=%s\nDEVTYPE=usb_device\nDRIVER=usb\nPRODUCT=%s\nTYPE=0/0/0\nBUSNUM=001\nDEVNUM=%03d\n",
			usbMajor, s.minor(), s.devname(), s.product(), s.address),
	}
}

// links are where umockdev and udev look for a device: its subsystem, the bus's list and
// the number of its node.
func (s seat) links() map[string]string {
	return map[string]string{
		"sys" + s.devpath() + "/subsystem":                       "../../../../../bus/usb",
		fmt.Sprintf("sys/bus/usb/devices/1-%d", s.port):          "../../.." + s.devpath(),
		"dev/.node/" + strings.ReplaceAll(s.devname(), "/", "_"): fmt.Sprintf("%d:%d", usbMajor, s.minor()),
	}
}

// writeTree makes the device's files.
func (b *Bed) writeTree(s seat) error {
	dir := filepath.Join(b.dir, "sys"+s.devpath())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range s.attributes() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for name, target := range s.links() {
		if err := os.Symlink(target, filepath.Join(b.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// removeTree takes them and the node away.
func (b *Bed) removeTree(s seat) error {
	var errs []error
	for name := range s.links() {
		errs = append(errs, os.Remove(filepath.Join(b.dir, name)))
	}
	return errors.Join(append(errs,
		os.Remove(filepath.Join(b.dir, "dev", s.devname())),
		os.RemoveAll(filepath.Join(b.dir, "sys"+s.devpath())))...)
}
