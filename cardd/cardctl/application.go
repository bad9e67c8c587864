package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"jukicard/cardd/internal/order"
)

// orderMax bounds an order file; its photograph is a file of its own.
const orderMax = 1 << 24

// application is an order read from a file and found right by itself. What needs
// fonts, a photograph's content or a card is the daemon's to judge.
type application struct {
	order *order.Order
	wire  []byte // with the photograph inside
}

func (p *application) destroy() {
	p.order.Destroy()
	clear(p.wire)
}

// readApplication reads an order. The file "-" is standard input, whose photograph
// must be inside.
func (a *app) readApplication(file string) (*application, error) {
	raw, err := a.readInput(file, orderMax)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	wire, err := order.Inline(filepath.Dir(file), raw)
	if err != nil {
		return nil, err
	}
	o, err := order.Parse(wire, nil, order.Checks{})
	if err != nil {
		clear(wire)
		return nil, err
	}
	return &application{o, wire}, nil
}

// readInput reads a file that must not be longer than most bytes.
func (a *app) readInput(file string, most int64) ([]byte, error) {
	in := a.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, refused(fmt.Errorf("cannot read input: %w", err))
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, refused(fmt.Errorf("cannot read %s: %w", file, err))
	}
	if int64(len(b)) > most {
		clear(b)
		return nil, refused(fmt.Errorf("cannot read %s: it is longer than %d bytes; leave out what does not belong there", file, most))
	}
	return b, nil
}

// pinsMax bounds a PIN file.
const pinsMax = 4096

// readPINs reads a PIN file, and warns when others may read it too.
func (a *app) readPINs(file string) (order.PINs, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, refused(fmt.Errorf("cannot read PINs: %w", err))
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 && permissionsMean {
		a.notef(a.in2("warning: others may read the PINs in %s; close it with: chmod 600 %[1]s\n",
			"警告: %s の暗証番号を他の利用者が読めます。chmod 600 %[1]s で閉じてください\n"), file)
	}
	raw, err := a.readInput(file, pinsMax)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	return order.ParsePINs(raw)
}

// permissionsMean says whether a file's mode tells who may read it.
const permissionsMean = os.PathSeparator == '/'

// creatable says whether a file could be written, before a card is touched for it.
func creatable(files ...string) error {
	for _, file := range files {
		if file == "" {
			continue
		}
		info, err := os.Stat(filepath.Dir(file))
		if err != nil {
			return refused(fmt.Errorf("cannot write %s: %w; make the folder first", file, err))
		}
		if !info.IsDir() {
			return refused(fmt.Errorf("cannot write %s: %s is not a folder", file, filepath.Dir(file)))
		}
		if here, err := os.Stat(file); err == nil && here.IsDir() {
			return refused(errors.New("cannot write " + file + ": it is a folder; name a file"))
		}
	}
	return nil
}
