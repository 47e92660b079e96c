import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];
export type TargetProtocol = "http:" | "https:";

/** The address ranges the operator opened, private ones and plain `http` included. */
export interface TargetRules {
  readonly allowed: readonly Range[];
}

/** Nothing but globally routable addresses, over `https`. */
export const NO_TARGETS: TargetRules = { allowed: [] };

/** What development opens. */
export const LOOPBACK_TARGETS = "127.0.0.0/8,::1/128";

const MAX_URL_LENGTH = 2048;
// RFC 1035: 255 octets with a length byte in front and the root's at the end
const MAX_HOST_NAME = 253;

// Refused by name, whatever the ranges of ipaddr.js say in a later version. Sources: the IANA
// special-purpose address registries, and 168.63.129.16, the Azure host agent, which is metadata
// behind a public address. Forms that carry an IPv4 address inside are refused as a form.
const REFUSED: readonly Range[] = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "168.63.129.16/32",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/96",
  "::ffff:0:0/96",
  "::ffff:0:0:0/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
  "5f00::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
].map((text) => ipaddr.parseCIDR(text));

// The only block IANA has given out as global unicast.
const GLOBAL_UNICAST_V6: Range = ipaddr.parseCIDR("2000::/3");

function contains(ranges: readonly Range[], address: Address): boolean {
  return ranges.some(([network, bits]) => {
    return network.kind() === address.kind() && address.match(network, bits);
  });
}

/** Strict: no zone ids, no short, octal or hexadecimal IPv4. IPv4-mapped becomes that IPv4. */
function parseAddress(text: string): { address: Address; mapped: boolean } | null {
  if (isIP(text) === 0 || text.includes("%")) return null;
  // ipaddr.js reads the old IPv4-compatible ::1.2.3.4 as the IPv4-mapped ::ffff:1.2.3.4.
  const address = ipaddr.parse(text.replace(/^::(?=\d+\.)/, "0:0:0:0:0:0:"));
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()) {
    return { address: address.toIPv4Address(), mapped: true };
  }
  return { address, mapped: false };
}

function parseAllowed(piece: string): Range {
  const bad = (why: string) => new Error(`${JSON.stringify(piece)} ${why}`);
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(piece);
  const parsed = match?.[1] === undefined ? null : parseAddress(match[1]);
  if (match === null || parsed === null) throw bad("is not an IP address or CIDR range");
  if (parsed.mapped) throw bad("must be written as IPv4");

  const { address } = parsed;
  const width = address.kind() === "ipv4" ? 32 : 128;
  const bits = match[2] === undefined ? width : Number(match[2]);
  if (bits > width) throw bad(`has a prefix longer than ${width}`);

  // 10.0.0.5/8 opens 16 million addresses where one may have been meant.
  const network = (address.kind() === "ipv4" ? ipaddr.IPv4 : ipaddr.IPv6)
    .networkAddressFromCIDR(`${address.toString()}/${bits}`)
    .toString();
  if (network !== address.toString())
    throw bad(`has host bits set; did you mean ${network}/${bits}?`);
  return [address, bits];
}

/**
 * Parses comma-separated CIDR ranges; a bare address is a range of one. Blank text opens nothing.
 * @throws Error naming the piece that is not one.
 */
export function parseAllowTargets(text: string): TargetRules {
  if (text.trim() === "") return NO_TARGETS;
  return { allowed: text.split(",").map((piece) => parseAllowed(piece.trim())) };
}

/**
 * Whether a request may be sent to an IP address. An address the operator opened may be called
 * over either protocol, any other only over `https` and when it is globally routable unicast.
 */
export function addressAllowed(
  rules: TargetRules,
  address: string,
  protocol: TargetProtocol,
): boolean {
  const parsed = parseAddress(address);
  if (parsed === null) return false;
  if (contains(rules.allowed, parsed.address)) return true;
  if (protocol !== "https:" || parsed.mapped || contains(REFUSED, parsed.address)) return false;
  if (parsed.address.range() !== "unicast") return false;
  return parsed.address.kind() === "ipv4" || contains([GLOBAL_UNICAST_V6], parsed.address);
}

/** The host of a URL when it is an IP address, without brackets; null when it is a name. */
export function literalAddress(hostname: string): string | null {
  const bare = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  return isIP(bare) === 0 ? null : bare;
}

export type TargetErrorCode = "callback_url_invalid" | "callback_url_userinfo" | "target_blocked";
export type TargetCheck =
  { ok: true; url: URL } | { ok: false; code: TargetErrorCode; detail: string };

function refuse(code: TargetErrorCode, detail: string): TargetCheck {
  return { ok: false, code, detail };
}

/**
 * Judges a URL at submission. A host name that may be called is only known when it is resolved,
 * so names pass here and are judged at each connection.
 */
