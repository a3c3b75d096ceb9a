const net = require("ferrowire/net");
const client = net.connect(8888, "127.0.0.1");

client.on("connect", () => console.log("connected."));
client.on("data", (data) => console.log(`receive: ${data}`));
client.on("end", () => console.log("disconnected."));
client.on("error", (err) => console.error(err.message));

setInterval(() => {
  const msg = "hello";
  console.log(`send: ${msg}`);
  client.write(msg);
}, process.env.INTERVAL || 3000);
