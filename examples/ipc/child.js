process.on("message", (message) => {
  console.log("message from parent:", message);
});

if (process.send) {
  setInterval(() => process.send("hello"), process.env.INTERVAL || 3000);
}
