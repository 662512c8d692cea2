// Moves messages over crypto/tls between both ends of connections in this process, and
// looks at every byte that arrives.
//
//	mover --certificate=FILE --key=FILE --calls=N --size=BYTES [--goroutines=N]
//
// Each goroutine has one end of a connection, and goes deep into its own stack for some
// of its calls, so that the stack grows and moves around them. Begins when its
// standard input says a line. Prints what was moved, the calls that moved it, and the
// processor time of all that.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

var moved, calls int64

func main() {
	certificate := flag.String("certificate", "", "")
	key := flag.String("key", "", "")
	wanted := flag.Int("calls", 1000, "")
	size := flag.Int("size", 64, "")
	goroutines := flag.Int("goroutines", 2, "")
	flag.Parse()
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	check(err)
	pair, err := tls.LoadX509KeyPair(*certificate, *key)
	check(err)
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	check(err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	connections := *goroutines / 2
	clients, servers := make([]*tls.Conn, connections), make([]*tls.Conn, connections)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	for i := range clients {
		near, err := net.Dial("tcp", listener.Addr().String())
		check(err)
		far, err := listener.Accept()
		check(err)
		clients[i] = tls.Client(near, &tls.Config{RootCAs: roots, ServerName: "localhost"})
		servers[i] = tls.Server(far, &tls.Config{Certificates: []tls.Certificate{pair}})
		done := make(chan error)
		go func() { done <- servers[i].Handshake() }()
		check(clients[i].Handshake())
		check(<-done)
	}
	check(listener.Close())
	rounds := *wanted / connections / 4
	started := processorTime()
	var all sync.WaitGroup
	all.Add(2 * connections)
	for i := range clients {
		i := i
		message := bytes.Repeat([]byte{byte(i), byte(i >> 8), 'm'}, *size/3+1)[:*size]
		go func() {
			defer all.Done()
			for round := 0; round < rounds; round++ {
				deep(depth(i, round), func() { write(clients[i], message) })
				deep(depth(round, i), func() { read(clients[i], message) })
			}
		}()
		go func() {
			defer all.Done()
			for round := 0; round < rounds; round++ {
				deep(depth(round, 2*i), func() { read(servers[i], message) })
				deep(depth(2*i, round), func() { write(servers[i], message) })
			}
		}()
	}
	all.Wait()
	fmt.Printf("{\"moved\": %d, \"calls\": %d, \"seconds\": %f}\n", moved, calls, processorTime()-started)
	for i := range clients {
		check(clients[i].Close())
		check(servers[i].Close())
	}
}

// Seconds that this process has had.
func processorTime() float64 {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

// How deep a call is made: mostly not at all, and each time another.
func depth(a, b int) int {
	if (a+b)%16 != 0 {
		return 0
	}
	return (a*31 + b*17) % 300
}

// Calls f with a stack that is so many frames deeper.
func deep(frames int, f func()) byte {
	if frames == 0 {
		f()
		return 0
	}
	var frame [200]byte
	frame[frames%len(frame)] = 1
	return deep(frames-1, f) + frame[(frames+1)%len(frame)]
}

func write(conn *tls.Conn, message []byte) {
	n, err := conn.Write(message)
	check(err)
	if n != len(message) {
		check(fmt.Errorf("wrote %d of %d bytes", n, len(message)))
	}
	atomic.AddInt64(&moved, int64(n))
	atomic.AddInt64(&calls, 1)
}

func read(conn *tls.Conn, message []byte) {
	got := make([]byte, len(message))
	for read := 0; read < len(got); {
		n, err := conn.Read(got[read:])
		check(err)
		read += n
		atomic.AddInt64(&moved, int64(n))
		atomic.AddInt64(&calls, 1)
	}
	if !bytes.Equal(got, message) {
		check(fmt.Errorf("got %q for %q", got, message))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
