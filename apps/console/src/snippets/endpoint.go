package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

var secret []byte

func hasValidSignature(headers http.Header, body []byte) bool {
	id, timestamp := headers.Get("webhook-id"), headers.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, one := range strings.Split(headers.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(one), []byte(expected)) {
			return true
		}
	}
	return false
}

func endpoint(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body) // the raw bytes: the signature covers them
	if err != nil || !hasValidSignature(request.Header, body) {
		response.WriteHeader(http.StatusUnauthorized)
		return
	}
	var message struct {
		Event   string          `json:"event"`
		Payload json.RawMessage `json:"payload"`
	}
	json.Unmarshal(body, &message)
	if message.Event == "webhook:verify" { // the handshake
		var text string
		json.Unmarshal(message.Payload, &text)
		fmt.Fprint(response, text)
		return
	}
	log.Println(message.Event, string(message.Payload)) // your code
}

func main() {
	var err error
	secret, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_"))
	if err != nil || len(secret) == 0 {
		log.Fatal("Set WEBHOOK_SECRET.")
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	log.Fatal(http.ListenAndServe(":"+port, http.HandlerFunc(endpoint)))
}
