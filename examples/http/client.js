const http = require("ferrowire/http");
const options = {
  hostname: "127.0.0.1",
  port: 8888,
  path: "/hello",
  method: "GET",
};
const req = http.request(options, (res) => {
  console.log(`statusCode: ${res.statusCode}`);
  res.on("data", (d) => process.stdout.write(d));
});
req.on("error", (error) => console.error(error));
req.end();
