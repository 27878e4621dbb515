// What Go makes of certificates: for each line "HOST DIRECTORY" on standard input, one line of JSON about the directory's
// tls.crt, tls.key and root.pem. It is the yardstick that tests/integration/e2e/oracles holds verdicts against.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Answer is what Go says; an empty text is consent.
type Answer struct {
	// Load: crypto/tls.X509KeyPair, as Traefik loads a Secret.
	Load string `json:"load"`
	// First: whether the first PEM block is a certificate, as ingress-nginx wants it before it loads.
	First bool `json:"first"`
	// Handshake: a client that verifies nothing, against a server with this pair.
	Handshake string `json:"handshake"`
	// Verify: x509.Verify for the host, at the given time, with root.pem.
	Verify string `json:"verify"`
}

func main() {
	seconds, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		panic(err)
	}
	now := time.Unix(seconds, 0)
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		host, dir, _ := strings.Cut(lines.Text(), " ")
		if err := out.Encode(ask(dir, host, now)); err != nil {
			panic(err)
		}
	}
}

func ask(dir, host string, now time.Time) Answer {
	chain, _ := os.ReadFile(filepath.Join(dir, "tls.crt"))
	key, _ := os.ReadFile(filepath.Join(dir, "tls.key"))
	var answer Answer
	first, _ := pem.Decode(chain)
	answer.First = first != nil && first.Type == "CERTIFICATE"
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		answer.Load = err.Error()
		return answer
	}
	// What is sent, for those who verify it by other means.
	var sent bytes.Buffer
	for _, der := range pair.Certificate {
		if err := pem.Encode(&sent, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			panic(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "sent.pem"), sent.Bytes(), 0o600); err != nil {
		panic(err)
	}
	answer.Handshake = text(handshake(pair))
	answer.Verify = text(verify(pair, filepath.Join(dir, "root.pem"), host, now))
	return answer
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func handshake(pair tls.Certificate) error {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	deadline := time.Now().Add(5 * time.Second)
	_, _ = near.SetDeadline(deadline), far.SetDeadline(deadline)
	server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{pair}})
	done := make(chan error, 1)
	go func() { done <- server.Handshake(); far.Close() }()
	if err := tls.Client(near, &tls.Config{InsecureSkipVerify: true}).Handshake(); err != nil {
		return err
	}
	near.Close()
	<-done
	return nil
}

func verify(pair tls.Certificate, rootFile, host string, now time.Time) error {
	options := x509.VerifyOptions{
		DNSName:       host,
		CurrentTime:   now,
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
	}
	if roots, err := os.ReadFile(rootFile); err == nil {
		options.Roots.AppendCertsFromPEM(roots)
	}
	var leaf *x509.Certificate
	for at, der := range pair.Certificate {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		if at == 0 {
			leaf = certificate
		} else {
			options.Intermediates.AddCert(certificate)
		}
	}
	_, err := leaf.Verify(options)
	return err
}
