import { lookup as dnsLookup } from "node:dns/promises";
import { Socket, type LookupFunction } from "node:net";
import tls from "node:tls";
import { callbackify } from "node:util";
import { buildConnector } from "undici";
import {
  addressAllowed,
  literalAddress,
  type TargetProtocol,
  type TargetRules,
} from "../core/targets.ts";

export interface ResolvedAddress {
  address: string;
  family: 4 | 6;
}
export type Resolve = (hostname: string) => Promise<ResolvedAddress[]>;

export interface GuardOptions {
  rules: TargetRules;
  /** Default: the system's resolver. */
  resolve?: Resolve;
  /** A certificate authority trusted beside the usual ones, PEM. */
  ca?: string | Buffer;
  /** Time to resolve, connect and shake hands, in milliseconds. Default 5000. */
  connectTimeoutMs?: number;
}

/** Nothing was sent: the address is not one this service may call. */
export class TargetBlockedError extends Error {
  readonly code = "target_blocked";
}

/**
 * Opens a connection, or calls back with an error. Returns the socket being dialled, so that the
 * caller may give up on it, or null when there is nothing to dial.
 */
export type GuardedConnector = (
  options: buildConnector.Options,
  callback: buildConnector.Callback,
) => Socket | null;

async function systemResolve(hostname: string): Promise<ResolvedAddress[]> {
  const addresses = await dnsLookup(hostname, { all: true });
  return addresses.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}

/** Asks once for any number of callers: a name that does not answer holds one resolver thread. */
function shareLookups(resolve: Resolve): Resolve {
  const running = new Map<string, Promise<ResolvedAddress[]>>();
  return async (hostname) => {
    const known = running.get(hostname);
    if (known !== undefined) return known;
    const started = resolve(hostname).finally(() => running.delete(hostname));
    running.set(hostname, started);
    return started;
  };
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function blocked(hostname: string, addresses: ResolvedAddress[], protocol: TargetProtocol): Error {
  if (addresses.length === 0) return coded("ENOTFOUND", `${hostname} has no address`);
  const found = addresses.map(({ address }) => address).join(", ");
  const where = found === hostname ? hostname : `${hostname} (${found})`;
  return new TargetBlockedError(
    `${where} is not an address this service may call over ${protocol.slice(0, -1)}`,
  );
}

/**
 * A resolver for one protocol that knows only permitted addresses. What it returns is what is
 * dialled: there is no second resolution that could answer differently.
 */
function guardedLookup(
  rules: TargetRules,
  resolve: Resolve,
  protocol: TargetProtocol,
): LookupFunction {
  const find = callbackify(async (hostname: string) => {
    const addresses = await resolve(hostname);
    const permitted = addresses.filter(({ address }) => addressAllowed(rules, address, protocol));
    const [first] = permitted;
    if (first === undefined) throw blocked(hostname, addresses, protocol);
    return { first, permitted };
  });
  return (hostname, options, callback) => {
    find(hostname, (error, found) => {
      if (error !== null) callback(error, []);
      else if (options.all === true) callback(null, found.permitted);
      else callback(null, found.first.address, found.first.family);
    });
  };
}

function secureContext(ca: string | Buffer | undefined): tls.SecureContext {
  if (ca === undefined) return tls.createSecureContext();
  return tls.createSecureContext({ ca: [...tls.getCACertificates("default"), ca] });
}

/**
 * A connector for undici that dials permitted addresses only, over HTTP/1.1. It is asked for each
 * new connection, and so for each hop of a redirect.
 */
export function createGuardedConnector(options: GuardOptions): GuardedConnector {
  const { rules, ca, connectTimeoutMs = 5_000 } = options;
  const resolve = shareLookups(options.resolve ?? systemResolve);
  const connectors = new Map<TargetProtocol, buildConnector.connector>();

  function connectorFor(protocol: TargetProtocol): buildConnector.connector {
    let connector = connectors.get(protocol);
    if (connector === undefined) {
      connector = buildConnector({
        allowH2: false,
        timeout: connectTimeoutMs,
        lookup: guardedLookup(rules, resolve, protocol),
        // One context for all connections; without it each one builds its own.
        ...(protocol === "https:" ? { secureContext: secureContext(ca) } : {}),
      });
      connectors.set(protocol, connector);
    }
    return connector;
  }

  return function connect(target, callback) {
    const protocol = target.protocol === "https:" ? "https:" : "http:";
    const literal = literalAddress(target.hostname);
    // A literal address is never looked up, so the lookup cannot judge it.
    if (literal !== null && !addressAllowed(rules, literal, protocol)) {
      const family = literal.includes(":") ? 6 : 4;
      const error = blocked(literal, [{ address: literal, family }], protocol);
      queueMicrotask(() => callback(error, null));
      return null;
    }
    // The types say void; the built connector returns the socket it dials with.
    const dialled: unknown = connectorFor(protocol)(target, (error, socket) => {
      if (error !== null) return callback(error, null);
      const remote = socket.remoteAddress;
      if (remote !== undefined && addressAllowed(rules, remote, protocol)) {
        return callback(null, socket);
      }
      const reason =
        remote === undefined
          ? coded("ECONNRESET", "connection closed at once")
          : blocked(target.hostname, [{ address: remote, family: 4 }], protocol);
      socket.destroy();
      callback(reason, null);
    });
    return dialled instanceof Socket ? dialled : null;
  };
}