export function checkTargetUrl(rules: TargetRules, text: string): TargetCheck {
  const check = checkTargetSyntax(text);
  return check.ok ? checkHost(rules, check.url) : check;
}

/** Judges how a URL is written, not whom it leads to. */
export function checkTargetSyntax(text: string): TargetCheck {
  const invalid = (detail: string) => refuse("callback_url_invalid", detail);
  if (text.length > MAX_URL_LENGTH) return invalid(`is longer than ${MAX_URL_LENGTH} characters`);
  // The URL standard drops tabs and newlines and turns backslashes into slashes without a word.
  if (/[\p{Cc}\p{Cs}\s\\]/u.test(text)) {
    return invalid("contains whitespace, a control character or a backslash");
  }
  const authority = /^https?:\/\/([^/?#]+)/i.exec(text)?.[1];
  if (authority === undefined) return invalid("must begin with https:// or http:// and a host");
  if (authority.includes("@")) {
    return refuse("callback_url_userinfo", "must not contain a user name or password");
  }
  if (text.includes("#")) return invalid("must not have a fragment");
  const url = URL.parse(text);
  if (url === null) return invalid("is not a valid URL");
  if (url.href.length > MAX_URL_LENGTH) {
    return invalid(`is longer than ${MAX_URL_LENGTH} characters once encoded`);
  }
  if (url.port === "0") return invalid("has port 0");
  if (url.hostname.length > MAX_HOST_NAME) {
    return invalid(`has a host name longer than ${MAX_HOST_NAME} characters`);
  }
  return { ok: true, url };
}

function checkHost(rules: TargetRules, url: URL): TargetCheck {
  const protocol = url.protocol === "https:" ? "https:" : "http:";
  const literal = literalAddress(url.hostname);
  if (literal === null) {
    if (protocol === "https:") return { ok: true, url };
    const why = whyNoPlainName(rules, url.hostname);
    return why === null ? { ok: true, url } : refuse("target_blocked", `must use https: ${why}`);
  }
  if (addressAllowed(rules, literal, protocol)) return { ok: true, url };
  if (protocol === "http:" && addressAllowed(rules, literal, "https:")) {
    return refuse("target_blocked", `must use https: ${SETTING} does not open ${literal}`);
  }
  return refuse(
    "target_blocked",
    `${literal} is not an address this service may call; ${SETTING} opens more`,
  );
}

const SETTING = "RINGBACK_ALLOW_TARGETS";
const LOOPBACK: readonly Range[] = LOOPBACK_TARGETS.split(",").map((text) =>
  ipaddr.parseCIDR(text),
);
/** Names without a dot, and those of networks of one's own, which may mean this machine. */
const OWN_NAME = /^[^.]+$|\.(?:localhost|local|test|internal|lan|home\.arpa)$/i;

/** Why no address that is open to plain `http` can have this name; null: one may. */
function whyNoPlainName({ allowed }: TargetRules, hostname: string): string | null {
  if (allowed.length === 0) return `${SETTING} opens no address to plain http`;
  const loopbackOnly = allowed.every(([network]) => contains(LOOPBACK, network));
  if (!loopbackOnly || OWN_NAME.test(hostname)) return null;
  return `${SETTING} opens this machine alone to plain http, and ${hostname} is a public name`;
}

const MAX_HEADERS = 20;
const MAX_HEADER_NAME = 100;
const MAX_HEADER_VALUE = 4096;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const PRINTABLE_LATIN1 = /^[\t\x20-\x7e\xa0-\xff]*$/;

// What Ringback sets itself, and what belongs to the connection rather than to the request.
const RESERVED_HEADERS = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "ringback-attempt",
  "te",
  "traceparent",
  "tracestate",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "x-request-id",
]);

/** Judges headers a receiver asks for. Returns why they cannot be sent, or null when they can. */
export function checkCustomHeaders(headers: Record<string, string>): string | null {
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) return `has more than ${MAX_HEADERS} headers`;
  const seen = new Set<string>();
  for (const [name, value] of entries) {
    const lower = name.toLowerCase();
    const shown = JSON.stringify(name.slice(0, MAX_HEADER_NAME));
    if (!TOKEN.test(name)) return `${shown} is not a valid header name`;
    if (name.length > MAX_HEADER_NAME) return `${shown}… is longer than ${MAX_HEADER_NAME}`;
    if (lower.startsWith("webhook-") || RESERVED_HEADERS.has(lower)) return `${shown} is reserved`;
    if (seen.has(lower)) return `${shown} is given twice`;
    if (value.length > MAX_HEADER_VALUE)
      return `the value of ${shown} is longer than ${MAX_HEADER_VALUE}`;
    if (!PRINTABLE_LATIN1.test(value))
      return `the value of ${shown} has a character headers cannot carry`;
    seen.add(lower);
  }
  return null;
}
