package config

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
)

// check refuses what could not reach anybody, or would not as it was meant.
func (u Upstream) check(refuse func(code, key, rule, remedy string)) {
	secured := false
	for _, f := range []struct{ key, value string }{{"upstream.management", u.Management}, {"upstream.jpki", u.JPKI}} {
		if f.value == "" {
			continue
		}
		scheme, rule := addressFault(f.value)
		if rule != "" {
			refuse(CodeValue, f.key, rule, "write https://host/path, unix:///path, or http on this machine")
		}
		secured = secured || scheme == "https"
	}
	u.checkFiles(refuse, secured)
}

// addressFault says why an address is none that a party has; rule is empty when it is.
func addressFault(address string) (scheme, rule string) {
	a, err := url.Parse(address)
	switch {
	case err != nil:
		return "", "it is no URL"
	case a.User != nil || a.RawQuery != "" || a.Fragment != "":
		return a.Scheme, "it holds a user, a query or a fragment"
	case a.Scheme == "https" && a.Hostname() != "", a.Scheme == "unix" && a.Host == "" && a.Path != "":
		return a.Scheme, ""
	case a.Scheme == "http" && onThisMachine(a.Hostname()):
		return a.Scheme, ""
	case a.Scheme == "http":
		return a.Scheme, "card and certificate numbers would cross a network in the clear"
	}
	return a.Scheme, "it is none of a way that is known"
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkFiles looks at the files of TLS without reading them.
func (u Upstream) checkFiles(refuse func(code, key, rule, remedy string), secured bool) {
	for _, f := range []struct{ key, path string }{{"upstream.ca_file", u.CAFile}, {"upstream.cert_file", u.CertFile}, {"upstream.key_file", u.KeyFile}} {
		switch {
		case f.path == "":
			continue
		case !secured:
			refuse(CodeValue, f.key, "no other side is reached by https", "leave it out, or write an https address")
		case f.key == "upstream.key_file":
			if rule, remedy := keyFileFault(f.path); rule != "" {
				refuse(CodeKeyFile, f.key, rule, remedy)
			}
		default:
			if rule := fileFault(f.path); rule != "" {
				refuse(CodeValue, f.key, rule, "name a file of certificates in PEM")
			}
		}
	}
	if (u.CertFile == "") != (u.KeyFile == "") {
		refuse(CodeValue, "upstream.cert_file", "a certificate and its key go together", "write both cert_file and key_file, or neither")
	}
}

// fileFault says why nothing can be read from a path; empty when it may be.
func fileFault(path string) string {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "the file " + path + " cannot be found: " + reason(err)
	case !info.Mode().IsRegular():
		return path + " is not a file"
	}
	return ""
}

// TLS reads the files: who cardd is to the other sides and whom it trusts. It is nil
// where none is named. An error is an *Error.
func (u Upstream) TLS() (*tls.Config, error) {
	if u.CAFile == "" && u.CertFile == "" {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if u.CAFile != "" {
		text, err := os.ReadFile(u.CAFile)
		if err != nil {
			return nil, &Error{Code: CodeValue, Source: u.CAFile, Key: "upstream.ca_file", Rule: reason(err), Remedy: "give the daemon's user the right to read it"}
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, &Error{Code: CodeValue, Source: u.CAFile, Key: "upstream.ca_file", Rule: "it holds no certificate in PEM", Remedy: "put the authority's certificate there"}
		}
	}
	if u.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(u.CertFile, u.KeyFile)
		if err != nil { // its words may hold what stands in the file
			return nil, &Error{Code: CodeKeyFile, Source: u.CertFile, Key: "upstream.cert_file", Rule: "it is no certificate in PEM with the key of key_file", Remedy: "put a certificate and its own key there"}
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
