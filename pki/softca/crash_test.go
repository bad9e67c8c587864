package softca

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"jukicard/highwater"
	"jukicard/pki"
	"jukicard/pki/pkitest"
)

func fingerprint(t *testing.T, r pki.Request) []byte {
	t.Helper()
	csr, err := pki.VerifyCSR(r.CSR)
	if err != nil {
		t.Fatal(err)
	}
	s := sha256.Sum256(csr.RawSubjectPublicKeyInfo)
	return s[:]
}

// Between the two commits a crash leaves a reserved serial and no certificate.
func TestCrashBetweenReservationAndCertificate(t *testing.T) {
	dir := newDir(t)
	a := open(t, dir)
	r := pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today)
	row, err := a.store.reserve(t.Context(), r.ID, r.Purpose, fingerprint(t, r), a.serial)
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Close()

	a = open(t, dir)
	listed, err := a.Certificates(t.Context())
	if err != nil || len(listed) != 1 || listed[0].DER != nil {
		t.Fatalf("want one reserved id without certificate, got %d, %v", len(listed), err)
	}
	if err := a.Revoke(t.Context(), row.serial, pki.Unspecified); err == nil {
		t.Error("revoked a certificate that was never issued")
	}
	cert, err := a.Certify(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if cert.SerialNumber.Cmp(row.serial) != 0 {
		t.Errorf("the reserved serial was not taken up")
	}
	if listed, _ = a.Certificates(t.Context()); len(listed) != 1 || string(listed[0].DER) != string(cert.Raw) {
		t.Errorf("want one id with the certificate returned, got %d", len(listed))
	}
}

// After the second commit the caller may never have heard the answer.
func TestCrashBeforeAnswer(t *testing.T) {
	dir := newDir(t)
	a := open(t, dir)
	r := pkitest.Request(t, "job-1", pki.Authentication, pkitest.NewCard(t, 0), today)
	ca, _ := a.ca(r.Purpose)
	der, err := a.issue(t.Context(), r, ca, fingerprint(t, r))
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	cert, err := open(t, dir).Certify(t.Context(), r)
	if err != nil || string(cert.Raw) != string(der) {
		t.Errorf("want the stored certificate, got another (%v)", err)
	}
}

// Two callers past the reservation: the first certificate stored is everyone's.
func TestFirstStoredCertificateWins(t *testing.T) {
	a := open(t, newDir(t))
	r := pkitest.Request(t, "job-1", pki.Signature, pkitest.NewCard(t, 0), today)
	if _, err := a.store.reserve(t.Context(), r.ID, r.Purpose, fingerprint(t, r), a.serial); err != nil {
		t.Fatal(err)
	}
	for _, der := range []string{"first", "second"} {
		if stored, err := a.store.complete(t.Context(), r.ID, []byte(der)); err != nil || string(stored) != "first" {
			t.Errorf("storing %s: want first, got %q, %v", der, stored, err)
		}
	}
}

// A crash while the authority is made leaves keys without certificates.
func TestCrashInSetUp(t *testing.T) {
	dir := newDir(t)
	for _, suffix := range []string{"", "-wal", "-shm", highwater.Suffix} {
		_ = os.Remove(dir + "/" + databaseName + suffix) // as before the first transaction
	}
	before, err := loadKey(dir, "signature-ca")
	if err != nil {
		t.Fatal(err)
	}
	a := open(t, dir)
	if !a.cas[pki.Signature].key.public.Equal(before.Public()) {
		t.Error("the key made before the crash was not taken up")
	}
	if err := os.WriteFile(dir+"/signature-ca.key.new", []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	open(t, dir)
}

const (
	envVictim = "SOFTCA_TEST_VICTIM" // directory in which to issue until killed
	csrFile   = "/csr"               // in it, the request of all
	killings  = 6
)

// victim asks for job-0, job-1 and so on until it is killed, and says each answer.
func victim() {
	dir := os.Getenv(envVictim)
	a, err := Open(dir, options())
	if err != nil {
		panic(err)
	}
	der, err := os.ReadFile(dir + csrFile)
	if err != nil {
		panic(err)
	}
	csr, err := pki.VerifyCSR(der)
	if err != nil {
		panic(err)
	}
	r := pki.Request{
		Purpose: pki.Signature, CSR: der, CommonName: csr.Subject.CommonName, Holder: pkitest.Person(),
		NotBefore: today, NotAfter: pki.EndOfDay(today.AddDate(4, 0, 0)),
	}
	for i := 0; ; i++ {
		r.ID = fmt.Sprintf("job-%d", i)
		cert, err := a.Certify(context.Background(), r)
		if err != nil {
			panic(err)
		}
		fmt.Println(r.ID, cert.SerialNumber, sum(cert.Raw))
	}
}

func sum(der []byte) string {
	s := sha256.Sum256(der)
	return hex.EncodeToString(s[:])
}

// TestKilledProcess kills an issuing process again and again, and holds what it
// ever answered against what the next one answers.
func TestKilledProcess(t *testing.T) {
	dir := newDir(t)
	r := pkitest.Request(t, "any", pki.Signature, pkitest.NewCard(t, 0), today)
	if err := os.WriteFile(dir+csrFile, r.CSR, 0o600); err != nil {
		t.Fatal(err)
	}
	answers, serials := map[string]string{}, map[string]string{}
	for n := range killings { // each goes over the answers before it and 7 further
		for _, line := range killAfter(t, dir, 3+7*n) {
			id, answer, _ := strings.Cut(line, " ")
			serial, digest, _ := strings.Cut(answer, " ")
			if len(digest) != 2*sha256.Size {
				continue // cut off by the kill
			}
			if was, known := answers[id]; known && was != answer {
				t.Fatalf("%s was %s and is now %s", id, was, answer)
			}
			if other, used := serials[serial]; used && other != id {
				t.Fatalf("serial %s stands for %s and %s", serial, other, id)
			}
			answers[id], serials[serial] = answer, id
		}
	}
	if len(answers) < 3+7*(killings-1) {
		t.Fatalf("the victims gave %d answers only", len(answers))
	}
	listed, err := open(t, dir).Certificates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range listed {
		if said, ok := answers[one.ID]; ok && said != one.Serial.String()+" "+sum(one.DER) {
			t.Errorf("%s: what is stored is not what was answered", one.ID)
		}
		delete(answers, one.ID)
	}
	if len(answers) != 0 {
		t.Errorf("%d answers are not stored", len(answers))
	}
}

// killAfter runs a victim, kills it after some answers and returns all it said.
func killAfter(t *testing.T, dir string, answers int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envVictim+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for in := bufio.NewScanner(out); in.Scan(); {
		lines = append(lines, in.Text())
		if len(lines) == answers {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the victim ended by itself")
	}
	return lines
}
