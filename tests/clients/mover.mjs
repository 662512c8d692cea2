// Moves messages over BoringSSL between both ends of a connection in this Bun, and looks
// at every byte that arrives.
//
//     bun mover.mjs --certificate=FILE --key=FILE --ca=FILE --calls=N --size=BYTES
//
// Begins when its standard input says a line. Prints what was moved, the calls that moved
// it, and the processor time of all that.
import { readFileSync } from "node:fs";

const options = Object.fromEntries(process.argv.slice(2).map((a) => a.slice(2).split("=")));
const [calls, size] = [Number(options.calls), Number(options.size)];
const message = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) % 256));
const batch = Math.max(1, Math.min(64, Math.floor(32768 / size)));
const whole = Buffer.concat(Array(batch).fill(message));
const rounds = Math.ceil(calls / (4 * batch));
let [moved, made, started] = [0, 0];

function fail(why) {
  console.error(why);
  process.exit(1);
}

// One end: what it got of the round, and what it could not yet write.
class End {
  got = 0;
  left = 0;

  send(socket) {
    this.left = whole.length;
    this.more(socket);
  }

  more(socket) {
    while (this.left > 0) {
      const at = whole.length - this.left;
      const wrote = socket.write(whole.subarray(at, at + size - (at % size)));
      if (wrote <= 0) return;
      made++;
      moved += wrote;
      this.left -= wrote;
    }
  }

  // Whether a round's bytes are all there.
  receive(data) {
    made++;
    moved += data.length;
    if (this.got + data.length > whole.length) fail("more bytes than were sent");
    if (!data.equals(whole.subarray(this.got, this.got + data.length))) fail("other bytes");
    this.got += data.length;
    if (this.got < whole.length) return false;
    this.got = 0;
    return true;
  }
}

const [near, far] = [new End(), new End()];
let round = 0;
for await (const _ of console) break;
const listener = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  tls: { cert: readFileSync(options.certificate), key: readFileSync(options.key) },
  socket: {
    data(socket, data) {
      if (far.receive(data)) far.send(socket);
    },
    drain: (socket) => far.more(socket),
    error: (_, error) => fail(error),
  },
});
await Bun.connect({
  hostname: "127.0.0.1",
  port: listener.port,
  tls: { ca: readFileSync(options.ca), serverName: "localhost", rejectUnauthorized: false },
  socket: {
    handshake(socket) {
      started = process.cpuUsage();
      near.send(socket);
    },
    data(socket, data) {
      if (!near.receive(data)) return;
      if (++round < rounds) return near.send(socket);
      const used = process.cpuUsage(started);
      const seconds = (used.user + used.system) / 1e6;
      console.log(JSON.stringify({ moved, calls: made, seconds }));
      socket.end();
      listener.stop();
    },
    drain: (socket) => near.more(socket),
    error: (_, error) => fail(error),
    connectError: (_, error) => fail(error),
    close: () => round < rounds && fail("closed"),
  },
});
