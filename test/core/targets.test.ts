import {
  addressAllowed,
  checkCustomHeaders,
  checkTargetUrl,
  LOOPBACK_TARGETS,
  NO_TARGETS,
  parseAllowTargets,
} from "../../src/core/targets.ts";

const PUBLIC = [
  "1.1.1.1",
  "8.8.8.8",
  "100.63.255.255",
  "100.128.0.0",
  "168.63.129.15",
  "168.63.129.17",
  "172.15.255.255",
  "172.32.0.0",
  "192.167.255.255",
  "198.17.255.255",
  "198.20.0.0",
  "223.255.255.255",
  "2606:4700:4700::1111",
  "2a00:1450:4001:81b::200e",
];

const NOT_PUBLIC = [
  ["this network", "0.0.0.0"],
  ["this network", "0.1.2.3"],
  ["private", "10.0.0.1"],
  ["private", "10.255.255.255"],
  ["carrier NAT", "100.64.0.1"],
  ["carrier NAT, cloud metadata", "100.100.100.200"],
  ["loopback", "127.0.0.1"],
  ["loopback", "127.255.255.254"],
  ["Azure host agent", "168.63.129.16"],
  ["link-local metadata", "169.254.169.254"],
  ["link-local", "169.254.0.1"],
  ["private", "172.16.0.1"],
  ["private", "172.31.255.255"],
  ["IETF assignments", "192.0.0.8"],
  ["IETF assignments, cloud metadata", "192.0.0.192"],
  ["documentation", "192.0.2.1"],
  ["6to4 relay", "192.88.99.1"],
  ["private", "192.168.0.1"],
  ["benchmarking", "198.18.0.1"],
  ["benchmarking", "198.19.255.255"],
  ["documentation", "198.51.100.1"],
  ["documentation", "203.0.113.1"],
  ["multicast", "224.0.0.1"],
  ["multicast", "239.255.255.255"],
  ["reserved", "240.0.0.1"],
  ["broadcast", "255.255.255.255"],
  ["unspecified", "::"],
  ["loopback", "::1"],
  ["IPv4-compatible, private", "::10.0.0.1"],
  ["IPv4-compatible, public", "::8.8.8.8"],
  ["IPv4-mapped, private", "::ffff:10.0.0.1"],
  ["IPv4-mapped, public", "::ffff:8.8.8.8"],
  ["IPv4-mapped, hexadecimal", "::ffff:7f00:1"],
  ["IPv4-translated", "::ffff:0:7f00:1"],
  ["NAT64, private", "64:ff9b::10.0.0.1"],
  ["NAT64, public", "64:ff9b::808:808"],
  ["NAT64, local", "64:ff9b:1::1"],
  ["discard", "100::1"],
  ["Teredo", "2001::1"],
  ["benchmarking", "2001:2::1"],
  ["ORCHID", "2001:10::1"],
  ["ORCHIDv2", "2001:20::1"],
  ["documentation", "2001:db8::1"],
  ["6to4 of a private address", "2002:a00:1::1"],
  ["6to4 of a public address", "2002:808:808::1"],
  ["documentation", "3fff::1"],
  ["not given out", "4000::1"],
  ["segment routing", "5f00::1"],
  ["unique local", "fc00::1"],
  ["unique local, cloud metadata", "fd00:ec2::254"],
  ["link-local", "fe80::1"],
  ["link-local with a zone", "fe80::1%eth0"],
  ["global with a zone", "2606:4700:4700::1111%eth0"],
  ["site-local", "fec0::1"],
  ["multicast", "ff02::1"],
  ["not an address", "localhost"],
  ["short IPv4", "8.8"],
  ["octal IPv4", "010.8.8.8"],
  ["decimal IPv4", "134744072"],
  ["bracketed", "[2606:4700:4700::1111]"],
  ["nothing", ""],
] as const;

describe("addressAllowed", () => {
  it.each(PUBLIC)("lets %s be called over https only", (address) => {
    expect(addressAllowed(NO_TARGETS, address, "https:")).toBe(true);
    expect(addressAllowed(NO_TARGETS, address, "http:")).toBe(false);
  });

  it.each(NOT_PUBLIC)("refuses %s: %s", (_name, address) => {
    expect(addressAllowed(NO_TARGETS, address, "https:")).toBe(false);
    expect(addressAllowed(NO_TARGETS, address, "http:")).toBe(false);
  });

  it.each([
    ["127.0.0.0/8,::1/128", "127.9.9.9", true],
    ["127.0.0.0/8,::1/128", "::1", true],
    ["127.0.0.0/8,::1/128", "::ffff:127.0.0.1", true],
    ["127.0.0.0/8,::1/128", "::ffff:7f00:1", true],
    ["127.0.0.0/8,::1/128", "::127.0.0.1", false],
    ["127.0.0.0/8,::1/128", "10.0.0.1", false],
    ["127.0.0.0/8,::1/128", "::ffff:10.0.0.1", false],
    ["127.0.0.0/8,::1/128", "64:ff9b::7f00:1", false],
    ["10.1.2.3", "10.1.2.3", true],
    ["10.1.2.3", "10.1.2.4", false],
    ["fd00::/8", "fd12::1", true],
    ["fd00::/8", "fc00::1", false],
    ["64:ff9b::/96", "64:ff9b::7f00:1", true],
    ["::/0", "10.0.0.1", false],
    ["::/0", "::ffff:10.0.0.1", false],
    ["0.0.0.0/0", "169.254.169.254", true],
    ["0.0.0.0/0", "fd00::1", false],
    ["fe80::/10", "fe80::1%eth0", false],
  ])("with %s allowed, %s: %s, over both protocols", (rules, address, allowed) => {
    for (const protocol of ["http:", "https:"] as const) {
      expect(addressAllowed(parseAllowTargets(rules), address, protocol)).toBe(allowed);
    }
  });

  it("keeps public addresses on https when private ones are allowed", () => {
    const rules = parseAllowTargets("10.0.0.0/8");
    expect(addressAllowed(rules, "8.8.8.8", "https:")).toBe(true);
    expect(addressAllowed(rules, "8.8.8.8", "http:")).toBe(false);
  });
});

