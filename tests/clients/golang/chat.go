// Asks a model API and prints what came back, one JSON object a call, as chat.py
// does, with nothing but Go's own library.
//
//	chat CLIENT --base URL --dialect openai.chat [--stream] [--calls N] [--told]
//	     --marker ID [--options 'tokens=7 gzip=1']
//
// CLIENT is `go` or `go-h2`, by the protocol it speaks; with `-many` behind it, all
// calls are made at once, each by a goroutine deep in its own stack. With --told,
// each waits for a line of standard input.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
)

type options struct {
	base, marker, options string
	stream                bool
}

type call struct {
	Marker string          `json:"marker"`
	Status int             `json:"status"`
	Text   string          `json:"text"`
	Usage  json.RawMessage `json:"usage"`
}

// What the API sends, as a whole or in pieces.
type answer struct {
	Choices []struct {
		Message struct{ Content string }
		Delta   struct{ Content string }
	}
	Usage json.RawMessage
}

func main() {
	flags := flag.NewFlagSet("chat", flag.ExitOnError)
	var o options
	flags.StringVar(&o.base, "base", "", "")
	flags.StringVar(&o.marker, "marker", "", "")
	flags.StringVar(&o.options, "options", "", "")
	flags.BoolVar(&o.stream, "stream", false, "")
	dialect := flags.String("dialect", "", "")
	calls := flags.Int("calls", 1, "")
	told := flags.Bool("told", false, "")
	name := os.Args[1]
	check(flags.Parse(os.Args[2:]))
	if *dialect != "openai.chat" {
		check(fmt.Errorf("no such dialect: %s", *dialect))
	}
	many := strings.HasSuffix(name, "-many")
	client := newClient(strings.TrimSuffix(name, "-many") == "go-h2")
	if many {
		var all sync.WaitGroup
		for number := 0; number < *calls; number++ {
			all.Add(1)
			go func(number int) {
				defer all.Done()
				deep(number%200, func() { o.ask(client, number) })
			}(number)
		}
		all.Wait()
		return
	}
	lines := bufio.NewScanner(os.Stdin)
	for number := 0; number < *calls; number++ {
		if *told && !lines.Scan() {
			return
		}
		o.ask(client, number)
	}
}

func newClient(http2 bool) *http.Client {
	pem, err := os.ReadFile(os.Getenv("SSL_CERT_FILE"))
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2:   http2,
		MaxIdleConnsPerHost: 1000,
	}
	return &http.Client{Transport: transport}
}

// Calls from so many frames of a kilobyte deep.
//
//go:noinline
func deep(frames int, then func()) byte {
	var frame [1024]byte
	frame[frames] = 1
	if frames > 0 {
		return frame[frames] + deep(frames-1, then)
	}
	then()
	return frame[0]
}

var printing sync.Mutex

func (o options) ask(client *http.Client, number int) {
	told := call{Marker: fmt.Sprintf("%s-%d", o.marker, number)}
	content := fmt.Sprintf("marker=%s %s naïve 日本語 🦀", told.Marker, o.options)
	body := map[string]any{
		"model":    "gpt-4.1-mini",
		"messages": []any{map[string]string{"role": "user", "content": content}},
	}
	if o.stream {
		body["stream"] = true
		body["stream_options"] = map[string]bool{"include_usage": true}
	}
	encoded, err := json.Marshal(body)
	check(err)
	request, err := http.NewRequest("POST", o.base+"/v1/chat/completions", bytes.NewReader(encoded))
	check(err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer sk-test-secret-000111222333")
	response, err := client.Do(request)
	check(err)
	defer response.Body.Close()
	told.Status = response.StatusCode
	if response.StatusCode == http.StatusOK {
		told.read(response.Body, o.stream)
	}
	// To its end, else the connection is of no more use.
	_, err = io.Copy(io.Discard, response.Body)
	check(err)
	line, err := json.Marshal(told)
	check(err)
	printing.Lock()
	defer printing.Unlock()
	fmt.Println(string(line))
}

func (told *call) read(body io.Reader, stream bool) {
	var piece answer
	if !stream {
		check(json.NewDecoder(body).Decode(&piece))
		told.Text = piece.Choices[0].Message.Content
		told.Usage = piece.Usage
		return
	}
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		event := strings.TrimPrefix(lines.Text(), "data: ")
		if event == lines.Text() || event == "[DONE]" {
			continue
		}
		piece = answer{}
		check(json.Unmarshal([]byte(event), &piece))
		for _, choice := range piece.Choices {
			told.Text += choice.Delta.Content
		}
		if piece.Usage != nil && string(piece.Usage) != "null" {
			told.Usage = piece.Usage
		}
	}
	check(lines.Err())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
