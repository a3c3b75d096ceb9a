// The other end of parent.js, in Go: one JSON text per line, both ways.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"
)

func listen(channel *os.File) {
	reader := bufio.NewReader(channel)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			// The parent has disconnected, or is gone.
			os.Exit(0)
		}
		var message any
		if json.Unmarshal(line, &message) == nil {
			fmt.Println("message from parent:", message)
		}
	}
}

func main() {
	fd, err := strconv.Atoi(os.Getenv("NODE_CHANNEL_FD"))
	if err != nil {
		panic("not started with a channel")
	}
	channel := os.NewFile(uintptr(fd), "channel")
	go listen(channel)
	interval, err := strconv.Atoi(os.Getenv("INTERVAL"))
	if err != nil {
		interval = 3000
	}
	for {
		time.Sleep(time.Duration(interval) * time.Millisecond)
		text, _ := json.Marshal("hello")
		channel.Write(append(text, '\n'))
	}
}