describe("parseAllowTargets", () => {
  it("takes blank text for nothing, and spaces around pieces", () => {
    expect(parseAllowTargets("  ").allowed).toHaveLength(0);
    expect(parseAllowTargets(" 10.0.0.0/8 , fd00::/8 ").allowed).toHaveLength(2);
    expect(parseAllowTargets(LOOPBACK_TARGETS).allowed).toHaveLength(2);
  });

  it.each([
    ["10.0.0.0/8,nonsense", '"nonsense"'],
    ["10.0.0.0/33", '"10.0.0.0/33"'],
    ["fd00::/129", '"fd00::/129"'],
    ["10.0.0.0/", '"10.0.0.0/"'],
    ["10.0.0.0/-1", '"10.0.0.0/-1"'],
    ["10.0.0.0/8/8", '"10.0.0.0/8/8"'],
    ["10.0/8", '"10.0/8"'],
    ["0x0a000000/8", '"0x0a000000/8"'],
    ["10.0.0.5/8", "10.0.0.0/8"],
    ["fd00::1/8", "fd00::/8"],
    ["fe80::1%eth0", '"fe80::1%eth0"'],
    ["::ffff:10.0.0.1", "IPv4"],
    ["localhost", '"localhost"'],
    ["10.0.0.0/8,", '""'],
  ])("refuses %s and says where", (text, named) => {
    expect(() => parseAllowTargets(text)).toThrow(named);
  });
});

