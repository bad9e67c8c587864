package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"slices"
	"strings"
)

// Authorities that authority.kind takes.
const (
	AuthoritySoftCA = "softca" // the embedded one
	AuthorityEST    = "est"    // RFC 7030
	AuthorityCMP    = "cmp"    // RFC 9810
)

// Authority is who issues certificates.
type Authority struct {
	Kind         string `koanf:"kind"` // softca, est or cmp
	Dir          string `koanf:"dir"`  // absolute
	Organization string `koanf:"organization"`
	Algorithm    string `koanf:"algorithm"` // of the embedded CAs' keys: RSA-2048 or P-384; empty: as they are

	URL         string `koanf:"url"`
	IssuersFile string `koanf:"issuers_file"` // absolute; the CAs' certificates
	CAFile      string `koanf:"ca_file"`      // absolute; who vouches for the server
	CertFile    string `koanf:"cert_file"`    // absolute; cardd's certificate
	KeyFile     string `koanf:"key_file"`     // absolute; of CertFile
	Template    bool   `koanf:"template"`     // sends what is wanted beside a PKCS #10
	Repeats     bool   `koanf:"repeats"`      // the server, asked the same twice, issues once

	TimeoutSeconds  int `koanf:"timeout_seconds"`  // an answer is waited for
	PatienceSeconds int `koanf:"patience_seconds"` // a card waits for a server that takes its time

	EST EST `koanf:"est"`
	CMP CMP `koanf:"cmp"`
}

// EST is what an authority over EST needs beside.
type EST struct {
	SignatureLabel      string `koanf:"signature_label"`      // additional path segment of 署名用
	AuthenticationLabel string `koanf:"authentication_label"` // 〃 of 利用者証明用
}

// CMP is what an authority over CMP needs beside.
type CMP struct {
	Request    string `koanf:"request"`     // ir or p10cr
	MAC        string `koanf:"mac"`         // pbm or pbmac1; empty: signatures by CertFile
	Reference  string `koanf:"reference"`   // the secret's name
	SecretFile string `koanf:"secret_file"` // absolute
	Server     string `koanf:"server"`      // CN of the certificate that signs answers
}

// authorityPaths are keys of this section whose value is a file.
var authorityPaths = []string{"authority.issuers_file", "authority.ca_file", "authority.cert_file", "authority.key_file", "authority.cmp.secret_file"}

type refusal = func(code, key, rule, remedy string)

// check holds the section together: what the kind needs is there, and nothing that
// belongs to another kind, which somebody may believe to be in force.
func (a Authority) check(refuse refusal) {
	kinds := []string{AuthoritySoftCA, AuthorityEST, AuthorityCMP}
	if !slices.Contains(kinds, a.Kind) {
		refuse(CodeValue, "authority.kind", "the value is none of those it takes", "write "+strings.Join(kinds, " or "))
		return
	}
	signs := a.Kind == AuthorityCMP && a.CMP.MAC == ""
	est, cmp, mac := a.Kind == AuthorityEST, a.Kind == AuthorityCMP, a.Kind == AuthorityCMP && a.CMP.MAC != ""
	for _, f := range []struct {
		key, value     string
		takes, demands bool
	}{
		{"authority.algorithm", a.Algorithm, !est && !cmp, false},
		{"authority.url", a.URL, est || cmp, est || cmp},
		{"authority.issuers_file", a.IssuersFile, est || cmp, cmp},
		{"authority.ca_file", a.CAFile, est || cmp, est || signs},
		{"authority.cert_file", a.CertFile, est || cmp, est || signs},
		{"authority.key_file", a.KeyFile, est || cmp, est || signs},
		{"authority.est.signature_label", a.EST.SignatureLabel, est, false},
		{"authority.est.authentication_label", a.EST.AuthenticationLabel, est, false},
		{"authority.cmp.mac", a.CMP.MAC, cmp, false},
		{"authority.cmp.reference", a.CMP.Reference, mac, mac},
		{"authority.cmp.secret_file", a.CMP.SecretFile, mac, mac},
		{"authority.cmp.server", a.CMP.Server, signs, signs},
	} {
		switch {
		case f.value != "" && !f.takes:
			refuse(CodeValue, f.key, "an authority of the kind "+a.Kind+" has no use for it", "leave it out, or name another kind")
		case f.value == "" && f.demands:
			refuse(CodeValue, f.key, "an authority of the kind "+a.Kind+" needs it", "see what cardd defaults prints")
		}
	}
	a.checkValues(refuse)
}

