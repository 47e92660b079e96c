import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Router, type Request, type Response } from "express";
import { Problem } from "../core/problem.ts";

/** The folder of the built pages, below the one that holds our package.json. */
const BUILT = path.join(packageRoot(), "dist", "console");

/** The placeholder for each answer's nonce in the built page; see src/console/vite.config.ts. */
const NONCE_PLACEHOLDER = "__CSP_NONCE__";

const TYPES: Record<string, string> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

const NOT_BUILT = `The console has not been built.

Run this in the folder of Ringback, then reload:

  npm run build:console
`;

interface Asset {
  type: string;
  plain: Buffer;
  gzipped: Buffer;
}

/**
 * `/console`: the web app, all of it from this server. Names of files below `assets` contain a hash
 * of their content, so they never change; every other path is the page, whose script chooses what
 * to show there.
 */
export function consoleRouter(folder = BUILT): Router {
  const assets = createAssets(folder);
  const router = Router({ strict: true });
  const get = (route: string, answer: (request: Request, response: Response) => Promise<void>) =>
    router.get(route, (request, response, next) => void answer(request, response).catch(next));

  router.get("/console", (_request, response) => response.redirect(308, "/console/"));
  get("/console/icon.svg", async (request, response) => {
    sendAsset(request, response, await assets(["icon.svg"]), "public, max-age=86400");
  });
  get("/console/assets/:name", async (request, response) => {
    const asset = await assets(["assets", String(request.params["name"])]);
    sendAsset(request, response, asset, "public, max-age=31536000, immutable");
  });
  get("/console/{*path}", async (_request, response) => sendPage(response, folder));
  return router;
}

async function sendPage(response: Response, folder: string): Promise<void> {
  response.set("cache-control", "no-cache");
  if (!existsSync(path.join(folder, "index.html"))) {
    response.status(503).type("text/plain").send(NOT_BUILT);
    return;
  }
  const nonce = randomBytes(16).toString("base64");
  const page = await readFile(path.join(folder, "index.html"), "utf8");
  response.set("content-security-policy", policy(nonce));
  response.type("html").send(page.replaceAll(NONCE_PLACEHOLDER, nonce));
}

/**
 * The policy of the page: nothing from elsewhere, nothing inline except style elements with this
 * answer's nonce, for the variables of the component library. Styles set by script are exempt.
 */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

const compress = promisify(gzip);

/** The files of the build, compressed once. Only names from a listing are ever opened. */
function createAssets(folder: string): (steps: [string] | [string, string]) => Promise<Asset> {
  const kept = new Map<string, Promise<Asset>>();

  async function read(name: string): Promise<Asset> {
    const plain = await readFile(path.join(folder, name));
    const type = TYPES[path.extname(name)] ?? "application/octet-stream";
    return { type, plain, gzipped: await compress(plain, { level: 9 }) };
  }

  return async function asset(steps) {
    const name = steps.join("/");
    const file = steps.at(-1) ?? "";
    const listed = await readdir(path.join(folder, ...steps.slice(0, -1))).catch(
      (): string[] => [],
    );
    if (!listed.includes(file)) throw new Problem("not_found", `There is no file ${name}.`);
    const found = kept.get(name) ?? read(name);
    kept.set(name, found);
    return await found;
  };
}

function sendAsset(request: Request, response: Response, asset: Asset, caching: string): void {
  const { type, plain, gzipped } = asset;
  const zipped = request.acceptsEncodings("gzip") !== false;
  response.set({ "content-type": type, "cache-control": caching, vary: "Accept-Encoding" });
  if (zipped) response.set("content-encoding", "gzip");
  response.send(zipped ? gzipped : plain);
}

function packageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, "package.json"))) folder = path.dirname(folder);
  return folder;
}
