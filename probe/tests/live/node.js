// A TLS client and server in one process. Both write from the callback of the
// SSL_read that finds the handshake done, before that has returned.
"use strict";
const fs = require("node:fs");
const readline = require("node:readline");
const tls = require("node:tls");

const pem = fs.readFileSync(process.argv[2]);

const pattern = (length) => Buffer.from(Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) % 256));

// Both ends say hello and then what they have; each ends when it has all.
function exchange(version, length) {
  const data = pattern(length);
  return new Promise((resolve, reject) => {
    let ends = 0;
    const speak = (socket, hello, expected) => {
      const got = [];
      let missing = expected + length;
      socket.on("error", reject);
      socket.on("data", (bytes) => {
        got.push(bytes);
        missing -= bytes.length;
        if (missing > 0) return;
        if (missing < 0 || !Buffer.concat(got).subarray(expected).equals(data)) {
          reject(new Error("not what was sent"));
        }
        ends += 1;
        if (ends === 2) {
          socket.destroy();
          server.close(() => resolve());
        }
      });
      socket.write(hello);
      socket.write(data);
    };
    const server = tls.createServer(
      { key: pem, cert: pem, minVersion: version, maxVersion: version },
      (socket) => speak(socket, "server", "client".length),
    );
    server.listen(0, "127.0.0.1", () => {
      const socket = tls.connect({
        port: server.address().port,
        host: "127.0.0.1",
        servername: "example.test",
        rejectUnauthorized: false,
      });
      socket.on("error", reject);
      socket.on("secureConnect", () => speak(socket, "client", "server".length));
    });
  });
}

(async () => {
  console.log("ready");
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [version, length] = line.split(" ");
    await exchange(version, Number(length));
    console.log("done");
  }
})();