func (a Authority) checkValues(refuse refusal) {
	if (a.CertFile == "") != (a.KeyFile == "") {
		refuse(CodeValue, "authority.cert_file", "a certificate and its key go together", "write both cert_file and key_file, or neither")
	}
	if a.URL != "" {
		scheme, rule := addressFault(a.URL)
		if rule != "" || scheme == "unix" || scheme != "https" && a.Kind == AuthorityEST {
			refuse(CodeValue, "authority.url", "it is no address of such an authority", "write https://host, or for cmp on this machine http://localhost")
		}
	}
	for _, f := range []struct {
		key, value string
		takes      []string
	}{
		{"authority.algorithm", a.Algorithm, []string{"", "RSA-2048", "P-384"}},
		{"authority.cmp.request", a.CMP.Request, []string{"ir", "p10cr"}},
		{"authority.cmp.mac", a.CMP.MAC, []string{"", "pbm", "pbmac1"}},
	} {
		if !slices.Contains(f.takes, f.value) {
			refuse(CodeValue, f.key, "the value is none of those it takes", "write "+strings.Trim(strings.Join(f.takes, " or "), " or"))
		}
	}
	for _, f := range []struct{ key, path string }{{"authority.key_file", a.KeyFile}, {"authority.cmp.secret_file", a.CMP.SecretFile}} {
		if rule, remedy := keyFileFault(f.path); rule != "" {
			refuse(CodeKeyFile, f.key, rule, remedy)
		}
	}
	for _, f := range []struct{ key, path string }{{"authority.issuers_file", a.IssuersFile}, {"authority.ca_file", a.CAFile}, {"authority.cert_file", a.CertFile}} {
		if rule := fileFault(f.path); f.path != "" && rule != "" {
			refuse(CodeValue, f.key, rule, "name a file of certificates in PEM")
		}
	}
}

// Certificates reads a file of certificates in PEM, at least one. key is its name in the
// configuration. An error is an *Error.
func Certificates(key, path string) (out []*x509.Certificate, err error) {
	refuse := func(rule string) error {
		return &Error{Code: CodeValue, Source: path, Key: key, Rule: rule, Remedy: "put certificates in PEM there"}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, refuse(reason(err))
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			return nil, refuse("it holds something else than certificates")
		}
		out = append(out, cert)
	}
	if len(out) == 0 {
		return nil, refuse("it holds no certificate in PEM")
	}
	return out, nil
}

// Secured reads who cardd is to the authority and whom it trusts: the certificates that
// vouch for the server, and cardd's own with its key; each is empty where none is named. An
// error is an *Error.
func (a Authority) Secured() (vouch []*x509.Certificate, own tls.Certificate, err error) {
	if a.CAFile != "" {
		if vouch, err = Certificates("authority.ca_file", a.CAFile); err != nil {
			return nil, own, err
		}
	}
	if a.CertFile == "" {
		return vouch, own, nil
	}
	own, err = tls.LoadX509KeyPair(a.CertFile, a.KeyFile)
	if err != nil { // its words may hold what stands in the file
		err = &Error{Code: CodeKeyFile, Source: a.CertFile, Key: "authority.cert_file", Rule: "it is no certificate in PEM with the key of key_file", Remedy: "put a certificate and its own key there"}
	}
	return vouch, own, err
}
