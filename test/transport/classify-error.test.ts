import { classifyError } from "../../src/transport/classify-error.ts";
import { TargetBlockedError } from "../../src/transport/target-guard.ts";

function coded(code: string, message = `it was ${code}`): Error {
  return Object.assign(new Error(message), { code });
}

describe("classifyError", () => {
  it.each([
    ["ENOTFOUND", "dns"],
    ["EAI_AGAIN", "dns"],
    ["EAI_FAIL", "dns"],
    ["ECONNREFUSED", "connect"],
    ["EHOSTUNREACH", "connect"],
    ["ENETUNREACH", "connect"],
    ["EADDRNOTAVAIL", "connect"],
    ["EMFILE", "connect"],
    ["ETIMEDOUT", "timeout"],
    ["UND_ERR_CONNECT_TIMEOUT", "timeout"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "tls"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls"],
    ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "tls"],
    ["CERT_HAS_EXPIRED", "tls"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "tls"],
    ["EPROTO", "tls"],
    ["ECONNRESET", "reset"],
    ["EPIPE", "reset"],
    ["UND_ERR_SOCKET", "reset"],
    ["HPE_INVALID_CONSTANT", "protocol"],
    ["UND_ERR_HEADERS_OVERFLOW", "protocol"],
    ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "protocol"],
    ["UND_ERR_INVALID_ARG", "protocol"],
    ["SOMETHING_NEW", "protocol"],
  ])("calls %s %s", (code, expected) => {
    expect(classifyError(coded(code))).toEqual({ code: expected, message: `it was ${code}` });
  });

  it("knows a blocked target, and an answer to no question", () => {
    expect(classifyError(new TargetBlockedError("no")).code).toBe("target_blocked");
    expect(classifyError(coded("UND_ERR_SOCKET", "bad response")).code).toBe("protocol");
  });

  it("takes the reason out of several failed addresses", () => {
    const refused = [coded("ENETUNREACH"), coded("ECONNREFUSED", "connect ECONNREFUSED 1.2.3.4:1")];
    expect(classifyError(new AggregateError(refused))).toEqual({
      code: "connect",
      message: "connect ECONNREFUSED 1.2.3.4:1",
    });
    const slow = [coded("ETIMEDOUT"), coded("ECONNREFUSED")];
    expect(classifyError(new AggregateError(slow)).code).toBe("timeout");
    expect(classifyError(new AggregateError([]))).toMatchObject({ code: "protocol" });
  });

  it.each([
    [new Error("first\n    at second"), "first"],
    [new Error("a\0b"), "a\uFFFDb"],
    [new Error("x".repeat(1_000)), "x".repeat(300)],
    [
      Object.assign(new Error("00D0:error:0A00010B:SSL"), { reason: "wrong version number" }),
      "wrong version number",
    ],
    [new Error(""), "unknown error"],
    ["thrown text", "thrown text"],
    [undefined, "unknown error"],
  ])("keeps messages short and printable: %j", (error, message) => {
    expect(classifyError(error).message).toBe(message);
  });
});
