package acceptance

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/binary"
	"math/big"
)

// sshKey is a public key as OpenSSH writes it (RFC 4253, 6.6).
func sshKey(k *rsa.PublicKey) string {
	var b []byte
	for _, part := range [][]byte{[]byte("ssh-rsa"), big.NewInt(int64(k.E)).Bytes(), append([]byte{0}, k.N.Bytes()...)} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	return "ssh-rsa " + base64.StdEncoding.EncodeToString(b)
}
