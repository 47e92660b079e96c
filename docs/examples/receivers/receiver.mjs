// Receives webhooks with nothing but Node: SECRET=whsec_… node receiver.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";

const TOLERANCE_S = 300;
const key = Buffer.from(process.env.SECRET.replace("whsec_", ""), "base64");
// in earnest a table with a unique key, written in the transaction that does the work
const seen = new Set();

/** @param body the bytes as they came */
function isGenuine(headers, body) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp || NaN)) <= TOLERANCE_S)) return false;
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  // one signature per secret while the secret is being rotated
  return (headers["webhook-signature"] ?? "").split(" ").some((one) => {
    const [version, signature = ""] = one.split(",");
    const given = Buffer.from(signature, "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

const server = createServer(async (request, response) => {
  const body = await buffer(request);
  if (!isGenuine(request.headers, body)) return response.writeHead(401).end();
  const event = JSON.parse(body);
  const id = request.headers["webhook-id"];
  if (!seen.has(id)) {
    seen.add(id);
    console.log(id, event.type);
  }
  response.writeHead(204).end();
});
server.listen(Number(process.env.PORT ?? 4000), "127.0.0.1");
