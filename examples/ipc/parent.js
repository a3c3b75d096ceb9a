const fork = require("ferrowire/child_process").fork;
const path = require("path");
const child = fork(path.resolve("child.js"), [], { stdio: "inherit" });
child.on("message", (message) => {
  console.log("message from child:", message);
  child.send("hi");
});
