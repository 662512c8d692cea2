// A model API in the guest: HTTPS with a certificate of its own, whose authority it
// writes into the file it is given, and HTTP. It prints the ports, and appends the
// marker of each call to /tmp/served.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

var served sync.Mutex

func main() {
	certificate := certificate(os.Args[1])
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server := &http.Server{
		Handler:   http.HandlerFunc(answer),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
	}
	go func() { check(server.ServeTLS(secure, "", "")) }()
	fmt.Printf("http=%d https=%d\n", port(plain), port(secure))
	check(server.Serve(plain))
}

func port(listener net.Listener) int { return listener.Addr().(*net.TCPAddr).Port }

// The text and the figures follow from the request: nothing is right by chance.
func answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	check(err)
	_, rest, _ := strings.Cut(string(body), "marker=")
	marker, _, _ := strings.Cut(rest, "\"")
	marker, _, _ = strings.Cut(marker, " ")
	encoded, err := json.Marshal(map[string]any{
		"id": "c-" + marker, "object": "chat.completion", "model": "m-1",
		"choices": []any{map[string]any{
			"index": 0, "finish_reason": "stop",
			"message": map[string]string{"role": "assistant", "content": "for " + marker},
		}},
		"usage": map[string]int{
			"prompt_tokens": len(body), "completion_tokens": len(marker), "total_tokens": len(body) + len(marker),
		},
	})
	check(err)
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(encoded)
	check(err)
	served.Lock()
	defer served.Unlock()
	log, err := os.OpenFile("/tmp/served", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	check(err)
	_, err = fmt.Fprintln(log, marker)
	check(err)
	check(log.Close())
}

func certificate(authority string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := func(name string, isAuthority bool) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber:          big.NewInt(time.Now().UnixNano()),
			Subject:               pkix.Name{CommonName: name},
			NotBefore:             time.Now().Add(-time.Hour),
			NotAfter:              time.Now().Add(24 * time.Hour),
			KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
			ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			IsCA:                  isAuthority,
			BasicConstraintsValid: true,
		}
	}
	root, own := template("guest CA", true), template("guest", false)
	own.DNSNames, own.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	own.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	check(err)
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	check(os.WriteFile(authority, encoded, 0o600))
	parent, err := x509.ParseCertificate(der)
	check(err)
	ownKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	leaf, err := x509.CreateCertificate(rand.Reader, own, parent, &ownKey.PublicKey, key)
	check(err)
	return tls.Certificate{Certificate: [][]byte{leaf, der}, PrivateKey: ownKey}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
