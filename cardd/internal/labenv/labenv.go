// Package labenv writes what foreign clients need to test with a laboratory's card:
// a file of shell variables, and beside it the certificates and the photo.
//
// It is for invented people only, and refuses an order of any municipality that
// could exist: everything a card protects stands in that file. It leaves out
// asking whether this is a laboratory, which is the daemon's to say.
package labenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"jukicard/apdu/secret"
	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
)

// certificates are the variables that hold paths of PEM files, the profile's name
// of each and what is put behind the name of the variables' file.
var certificates = []struct{ variable, on, suffix string }{
	{"AUTH_CERT", "jpki/auth-cert", ".auth-cert.pem"},
	{"AUTHCA_CERT", "jpki/auth-ca", ".auth-ca.pem"},
	{"SIGN_CERT", "jpki/sign-cert", ".sign-cert.pem"},
	{"SIGNCA_CERT", "jpki/sign-ca", ".sign-ca.pem"},
}

const photoSuffix = ".photo.jp2"

// Write writes file, and beside it the certificates and the photo that the card
// has; all are readable by their owner alone. Every variable is always there, empty
// where the card has no such thing. cardID is the card identification number.
func Write(file string, o *order.Order, pins order.PINs, l *client.Lab, cardID string) error {
	if !o.Municipality.Invented() {
		return failure.New(failure.APINotLab, "the order is not of an invented municipality", nil)
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return fmt.Errorf("cannot write card values: %w", err)
	}
	var vars variables
	if err := vars.person(o); err != nil {
		return fmt.Errorf("cannot write card values: %w", err)
	}
	if err := vars.pins(pins); err != nil {
		return fmt.Errorf("cannot write card values: %w", err)
	}
	vars.add("ATR", l.ATR)
	vars.add("CARD_ID", cardID)
	if err := vars.files(file, l); err != nil {
		return err
	}
	defer clear(vars.text)
	return writePrivate(file, vars.text)
}

// variables is the text of the file so far.
type variables struct{ text []byte }

// add adds one variable, quoted for a POSIX shell (IEEE Std 1003.1, XCU 2.2.2:
// nothing between single quotes means anything but a single quote).
func (v *variables) add(name, value string) {
	v.text = fmt.Appendf(v.text, "%s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
}

func (v *variables) secret(name string, value secret.Bytes) error {
	if value.Len() == 0 {
		v.add(name, "")
		return nil
	}
	return value.Lend(func(b []byte) error {
		v.add(name, string(b))
		return nil
	})
}

// pins adds the four PINs under the names foreign clients' scripts use.
func (v *variables) pins(pins order.PINs) error {
	return errors.Join(
		v.secret("AUTH_PIN", pins[juki.PINAuthentication]),
		v.secret("SIGN_PIN", pins[juki.PINSignature]),
		v.secret("TEXT_PIN", pins[juki.PINText]),
		v.secret("JUKI_PIN", pins[juki.PINResident]),
	)
}

// sexes are the words of foreign clients for the values of JIS X 0303.
var sexes = map[juki.Sex]string{juki.Male: "男性", juki.Female: "女性"}

func (v *variables) person(o *order.Order) error {
	r := o.Resident
	sex, ok := sexes[r.Sex.Get()]
	if !ok {
		sex = r.Sex.Get().Japanese()
	}
	err := errors.Join(v.secret("MYNUMBER", r.MyNumber), v.secret("NAME", r.Name), v.secret("ADDR", r.Address))
	v.add("BIRTH", r.Birth.Get().Compact())
	v.add("SEX", sex)
	v.add("EXPIRY", o.CardExpiry().Compact())
	return errors.Join(err,
		v.secret("SECURITY_CODE", o.SecurityCode), v.secret("REFERENCE_B", o.ReferenceB()), v.secret("RESIDENT_CODE", r.ResidentCode))
}

// files writes what is not text and adds where it is. What an earlier card left
// under a name that this one has no use for is taken away.
func (v *variables) files(file string, l *client.Lab) error {
	stem := strings.TrimSuffix(file, filepath.Ext(file))
	photo, err := l.Image()
	if err != nil {
		return fmt.Errorf("cannot write the photo: %v", err)
	}
	for _, c := range certificates {
		if err := v.file(c.variable, stem+c.suffix, []byte(l.Certificates[c.on])); err != nil {
			return err
		}
	}
	return v.file("PHOTO", stem+photoSuffix, photo)
}

func (v *variables) file(variable, path string, b []byte) error {
	if len(b) == 0 {
		v.add(variable, "")
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot take away %s, which this card does not have: %w", path, err)
		}
		return nil
	}
	v.add(variable, path)
	return writePrivate(path, b)
}

// writePrivate writes a file whole or not at all, mode 0600 also where another was
// there before.
func writePrivate(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}
