package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	event := `{"event":"message:created","payload":{"id":"m_1","body":"Hello"}}`
	request, err := http.NewRequest("POST", "https://hooks.example.com/v1/accounts/acme/events", strings.NewReader(event))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("authorization", "Bearer "+os.Getenv("POSTHORN_API_KEY"))
	request.Header.Set("content-type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	log.Println(response.Status, string(text))
}
