// A client on xmpp.js for test_life.py: "send XML" on standard input goes out, what comes in is printed.
//
//   node client.js JID PASSWORD HOST PORT        (the resource is the JID's)
import { createInterface } from "node:readline";
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto; // before Node 20

const { client, xml, jid } = await import("@xmpp/client");
const { default: parse } = await import("ltx/lib/parse.js");

const [, , address, password, host, port] = process.argv;
const me = jid(address);
const xmpp = client({
  service: `xmpp://${host}:${port}`,
  domain: me.domain,
  resource: me.resource,
  username: me.local,
  password,
});

function tell(word, rest = "") {
  process.stdout.write(`${word} ${String(rest).replaceAll("\n", "&#10;")}\n`);
}

xmpp.reconnect.delay = 100;
xmpp.on("error", (error) => tell("error", error));
xmpp.on("online", (bound) => tell("online", bound));
xmpp.on("stanza", (stanza) => tell("stanza", stanza));
xmpp.on("disconnect", () => tell("lost"));
xmpp.streamManagement.on("resumed", () => tell("resumed", xmpp.jid));

createInterface({ input: process.stdin }).on("line", (line) => {
  if (line.startsWith("send ")) xmpp.send(parse(line.slice(5))).catch((error) => tell("error", error));
});
process.stdin.on("end", () => process.exit(0));

xmpp.start().catch((error) => tell("error", error));