describe("checkTargetUrl", () => {
  const loopback = parseAllowTargets(LOOPBACK_TARGETS);

  it.each([
    "https://example.com/hook?a=1",
    "HTTPS://EXAMPLE.com",
    "https://example.com:8443/",
    "https://bücher.example/ö",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/",
    "https://example.com/path/@user",
    "https://example.com/?to=a@b",
  ])("accepts %s", (text) => {
    expect(checkTargetUrl(NO_TARGETS, text)).toMatchObject({ ok: true });
  });

  it("returns the URL as it will be called", () => {
    const check = checkTargetUrl(NO_TARGETS, "HTTPS://Example.COM:443/a/../b");
    expect(check.ok && check.url.href).toBe("https://example.com/b");
  });

  it.each([
    ["", "callback_url_invalid"],
    ["example.com/hook", "callback_url_invalid"],
    ["https:example.com", "callback_url_invalid"],
    ["https:///example.com", "callback_url_invalid"],
    ["https://", "callback_url_invalid"],
    ["https://exa mple.com/", "callback_url_invalid"],
    [" https://example.com/", "callback_url_invalid"],
    ["https://example.com/\n", "callback_url_invalid"],
    ["https://exam\tple.com/", "callback_url_invalid"],
    ["https://example.com/\0", "callback_url_invalid"],
    ["https://example.com/\u0085", "callback_url_invalid"],
    ["https://example.com/\u2028", "callback_url_invalid"],
    ["https://example.com/\ud800", "callback_url_invalid"],
    ["https://example.com\\@evil.example/", "callback_url_invalid"],
    ["https://example.com/#part", "callback_url_invalid"],
    ["https://example.com/#", "callback_url_invalid"],
    ["https://example.com:0/", "callback_url_invalid"],
    ["https://example.com:65536/", "callback_url_invalid"],
    ["https://[fe80::1%25eth0]/", "callback_url_invalid"],
    ["https://1.2.3.4.5/", "callback_url_invalid"],
    ["ftp://example.com/", "callback_url_invalid"],
    ["file:///etc/passwd", "callback_url_invalid"],
    ["javascript:alert(1)", "callback_url_invalid"],
    [`https://example.com/${"a".repeat(2030)}`, "callback_url_invalid"],
    [`https://example.com/${"ö".repeat(1000)}`, "callback_url_invalid"],
    ["https://user@example.com/", "callback_url_userinfo"],
    ["https://user:secret@example.com/", "callback_url_userinfo"],
    ["https://@example.com/", "callback_url_userinfo"],
    ["https://:@example.com/", "callback_url_userinfo"],
    ["http://example.com/", "target_blocked"],
    ["http://8.8.8.8/", "target_blocked"],
    ["https://127.0.0.1/", "target_blocked"],
    ["https://127.0.0.1./", "target_blocked"],
    ["https://127.1/", "target_blocked"],
    ["https://2130706433/", "target_blocked"],
    ["https://0x7f000001/", "target_blocked"],
    ["https://0177.0.0.1/", "target_blocked"],
    ["https://１２７.0.0.1/", "target_blocked"],
    ["https://0/", "target_blocked"],
    ["https://169.254.169.254/latest/", "target_blocked"],
    ["https://[::1]/", "target_blocked"],
    ["https://[::]/", "target_blocked"],
    ["https://[::ffff:127.0.0.1]/", "target_blocked"],
    ["https://[0:0:0:0:0:ffff:7f00:1]/", "target_blocked"],
    ["https://[64:ff9b::a00:1]/", "target_blocked"],
    ["https://168.63.129.16/", "target_blocked"],
  ])("refuses %j: %s", (text, code) => {
    expect(checkTargetUrl(NO_TARGETS, text)).toMatchObject({ ok: false, code });
  });

  it("opens http for what the operator allows", () => {
    expect(checkTargetUrl(loopback, "http://127.0.0.1:8080/").ok).toBe(true);
    expect(checkTargetUrl(loopback, "http://[::1]/").ok).toBe(true);
    expect(checkTargetUrl(loopback, "http://localhost/").ok).toBe(true);
    expect(checkTargetUrl(loopback, "http://10.0.0.1/").ok).toBe(false);
    expect(checkTargetUrl(loopback, "https://10.0.0.1/").ok).toBe(false);
  });

  it.each([
    ["http://example.com/", false],
    ["http://localhost:4000/", true],
    ["http://app.localhost/", true],
    ["http://receiver:4000/", true],
    ["http://shop.test/", true],
    ["http://127.0.0.1/", true],
    ["http://192.168.0.1/", false],
    ["https://example.com/", true],
  ])("with this machine alone open to http, %s may be called: %s", (url, ok) => {
    const check = checkTargetUrl(parseAllowTargets(LOOPBACK_TARGETS), url);
    expect(check.ok).toBe(ok);
    if (!check.ok) expect(check.detail).toContain("RINGBACK_ALLOW_TARGETS");
  });

  it("takes any name over http when more than this machine is open", () => {
    const rules = parseAllowTargets("127.0.0.0/8,10.0.0.0/8");
    expect(checkTargetUrl(rules, "http://hooks.example.com/").ok).toBe(true);
  });

  it("says https is missing where that is the only fault", () => {
    expect(checkTargetUrl(NO_TARGETS, "http://8.8.8.8/")).toMatchObject({
      detail: "must use https: RINGBACK_ALLOW_TARGETS does not open 8.8.8.8",
    });
    expect(checkTargetUrl(NO_TARGETS, "http://10.0.0.1/")).toMatchObject({
      detail: expect.stringContaining("10.0.0.1"),
    });
  });
});

describe("checkCustomHeaders", () => {
  it("accepts what a receiver may need", () => {
    const headers = {
      Authorization: "Bearer x",
      "X-Tenant": "caf\u00e9",
      cookie: "",
      "x_y~1": "\t",
    };
    expect(checkCustomHeaders(headers)).toBeNull();
    expect(checkCustomHeaders({})).toBeNull();
  });

  it.each([
    "webhook-signature",
    "Webhook-Id",
    "webhook-anything",
    "Host",
    "Content-Length",
    "content-type",
    "Transfer-Encoding",
    "connection",
    "keep-alive",
    "Upgrade",
    "te",
    "trailer",
    "proxy-connection",
    "expect",
    "User-Agent",
    "traceparent",
    "tracestate",
    "X-Request-Id",
    "ringback-attempt",
    "",
    "a b",
    "a:b",
    "a\r\nb",
    "ä",
    "a".repeat(101),
  ])("refuses the name %j", (name) => {
    expect(checkCustomHeaders({ "x-good": "1", [name]: "1" })).toContain(
      JSON.stringify(name.slice(0, 100)),
    );
  });

  it.each(["a\r\nb", "a\nb", "a\0b", "a\u007fb", "a\u0085b", "€", "x".repeat(4097)])(
    "refuses the value %j and names its header",
    (value) => {
      expect(checkCustomHeaders({ "x-good": "1", "x-bad": value })).toContain('"x-bad"');
    },
  );

  it("refuses two names that differ in case only, and more than 20", () => {
    expect(checkCustomHeaders({ "x-a": "1", "X-A": "2" })).toContain('"X-A"');
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`x-${n}`, "1"]));
    expect(checkCustomHeaders(many)).toContain("20");
    delete many["x-0"];
    expect(checkCustomHeaders(many)).toBeNull();
  });
});
