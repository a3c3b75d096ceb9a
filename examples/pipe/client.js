const net = require("ferrowire/net");

const pipeFile =
  process.platform === "win32" ? "\\\\.\\pipe\\mypip" : "/tmp/unix.sock";

const client = net.connect(pipeFile);
client.on("connect", () => console.log("connected."));
client.on("data", (data) => console.log(`receive: ${data}`));
client.on("end", () => console.log("disconnected."));
client.on("error", (err) => console.error(err.message));

setInterval(() => {
  const msg = "hello";
  console.log(`send: ${msg}`);
  client.write(msg);
}, process.env.INTERVAL || 3000);
