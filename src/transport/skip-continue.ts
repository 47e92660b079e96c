import type { Socket } from "node:net";

const CONTINUE = Buffer.from("HTTP/1.1 100");
/** Where the status code begins, and its first digit. */
const STATUS_AT = 9;
const ONE = 0x31;
const HEAD_END = "\r\n\r\n";

/** The chunk without the `100 Continue` responses it begins with. */
function withoutContinue(chunk: Buffer): Buffer {
  let rest = chunk;
  while (rest[STATUS_AT] === ONE && rest.subarray(0, CONTINUE.length).equals(CONTINUE)) {
    const end = rest.indexOf(HEAD_END);
    if (end === -1) return rest;
    rest = rest.subarray(end + HEAD_END.length);
  }
  return rest;
}

/**
 * Hides `100 Continue` from undici, whose HTTP/1.1 client takes it for an error. A client must
 * accept one it did not ask for (RFC 9110 §15.2). Only the first bytes after a request are looked
 * at; one that is split over two packets still fails the exchange.
 */
export function skipContinue(socket: Socket, state: { awaitingResponse: boolean }): void {
  const read = socket.read.bind(socket);
  socket.read = function readResponse(size?: number): unknown {
    let chunk: Buffer | null = read(size);
    while (chunk !== null && state.awaitingResponse) {
      chunk = withoutContinue(chunk);
      if (chunk.length > 0) state.awaitingResponse = false;
      else chunk = read(size);
    }
    return chunk;
  };
}
